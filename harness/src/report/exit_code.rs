//! Exit codes of `bridgelab run`, in one place. The worst run decides.

use super::{Cancelled, Outcome, RunReport};

/// Every run that was asked for was judged, and passed.
pub const PASSED: i32 = 0;
/// A check failed.
pub const FAILED: i32 = 1;
/// A scenario is invalid; nothing was built.
pub const INVALID: i32 = 2;
/// A run was skipped as a whole and has no verdict, whether or not others have one.
pub const HOST_CANNOT: i32 = 3;
/// Host, image, VMM or harness broke; no verdict.
pub const BROKEN: i32 = 4;
/// Passed, and something was left behind.
pub const LEAKED: i32 = 5;
/// A stage took too long.
pub const TIMED_OUT: i32 = 6;
/// Ended by SIGINT, which is what Ctrl-C sends.
pub const INTERRUPTED: i32 = 130;
/// Ended by SIGTERM.
pub const TERMINATED: i32 = 143;
/// Ended by SIGHUP.
pub const HUNG_UP: i32 = 129;

impl Cancelled {
    /// The exit code: 128 and the signal's number, as shells have it.
    pub fn exit_code(self) -> i32 {
        match self {
            Self::Interrupted | Self::LetGo => INTERRUPTED,
            Self::Terminated => TERMINATED,
            Self::HungUp => HUNG_UP,
        }
    }
}

/// The exit code for some runs. The first of these decides: an interruption, a failure, a run without a verdict (a skipped
/// one last), a leak.
///
/// A failure decides before a run without a verdict: a CI system that repeats what the machine has spoilt must not repeat a
/// fault until it is gone.
pub fn worst(runs: &[RunReport]) -> i32 {
    let any = |outcome| runs.iter().any(|run| run.outcome == outcome);
    let cancelled = runs.iter().find(|run| run.outcome == Outcome::Cancelled);
    if let Some(run) = cancelled {
        Cancelled::of(run).exit_code()
    } else if any(Outcome::Failed) {
        FAILED
    } else if any(Outcome::Broken) {
        BROKEN
    } else if any(Outcome::TimedOut) {
        TIMED_OUT
    } else if any(Outcome::Skipped) {
        HOST_CANNOT
    } else if runs.iter().any(|run| !run.leaks.is_empty()) {
        LEAKED
    } else {
        PASSED
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{NOT_SHOWN, Problem};

    fn run(outcome: Outcome, code: Option<&str>) -> RunReport {
        RunReport {
            scenario: "s".to_owned(),
            variant: None,
            outcome,
            problem: code.map(|code| Problem {
                code: code.to_owned(),
                chain: vec!["why".to_owned()],
                help: None,
            }),
            differences: Vec::new(),
            accelerator: "ghost".to_owned(),
            accelerator_reason: String::new(),
            lab: Default::default(),
            guests: Vec::new(),
            checks: Vec::new(),
            steps: Vec::new(),
            stages: Vec::new(),
            waits: Vec::new(),
            units: Default::default(),
            versions: std::collections::BTreeMap::new(),
            leaks: Vec::new(),
            left_running: Vec::new(),
            unwritten: Vec::new(),
            not_gathered: Vec::new(),
            holes: Vec::new(),
            diagnosis: Vec::new(),
            evidence: None,
            reproduce: String::new(),
            started: None,
            ms: 1,
        }
    }

    #[test]
    fn a_run_that_was_skipped_is_no_pass_whoever_stands_beside_it() {
        let passed = run(Outcome::Passed, None);
        let ghost = run(Outcome::Skipped, Some(NOT_SHOWN));
        let host = run(Outcome::Skipped, Some("host.capability-missing"));
        let failed = run(Outcome::Failed, None);
        assert_eq!(worst(std::slice::from_ref(&passed)), PASSED);
        for skipped in [ghost, host] {
            assert_eq!(worst(std::slice::from_ref(&skipped)), HOST_CANNOT);
            assert_eq!(worst(&[passed.clone(), skipped.clone()]), HOST_CANNOT);
            assert_eq!(worst(&[skipped, failed.clone()]), FAILED);
        }
    }

    #[test]
    fn a_cancelled_run_ends_as_shells_name_its_signal() {
        for (by, code) in [
            (Cancelled::Interrupted, 130),
            (Cancelled::Terminated, 143),
            (Cancelled::HungUp, 129),
            (Cancelled::LetGo, 130),
        ] {
            let mut cancelled = run(Outcome::Cancelled, None);
            cancelled.cancelled_by(by);
            let failed = run(Outcome::Failed, None);
            assert_eq!(worst(&[failed, cancelled]), code);
        }
        assert_eq!(worst(&[run(Outcome::Cancelled, None)]), 130);
    }
}
