//! What is shown while runs go on: a line for each piece of news, or, for several runs on a terminal, a table with a
//! line for each run under way. Verdicts go to stdout, everything else to stderr.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use bridgelab_harness::visible::visible;

use crate::output::say;

/// What is shown; the futures of one thread share it.
pub(super) struct Screen {
    begun: Instant,
    /// The table; `None`: lines are shown.
    table: Option<RefCell<Table>>,
}

#[derive(Default)]
struct Table {
    rows: BTreeMap<usize, Row>,
    /// What the next run waits for, and how many runs have not begun.
    queue: Option<(String, usize)>,
    /// Number of lines that are on the terminal now.
    drawn: usize,
}

struct Row {
    title: String,
    stage: String,
    begun: Instant,
}

impl Screen {
    /// Shows a table if there are several runs and the terminal can move its cursor; else lines.
    pub(super) fn new(runs: usize) -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let table = runs > 1 && std::io::stderr().is_terminal() && !dumb;
        Self {
            begun: Instant::now(),
            table: table.then(RefCell::default),
        }
    }

    /// How often the table's clocks move on; `None`: there is no table.
    pub(super) fn tick(&self) -> Option<Duration> {
        self.table.as_ref().map(|_| Duration::from_secs(1))
    }

    pub(super) fn progress(&self, index: usize, title: &str, text: &str) {
        let Some(table) = &self.table else {
            return self.line(title, text);
        };
        let mut table = table.borrow_mut();
        let row = table.rows.entry(index).or_insert_with(|| Row {
            title: title.to_owned(),
            stage: String::new(),
            begun: Instant::now(),
        });
        row.stage = text.to_owned();
        table.draw();
    }

    /// Shows that run `title` waits, and that `left` runs, with this one, have not begun. A text that is said `again`, with
    /// only other names in it, gets no line of its own: a long queue would fill the log of everybody in it.
    pub(super) fn queued(&self, title: &str, text: &str, left: usize, again: bool) {
        let Some(table) = &self.table else {
            if !again {
                self.line(title, text);
            }
            return;
        };
        let mut table = table.borrow_mut();
        table.queue = Some((format!("{title}: {text}"), left));
        table.draw();
    }

    fn line(&self, title: &str, text: &str) {
        let at = self.begun.elapsed().as_secs_f64();
        let _ = writeln!(
            anstream::stderr(),
            "[{at:6.1} s] {}: {}",
            visible(title),
            visible(text)
        );
    }

    /// Shows that no run waits any more.
    pub(super) fn admitted(&self) {
        if let Some(table) = &self.table {
            table.borrow_mut().queue = None;
        }
    }

    /// Shows that a run is over; `verdict` is `None` where stdout is for something else.
    pub(super) fn ended(&self, index: usize, verdict: Option<&str>) {
        let mut table = self.table.as_ref().map(RefCell::borrow_mut);
        if let Some(table) = &mut table {
            table.rows.remove(&index);
            table.wipe();
        }
        if let Some(verdict) = verdict {
            // Print it in one piece, so that nothing comes between its lines.
            say(verdict);
        }
        if let Some(table) = &mut table {
            table.draw();
        }
    }

    /// Prints a line that stays on stderr.
    pub(super) fn note(&self, text: &str) {
        let mut table = self.table.as_ref().map(RefCell::borrow_mut);
        if let Some(table) = &mut table {
            table.wipe();
        }
        let _ = writeln!(anstream::stderr(), "{}", visible(text));
        if let Some(table) = &mut table {
            table.draw();
        }
    }

    pub(super) fn redraw(&self) {
        if let Some(table) = &self.table {
            table.borrow_mut().draw();
        }
    }
}

impl Table {
    /// Removes the table from the terminal.
    fn wipe(&mut self) {
        let _ = write!(std::io::stderr(), "{}", self.wiped());
        self.drawn = 0;
    }

    /// Sequence that moves the cursor to the table's first line and erases everything from there (ECMA-48: CUU, ED).
    fn wiped(&self) -> String {
        match self.drawn {
            0 => String::new(),
            // `\r`, since an echo of the terminal such as `^C` may have moved the cursor from the left edge.
            lines => format!("\r\x1b[{lines}A\x1b[J"),
        }
    }

    fn draw(&mut self) {
        let size = terminal_size::terminal_size_of(std::io::stderr());
        let (width, height) = size.map_or((80, 24), |(w, h)| (w.0.into(), h.0.into()));
        let lines = self.lines(width, height);
        let mut text = self.wiped();
        for line in &lines {
            let _ = writeln!(text, "{line}");
        }
        // Not through anstream, which drops them under NO_COLOR: these are movements and no colours.
        let mut err = std::io::stderr().lock();
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
        self.drawn = lines.len();
    }

    /// The table's lines. None is wider than the terminal, and they are fewer than its height, so that it does not scroll.
    fn lines(&self, width: usize, height: usize) -> Vec<String> {
        let room = height.saturating_sub(3).max(1);
        let widest = self.rows.values().map(|row| row.title.len()).max();
        let widest = widest.unwrap_or(0);
        let mut lines: Vec<String> = self
            .rows
            .values()
            .take(room)
            .map(|row| {
                let seconds = row.begun.elapsed().as_secs();
                let (minutes, seconds) = (seconds / 60, seconds % 60);
                let (title, stage) = (&row.title, &row.stage);
                format!("{title:widest$} {minutes:3}:{seconds:02} {stage}")
            })
            .collect();
        if self.rows.len() > room {
            lines.push(format!("and {} more", self.rows.len() - room));
        }
        if let Some((text, left)) = &self.queue {
            lines.push(format!("{left} queued; {text}"));
        }
        for line in &mut lines {
            *line = visible(&line.replace(['\n', '\t'], " "))
                .chars()
                .take(width.saturating_sub(1))
                .collect();
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: usize) -> Table {
        let row = |index: usize| Row {
            title: format!("lab{index}"),
            stage: "pinging\n\u{1b}[31m".to_owned() + &"x".repeat(200),
            begun: Instant::now(),
        };
        Table {
            rows: (0..rows).map(|index| (index, row(index))).collect(),
            queue: Some(("lab9: waiting for one of 2 jobs".to_owned(), 7)),
            drawn: 0,
        }
    }

    #[test]
    fn it_never_outgrows_the_terminal() {
        let lines = table(2).lines(40, 24);
        assert_eq!(lines[2], "7 queued; lab9: waiting for one of 2 jo");
        assert!(
            lines[0].starts_with("lab0   0:00 pinging \\u{1b}[31mxxx"),
            "{lines:?}"
        );
        assert!(lines.iter().all(|line| line.chars().count() < 40));
        let lines = table(50).lines(40, 10);
        assert!(lines.len() < 10);
        assert_eq!(lines[7], "and 43 more");
    }
}
