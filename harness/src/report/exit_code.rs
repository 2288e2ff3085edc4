//! Exit codes of `bridgelab run`, in one place. The worst run decides.

use super::{Outcome, RunReport};

/// Every run passed, or was skipped for a reason that is in the report.
pub const PASSED: i32 = 0;
/// A check failed.
pub const FAILED: i32 = 1;
/// A scenario is invalid; nothing was built.
pub const INVALID: i32 = 2;
/// The host cannot do what every run needs, or, under `BRIDGELAB_STRICT=1`, what any run needs.
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
    if any(Outcome::Cancelled) {
        INTERRUPTED
    } else if any(Outcome::Failed) {
        FAILED
    } else if any(Outcome::Broken) {
        BROKEN
    } else if any(Outcome::TimedOut) {
        TIMED_OUT
    } else if skipped > 0 && (strict || skipped == runs.len()) {
        HOST_CANNOT
    } else if runs.iter().any(|run| !run.leaks.is_empty()) {
        LEAKED
    } else {
        PASSED
    }
}
