//! Looks for the causes of checks that do not hold, while everything still stands.
//!
//! A stage of its own after the last check. It asks kernels and networkd (`facts`) and writes down what they say
//! (`written`); what is concluded from that is pure, and stands in [`crate::diagnosis`]. Whatever fails here is noted and
//! changes no verdict: the checks are decided.

mod facts;
mod written;

use std::time::Duration;

use super::run::Run;
use crate::deadline::Deadline;
use crate::report::CheckOutcome;

/// How long a diagnosis may take in a lab of namespaces.
const OF_MACHINES: Duration = Duration::from_secs(2);
/// How long it may take with MicroVMs.
const OF_GUESTS: Duration = Duration::from_secs(6);

impl Run<'_> {
    /// Whether any check does not hold, and causes are wanted.
    pub(super) fn is_to_be_diagnosed(&self) -> bool {
        let mut checks = self.record.report.checks.iter();
        !self.asked.job.no_diagnosis && checks.any(|check| check.outcome == CheckOutcome::Failed)
    }

    /// Looks for causes. Takes a few seconds at most.
    pub(super) async fn diagnose(&mut self) {
        let begun = self.record.stage("diagnosis", "looking for the cause");
        let time = match self.testbed.guests.vms().is_empty() {
            true => OF_MACHINES,
            false => OF_GUESTS,
        };
        let by = Deadline::after(self.asked.patience(time));
        let facts = facts::ask(self.asked, &self.testbed, by).await;
        written::facts(&self.asked.folders.evidence, &facts);
        self.record.done("diagnosis", begun);
    }
}
