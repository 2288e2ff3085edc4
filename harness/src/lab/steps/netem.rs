//! What steps need of the kernel that not every kernel has.

use std::time::Duration;

use super::super::run::Run;
use crate::check::Vantage;
use crate::deadline::Deadline;
use crate::diagnostic::Diagnostic;
use crate::host::capability::Capability;
use crate::host::finding::Unmet;
use crate::plan::FABRIC;
use crate::scenario::step::{Action, Step};

/// Uses netem once, on the loopback interface of the switches, which nobody uses.
const TRY_NETEM: &str = "tc qdisc add dev lo root netem delay 1ms && tc qdisc delete dev lo root";

/// A shell's exit status of a command that a signal ended is this and the signal's number.
const BY_SIGNAL: i32 = 128;

impl Run<'_> {
    /// Why the run is skipped: a step needs what this kernel has not got.
    pub(in crate::lab) async fn needs_of_steps(&self) -> Result<(), Unmet> {
        self.needs_of(&self.asked.scenario.steps).await
    }

    /// The same of these steps.
    pub(in crate::lab) async fn needs_of(&self, steps: &[Step]) -> Result<(), Unmet> {
        let impairs = |action: &Action| matches!(action, Action::Impair { .. });
        let mut actions = steps.iter().filter_map(|step| step.action.as_ref());
        if !actions.any(impairs) {
            return Ok(());
        }
        let Ok(fabric) = self.testbed.lab.machine(FABRIC) else {
            return Ok(());
        };
        let place = Vantage::Machine(fabric.clone());
        let by = Deadline::after(Duration::from_secs(15));
        let (reason, unanswered) = match place.exec(&["sh", "-c", TRY_NETEM], by).await {
            Ok(output) if output.success() => return Ok(()),
            Ok(output) if output.status.is_none_or(|status| status > BY_SIGNAL) => {
                (format!("`{TRY_NETEM}` was ended by a signal"), true)
            }
            Ok(output) => (output.stderr.trim().to_owned(), false),
            Err(error) => (Diagnostic::new(&error).to_string(), true),
        };
        Err(Unmet {
            capability: Capability::Netem,
            reason,
            remedy: Some("load the module: `modprobe sch_netem` as root".to_owned()),
            unanswered,
        })
    }
}
