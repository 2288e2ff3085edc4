//! Looks for the causes of checks that do not hold, while everything still stands.
//!
//! A stage of its own after the last check. It asks kernels and networkd ([`facts`]), follows the packets of checks that send
//! any ([`follow`]), and writes down what it saw ([`written`]); what is concluded from that is pure, and stands in
//! [`crate::diagnosis`]. Whatever fails here is noted and changes no verdict: the checks are decided.

mod conclude;
mod early;
mod facts;
mod flows;
mod follow;
mod watching;
mod written;

use std::collections::BTreeSet;
use std::time::Duration;

use conclude::{Seen, conclude};

use super::job::Sought;
use super::run::Run;
use crate::deadline::Deadline;
use crate::report::CheckOutcome;
use crate::scenario::Check;

/// How long a diagnosis goes on with more and more flows, in a lab of namespaces and with MicroVMs.
const MORE: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(6)];
/// How long it may take in all. So much is only taken on a computer on which many labs run.
const LONGEST: Duration = Duration::from_secs(15);

impl Run<'_> {
    /// Whether a check does not hold whose cause is wanted.
    pub(super) fn is_to_be_diagnosed(&self) -> bool {
        let mut checks = self.record.report.checks.iter();
        let must_fail = |id: &str| {
            self.asked
                .scenario
                .must_fail
                .keys()
                .any(|one| one.as_str() == id)
        };
        let counts = |id: &str| match self.asked.job.diagnosis {
            Sought::Never => false,
            Sought::Unexpected => !must_fail(id),
            Sought::Always => true,
        };
        checks.any(|check| check.outcome == CheckOutcome::Failed && counts(&check.id))
    }

    /// Looks for causes. Takes a few seconds at most.
    pub(super) async fn diagnose(&mut self) {
        let begun = self.record.stage("diagnosis", "looking for the cause");
        let [of_machines, of_guests] = MORE;
        let more = match self.testbed.guests.vms().is_empty() {
            true => of_machines,
            false => of_guests,
        };
        let by = Deadline::after(self.asked.patience(LONGEST));
        // Not stretched where guests are slow: there a run takes long enough already, and what is not sent again is said.
        // Where a cause was found that stays, one round shows where the packet stops.
        let more = match self.record.decided_early {
            true => by.child(Duration::ZERO),
            false => by.child(more),
        };
        let evidence = &self.asked.folders.evidence;
        let facts = facts::ask(self.asked, &self.testbed, by).await;
        written::facts(evidence, &facts);
        let around = (self.asked, &self.testbed, &self.observer);
        let courses = follow::follow(around, &self.failed(), &facts, (more, by)).await;
        written::courses(evidence, &courses);
        let said = facts::said(self.asked, &self.testbed, &facts);
        let reports = &self.record.report.checks;
        let with = |outcome: CheckOutcome| {
            let all = reports.iter().filter(move |one| one.outcome == outcome);
            all.collect::<Vec<_>>()
        };
        let seen = Seen {
            held: &with(CheckOutcome::Passed),
            unheld: &with(CheckOutcome::Failed),
            facts: &facts,
            courses: &courses.by_check,
            said: &said,
        };
        let found = conclude(self.asked, &seen);
        self.record.report.diagnosis = found;
        self.record.done("diagnosis", begun);
    }

    /// The checks that do not hold, those that must not among them.
    fn failed(&self) -> Vec<&Check> {
        let reports = self.record.report.checks.iter();
        let failed = reports.filter(|check| check.outcome == CheckOutcome::Failed);
        let failed: BTreeSet<&str> = failed.map(|check| check.id.as_str()).collect();
        let checks = self.asked.scenario.checks.iter();
        checks
            .filter(|check| failed.contains(check.id.as_str()))
            .collect()
    }
}
