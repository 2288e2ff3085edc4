//! How long the checks of a mutant may take. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use bridgelab_harness::report::{CheckOutcome, RunReport};

/// Times a check's time in the unbroken scenario that it gets in a mutant, and the least.
const TIMES: u32 = 3;
const LEAST: Duration = Duration::from_secs(3);

/// The time of each check, by its id, from what it took in runs of the unbroken scenario.
pub(crate) fn patience(green: &[RunReport]) -> BTreeMap<String, Duration> {
    let mut within: BTreeMap<String, Duration> = BTreeMap::new();
    let held = green.iter().flat_map(|run| &run.checks);
    for check in held.filter(|check| check.outcome == CheckOutcome::Passed) {
        let time = (Duration::from_millis(check.ms) * TIMES).max(LEAST);
        let known = within.entry(check.id.clone()).or_default();
        *known = time.max(*known);
    }
    within
}
