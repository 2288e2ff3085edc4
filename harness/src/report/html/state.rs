//! What became of runs and checks, in words and by a shape each.

use crate::report::{CheckOutcome, CheckReport, Outcome, RunReport};
use maud::{Markup, html};

/// What became of a check, seen with what the scenario asks of it. In the order in which a reader wants them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// It is not as the scenario says.
    Wrong,
    /// Nobody could look.
    NotLooked,
    /// The run ended first.
    Undecided,
    /// It fails, and has to.
    AsItMust,
    /// What was run cannot show it.
    Skipped,
    /// It holds.
    Holds,
}

impl State {
    /// All of them, in their order.
    pub(super) const ALL: [Self; 6] = [
        Self::Wrong,
        Self::NotLooked,
        Self::Undecided,
        Self::AsItMust,
        Self::Skipped,
        Self::Holds,
    ];

    pub(super) fn of(run: &RunReport, check: &CheckReport) -> Self {
        let differs = run.difference(check).is_some();
        let red = check.must_fail || !check.any_of.is_empty();
        match check.outcome {
            CheckOutcome::NotRun => Self::NotLooked,
            CheckOutcome::Undecided => Self::Undecided,
            _ if differs => Self::Wrong,
            CheckOutcome::Skipped => Self::Skipped,
            CheckOutcome::Passed if check.must_fail => Self::Wrong,
            CheckOutcome::Passed => Self::Holds,
            CheckOutcome::Failed if red => Self::AsItMust,
            CheckOutcome::Failed => Self::Wrong,
        }
    }

    /// Of a group of checks.
    pub(super) const fn heading(self) -> &'static str {
        match self {
            Self::Wrong => "not as they should be",
            Self::NotLooked => "could not be looked at",
            Self::Undecided => "undecided, the run ended first",
            Self::AsItMust => "fail, as they must in this variant",
            Self::Skipped => "skipped",
            Self::Holds => "hold",
        }
    }

    const fn shape(self) -> char {
        match self {
            Self::Wrong => CROSS,
            Self::NotLooked => '!',
            Self::Undecided => '?',
            Self::AsItMust => DIAMOND,
            Self::Skipped => RING,
            Self::Holds => TICK,
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Wrong => "state bad",
            Self::NotLooked | Self::Undecided => "state doubt",
            Self::AsItMust => "state must",
            Self::Skipped => "state none",
            Self::Holds => "state good",
        }
    }

    /// Of one check.
    pub(super) fn of_one(self, check: &CheckReport) -> Markup {
        let word = match (self, check.outcome) {
            (Self::Wrong, CheckOutcome::Passed) => "holds, and must fail",
            (Self::Wrong, CheckOutcome::Skipped) => "skipped, and required",
            (Self::Wrong, _) if check.must_fail => "fails otherwise",
            (Self::Wrong, _) => "does not hold",
            (Self::NotLooked, _) => "not looked at",
            (Self::Undecided, _) => "undecided",
            (Self::AsItMust, _) => "fails as it must",
            (Self::Skipped, _) => "skipped",
            (Self::Holds, _) => "holds",
        };
        html! { span class=(self.class()) { (self.shape()) " " (word) } }
    }
}

/// Shapes that stand beside words: they tell states apart without colour.
pub(super) const TICK: char = '\u{2713}';
pub(super) const CROSS: char = '\u{2717}';
pub(super) const DIAMOND: char = '\u{25c6}';
pub(super) const RING: char = '\u{25cb}';
pub(super) const DOT: char = '\u{25cf}';

/// Shape and class of a run's end.
pub(super) const fn of_run(outcome: Outcome) -> (char, &'static str) {
    match outcome {
        Outcome::Passed => (TICK, "good"),
        Outcome::Failed => (CROSS, "bad"),
        Outcome::Skipped => (RING, "none"),
        Outcome::Broken | Outcome::TimedOut | Outcome::Cancelled => ('!', "doubt"),
    }
}
