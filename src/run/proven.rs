//! `run --prove`: the remedies of what a run found are tried before it is over.

use bridgelab_harness::report::{RunReport, causes};
use bridgelab_harness::visible::visible;
use tokio::sync::watch;

use super::evidence;
use super::wanted::Wanted;
use crate::output::say;
use crate::prove;

/// Tries the remedies of runs, one after another. What became of them goes into each run's evidence, and where `on_stdout` is free for
/// it the causes are shown once more.
pub(super) fn prove(
    wanted: &[Wanted],
    runs: &mut [RunReport],
    wishes: &watch::Receiver<u32>,
    on_stdout: bool,
) {
    // Runs stand in the order in which they were wanted.
    for (one, run) in wanted.iter().zip(runs) {
        if !prove::remedies(run, wishes) {
            continue;
        }
        if let Some(evidence) = run.evidence.clone() {
            evidence::save(&evidence, &one.scenario, run);
        }
        if on_stdout {
            let text = format!("{}:\n{}", run.title(), causes::in_short(run));
            say(visible(&text).trim_end());
        }
    }
}
