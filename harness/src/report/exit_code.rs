//! Exit codes of `bridgelab run`, in one place. The worst run decides.

use super::{NOT_SHOWN, Outcome, RunReport};

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
/// Interrupted.
pub const INTERRUPTED: i32 = 130;

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
    if any(Outcome::Cancelled) {
        INTERRUPTED
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
