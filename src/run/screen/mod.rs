//! What is shown while runs go on. Verdicts go to stdout, everything else to stderr.
//!
//! One run: a line for each piece of news, and on a terminal a last line that tells what is waited for. Several runs on a
//! terminal: a table with a line for each run under way. Several runs elsewhere: the lines of all.

mod table;

use std::cell::{Cell, RefCell};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use bridgelab_harness::report::{CheckOutcome, CheckReport, RunReport};
use bridgelab_harness::visible::visible;

use self::table::Table;
use crate::output::say;
use crate::report;

/// What is shown; the futures of one thread share it.
pub(super) struct Screen {
    /// From when the times of lines count: the start of a single run, as in its report; else that of the call.
    begun: Cell<Instant>,
    /// How many runs there are.
    runs: usize,
    /// Whether news may have lines of their own.
    lines: bool,
    /// Whether the first news of a run has come.
    under_way: Cell<bool>,
    /// The table; `None`: nothing but lines.
    table: Option<RefCell<Table>>,
}

impl Screen {
    /// With a table, if there is a terminal that can move its cursor; without `lines`, with nothing else but notes.
    pub(super) fn new(runs: usize, lines: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let table = std::io::stderr().is_terminal() && !dumb;
        Self {
            begun: Cell::new(Instant::now()),
            runs,
            lines,
            under_way: Cell::new(false),
            table: table.then(RefCell::default),
        }
    }

    /// How often the table's clocks move on; `None`: there are none.
    pub(super) fn tick(&self) -> Option<Duration> {
        self.table.as_ref().map(|_| Duration::from_secs(1))
    }

    /// A stage began, or something else is told of a run.
    pub(super) fn progress(&self, index: usize, title: &str, text: &str) {
        if self.runs == 1 && !self.under_way.replace(true) {
            self.begun.set(Instant::now());
        }
        if self.has_lines() {
            self.line(title, Style::new(), "", text);
        }
        self.with_table(|table| {
            table.stage(index, title, text);
            table.draw();
        });
    }

    /// A check does not hold yet; it is looked at for `left` more.
    pub(super) fn waits(&self, index: usize, title: &str, check: &str, got: &str, left: Duration) {
        self.with_table(|table| table.waits(index, title, check, got, Instant::now() + left));
    }

    /// A check was decided.
    pub(super) fn checked(&self, index: usize, title: &str, check: &CheckReport) {
        let (word, colour) = mark(check);
        self.with_table(|table| table.decided(index, check));
        if self.has_lines() {
            let style = Style::new().fg_color(Some(colour.into()));
            let text = format!("{}: {}{}", check.id, as_wanted(check), check.got);
            self.line(title, style, word, &text);
        }
    }

    /// Shows that run `title` waits, and that `left` runs, with this one, have not begun. A text that is said `again`, with
    /// only other names in it, gets no line of its own: a long queue would fill the log of everybody in it.
    pub(super) fn queued(&self, title: &str, text: &str, left: usize, again: bool) {
        if self.has_lines() && !again {
            self.line(title, Style::new(), "", text);
        }
        self.with_table(|table| {
            table.queue = Some((format!("{title}: {text}"), left));
            table.draw();
        });
    }

    /// Shows that no run waits any more.
    pub(super) fn admitted(&self) {
        self.with_table(|table| table.queue = None);
    }

    /// The verdict of a lab that is kept. It is told again, on stdout, when the lab has been taken down.
    pub(super) fn verdict_so_far(&self, run: &RunReport) {
        let text = report::printed(run, false);
        self.above_table(|| {
            let _ = writeln!(anstream::stderr(), "{text}");
        });
    }

    /// Shows that a run is over; `verdict` is `None` where stdout is for something else.
    pub(super) fn ended(&self, index: usize, verdict: Option<&str>) {
        self.with_table(|table| table.over(index));
        self.above_table(|| {
            if let Some(verdict) = verdict {
                // Print it in one piece, so that nothing comes between its lines.
                say(verdict);
            }
        });
    }

    /// Prints a line that stays on stderr.
    pub(super) fn note(&self, text: &str) {
        self.above_table(|| {
            let _ = writeln!(anstream::stderr(), "{}", visible(text));
        });
    }

    /// Moves the clocks on.
    pub(super) fn redraw(&self) {
        self.with_table(Table::draw);
    }

    /// Whether each piece of news gets a line that stays.
    fn has_lines(&self) -> bool {
        self.lines && (self.runs == 1 || self.table.is_none())
    }

    fn with_table(&self, change: impl FnOnce(&mut Table)) {
        if let Some(table) = &self.table {
            change(&mut table.borrow_mut());
        }
    }

    /// Writes something that stays, where the table stood; the table stands below it afterwards.
    fn above_table(&self, write: impl FnOnce()) {
        self.with_table(Table::wipe);
        write();
        self.with_table(Table::draw);
    }

    /// A line with the time, the run, a word in colour, and the text.
    fn line(&self, title: &str, style: Style, word: &str, text: &str) {
        let at = self.begun.get().elapsed().as_secs_f64();
        let (title, text) = (visible(title), visible(text));
        let blank = if word.is_empty() { "" } else { " " };
        self.above_table(|| {
            let _ = writeln!(
                anstream::stderr(),
                "[{at:6.1} s] {title}: {style}{word}{style:#}{blank}{text}"
            );
        });
    }
}

/// What a decided check comes to, in a word as wide as the others, and its colour.
fn mark(check: &CheckReport) -> (&'static str, AnsiColor) {
    match check.outcome {
        CheckOutcome::Passed | CheckOutcome::Failed if check.is_wrong() => {
            ("WRONG  ", AnsiColor::Red)
        }
        CheckOutcome::Passed | CheckOutcome::Failed => ("ok     ", AnsiColor::Green),
        CheckOutcome::Skipped => ("skipped", AnsiColor::Yellow),
        CheckOutcome::NotRun | CheckOutcome::Undecided => ("not run", AnsiColor::Yellow),
    }
}

/// Why what a check saw is right or wrong, where the plain reading says the opposite.
fn as_wanted(check: &CheckReport) -> &'static str {
    match check.outcome {
        CheckOutcome::Failed if check.must_fail => "fails as it must: ",
        CheckOutcome::Failed if !check.any_of.is_empty() => "fails as it may: ",
        CheckOutcome::Passed if check.must_fail => "must fail, and holds: ",
        _ => "",
    }
}
