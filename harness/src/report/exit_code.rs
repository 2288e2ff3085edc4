//! Exit codes of `bridgelab run`, in one place. The worst run decides.

use super::{Cancelled, NOT_SHOWN, Outcome, RunReport};

/// Every run passed, or was skipped for a reason that is in the report.
pub const PASSED: i32 = 0;
/// A check failed.
pub const FAILED: i32 = 1;
/// A scenario is invalid; nothing was built.
pub const INVALID: i32 = 2;
/// Every run was skipped, or, under `BRIDGELAB_STRICT=1`, any that this host cannot do.
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

/// The exit code for some runs: an interruption before all else, then a failure, then no verdict, then a leak.
///
/// A proven fault outranks a run without a verdict: whoever retries trouble of the machine must not retry a fault
/// away.
pub fn worst(runs: &[RunReport], strict: bool) -> i32 {
    let any = |outcome| runs.iter().any(|run| run.outcome == outcome);
    let skipped = runs
        .iter()
        .filter(|run| run.outcome == Outcome::Skipped)
        .count();
    // Whoever asks for ghosts expects what they cannot show: not even `strict` takes that for a lack of the host.
    let lacking = runs.iter().any(|run| {
        run.outcome == Outcome::Skipped
            && run
                .problem
                .as_ref()
                .is_none_or(|problem| problem.code != NOT_SHOWN)
    });
    let cancelled = runs.iter().find(|run| run.outcome == Outcome::Cancelled);
    if let Some(run) = cancelled {
        Cancelled::of(run).exit_code()
    } else if any(Outcome::Failed) {
        FAILED
    } else if any(Outcome::Broken) {
        BROKEN
    } else if any(Outcome::TimedOut) {
        TIMED_OUT
    } else if strict && lacking || skipped > 0 && skipped == runs.len() {
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
    use crate::report::Problem;

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
            unwritten: Vec::new(),
            holes: Vec::new(),
            evidence: None,
            reproduce: String::new(),
            ms: 1,
        }
    }

    #[test]
    fn what_ghosts_cannot_show_is_expected_of_them_but_a_run_of_nothing_is_no_pass() {
        let passed = run(Outcome::Passed, None);
        let ghost = run(Outcome::Skipped, Some(NOT_SHOWN));
        let host = run(Outcome::Skipped, Some("host.capability-missing"));
        for strict in [false, true] {
            assert_eq!(worst(&[passed.clone(), ghost.clone()], strict), PASSED);
            assert_eq!(worst(std::slice::from_ref(&ghost), strict), HOST_CANNOT);
            assert_eq!(worst(&[host.clone(), ghost.clone()], strict), HOST_CANNOT);
        }
        let mixed = [passed, ghost, host];
        assert_eq!(worst(&mixed, false), PASSED);
        assert_eq!(worst(&mixed, true), HOST_CANNOT);
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
            assert_eq!(worst(&[failed, cancelled], false), code);
        }
        assert_eq!(worst(&[run(Outcome::Cancelled, None)], false), 130);
    }
}
