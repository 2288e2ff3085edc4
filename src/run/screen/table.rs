//! What stands at the bottom of a terminal while runs go on: a line for each of them with its clock, its stage and what it
//! waits for.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::time::Instant;

use bridgelab_harness::report::{CheckOutcome, CheckReport};
use bridgelab_harness::visible::visible;

/// The lines that stand on the terminal.
#[derive(Default)]
pub(super) struct Table {
    rows: BTreeMap<usize, Row>,
    /// What the next run waits for, and how many runs have not begun.
    pub(super) queue: Option<(String, usize)>,
    /// Number of lines that are on the terminal now.
    drawn: usize,
}

/// A run under way.
struct Row {
    title: String,
    stage: String,
    begun: Instant,
    /// Decided checks of the stage that are as the scenario says, and those that are not. What was skipped is neither.
    right: usize,
    wrong: usize,
    /// Checks that do not hold yet: what was seen, and until when they are looked at.
    waits: BTreeMap<String, (String, Instant)>,
}

impl Row {
    fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            stage: String::new(),
            begun: Instant::now(),
            right: 0,
            wrong: 0,
            waits: BTreeMap::new(),
        }
    }

    /// The stage, how many checks were decided in it, and of those that wait the one that ends first.
    fn text(&self) -> String {
        let mut text = self.stage.clone();
        if self.right + self.wrong > 0 {
            let _ = write!(text, ": {} ok", self.right);
        }
        if self.wrong > 0 {
            let _ = write!(text, ", {} wrong", self.wrong);
        }
        let first = self.waits.iter().min_by_key(|(_, (_, until))| *until);
        if let Some((check, (got, until))) = first {
            let left = until.saturating_duration_since(Instant::now()).as_secs();
            let waiting = self.waits.len();
            let _ = write!(
                text,
                "; {waiting} waiting, {left} s left for {check}: {got}"
            );
        }
        text
    }
}

impl Table {
    /// A run begins a stage.
    pub(super) fn stage(&mut self, index: usize, title: &str, text: &str) {
        let row = self.row(index, title);
        row.stage = text.to_owned();
        (row.right, row.wrong) = (0, 0);
        row.waits.clear();
    }

    /// A check of a run does not hold yet, and is looked at until then.
    pub(super) fn waits(
        &mut self,
        index: usize,
        title: &str,
        check: &str,
        got: &str,
        until: Instant,
    ) {
        let waits = &mut self.row(index, title).waits;
        waits.insert(check.to_owned(), (got.to_owned(), until));
    }

    /// A check of a run was decided.
    pub(super) fn decided(&mut self, index: usize, check: &CheckReport) {
        if let Some(row) = self.rows.get_mut(&index) {
            row.waits.remove(&check.id);
            let seen = matches!(check.outcome, CheckOutcome::Passed | CheckOutcome::Failed);
            if check.is_wrong() {
                row.wrong += 1;
            } else if seen {
                row.right += 1;
            }
        }
    }

    /// A run is over.
    pub(super) fn over(&mut self, index: usize) {
        self.rows.remove(&index);
    }

    fn row(&mut self, index: usize, title: &str) -> &mut Row {
        self.rows.entry(index).or_insert_with(|| Row::new(title))
    }

    /// Removes the table from the terminal.
    pub(super) fn wipe(&mut self) {
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

    /// Draws it anew where it stands.
    pub(super) fn draw(&mut self) {
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
                let (title, text) = (&row.title, row.text());
                format!("{title:widest$} {minutes:3}:{seconds:02} {text}")
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
    use std::time::Duration;

    use super::*;

    fn table(rows: usize) -> Table {
        let mut table = Table::default();
        for index in 0..rows {
            let stage = "pinging\n\u{1b}[31m".to_owned() + &"x".repeat(200);
            table.stage(index, &format!("lab{index}"), &stage);
        }
        table.queue = Some(("lab9: waiting for one of 2 jobs".to_owned(), 7));
        table
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

    fn check(id: &str, outcome: CheckOutcome) -> CheckReport {
        CheckReport {
            id: id.to_owned(),
            from: "host".to_owned(),
            kind: "ping".to_owned(),
            outcome,
            must_fail: false,
            any_of: Vec::new(),
            expected: String::new(),
            got: String::new(),
            attempts: 1,
            at_ms: 0,
            ms: 0,
            seen: Vec::new(),
        }
    }

    #[test]
    fn it_tells_of_the_check_whose_time_ends_first_and_forgets_those_of_the_last_stage() {
        let mut table = Table::default();
        table.stage(0, "lab", "checking");
        let in_seconds = |left: u64| Instant::now() + Duration::from_millis(left * 1000 + 900);
        table.waits(0, "lab", "late", "no carrier", in_seconds(30));
        table.waits(0, "lab", "soon", "no reply", in_seconds(5));
        table.decided(0, &check("good", CheckOutcome::Passed));
        table.decided(0, &check("bad", CheckOutcome::Failed));
        table.decided(0, &check("hidden", CheckOutcome::Skipped));
        let line = |table: &Table| table.lines(200, 24).remove(0);
        let text = "lab   0:00 checking: 1 ok, 1 wrong; 2 waiting, 5 s left for soon: no reply";
        assert_eq!(line(&table), text);
        table.waits(0, "lab", "late", "no carrier at all", in_seconds(3));
        assert!(line(&table).ends_with("3 s left for late: no carrier at all"));
        table.decided(0, &check("late", CheckOutcome::Passed));
        table.decided(0, &check("soon", CheckOutcome::Passed));
        assert_eq!(line(&table), "lab   0:00 checking: 3 ok, 1 wrong");
        table.waits(0, "lab", "step", "not yet", in_seconds(3));
        table.stage(0, "lab", "gathering evidence");
        assert_eq!(line(&table), "lab   0:00 gathering evidence");
    }
}
