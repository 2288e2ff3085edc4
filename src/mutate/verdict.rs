//! What became of a mutant. Pure.

use bridgelab_harness::report::{CheckOutcome, CheckReport, Outcome, RunReport};
use serde::Serialize;

/// What became of a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// `bridgelab check` refuses it: nothing was built.
    Refused,
    /// A check does not hold.
    Caught,
    /// All checks hold, and the lab's state is another one.
    Missed,
    /// All checks hold, and nothing in the lab's state is otherwise.
    Equivalent,
    /// The lab broke: no verdict on the network.
    Broken,
    /// A stage took too long.
    TimedOut,
    /// This host cannot run it.
    Skipped,
    /// It was not run, since somebody ended the call.
    NotRun,
}

impl Verdict {
    /// Every verdict, in the order in which they are told.
    pub(crate) const ALL: [Self; 8] = [
        Self::Refused,
        Self::Caught,
        Self::Missed,
        Self::Equivalent,
        Self::Broken,
        Self::TimedOut,
        Self::Skipped,
        Self::NotRun,
    ];

    /// Its word, for people.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Caught => "caught",
            Self::Missed => "missed",
            Self::Equivalent => "equivalent",
            Self::Broken => "broken",
            Self::TimedOut => "timed out",
            Self::Skipped => "skipped",
            Self::NotRun => "not run",
        }
    }
}

/// The verdict on a mutant's run, and why, in one sentence. `differences`: what is otherwise in the lab's state; asked only where all
/// checks hold.
pub(crate) fn judged(
    run: &RunReport,
    differences: impl FnOnce() -> Vec<String>,
) -> (Verdict, String) {
    let problem = || {
        // Of a check that could not be looked at, the run has no problem, but the check says why.
        let not_run = |check: &&CheckReport| check.outcome == CheckOutcome::NotRun;
        let blind = run.checks.iter().find(not_run);
        let blind =
            blind.map(|check| format!("{} could not be looked at: {}", check.id, check.got));
        let chain = run.problem.as_ref().map(|problem| problem.chain.join(": "));
        chain.or(blind).unwrap_or_default()
    };
    match run.outcome {
        Outcome::Passed => match differences() {
            none if none.is_empty() => (
                Verdict::Equivalent,
                "the lab's state is the same".to_owned(),
            ),
            some => {
                let more = match some.len() {
                    1 => String::new(),
                    many => format!(" (and {} more)", many - 1),
                };
                (Verdict::Missed, format!("{}{more}", some[0]))
            }
        },
        Outcome::Failed => {
            let failed = failed(run);
            let first = run.differences.first().cloned().unwrap_or_default();
            let told = match failed.as_slice() {
                [] => first,
                [one] => format!("{one} does not hold"),
                [one, more @ ..] => format!("{one} and {} more do not hold", more.len()),
            };
            (Verdict::Caught, told)
        }
        Outcome::Broken => (Verdict::Broken, problem()),
        Outcome::TimedOut => (Verdict::TimedOut, problem()),
        Outcome::Skipped => (Verdict::Skipped, problem()),
        Outcome::Cancelled => (Verdict::NotRun, "the call was ended".to_owned()),
    }
}

/// The checks that do not hold, in the scenario's order.
pub(crate) fn failed(run: &RunReport) -> Vec<String> {
    let wrong = |outcome| matches!(outcome, CheckOutcome::Failed | CheckOutcome::NotRun);
    let failed = run.checks.iter().filter(|check| wrong(check.outcome));
    failed.map(|check| check.id.clone()).collect()
}
