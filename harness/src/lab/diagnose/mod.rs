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
mod past;
mod watching;
mod written;

pub use follow::WENT_WELL;

use std::collections::BTreeSet;
use std::time::Duration;

use conclude::{Seen, conclude};

use super::job::Sought;
use super::run::Run;
use crate::deadline::Deadline;
use crate::diagnosis::Diagnosis;
use crate::report::{CheckOutcome, CheckReport};
use crate::scenario::Check;

/// How long a diagnosis goes on with more and more flows, in a lab of namespaces and with MicroVMs.
const MORE: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(6)];
/// How long it may take in all. So much is only taken on a computer on which many labs run.
const LONGEST: Duration = Duration::from_secs(15);

impl Run<'_> {
    /// Whether a check does not hold whose cause is wanted; or whether all are to be followed.
    pub(super) fn is_to_be_diagnosed(&self) -> bool {
        let checks = self.record.report.checks.iter();
        let failed = checks.filter(|check| check.outcome == CheckOutcome::Failed);
        let mut ids = failed.map(|check| check.id.as_str());
        self.asked.job.follow_all || ids.any(|id| self.is_cause_wanted(id))
    }

    /// Whether the cause is wanted when this check does not hold.
    fn is_cause_wanted(&self, check: &str) -> bool {
        let mut must_fail = self.asked.scenario.must_fail.keys();
        match self.asked.job.diagnosis {
            Sought::Never => false,
            Sought::Unexpected => must_fail.all(|id| id.as_str() != check),
            Sought::Always => true,
        }
    }

    /// Looks for causes. Takes a few seconds at most.
    pub(super) async fn diagnose(&mut self) {
        let begun = self.record.stage("diagnosis", "looking for the cause");
        let mut found = self.of_the_past();
        if self.asked.job.follow_all || !self.unexplained().is_empty() {
            found.extend(self.of_now().await);
        }
        self.record.report.diagnosis = found;
        self.record.done("diagnosis", begun);
    }

    /// The causes of what does not hold after the last step.
    async fn of_now(&self) -> Vec<Diagnosis> {
        let [of_machines, of_guests] = MORE;
        let more = match self.testbed.guests.vms().is_empty() {
            true => of_machines,
            false => of_guests,
        };
        let job = self.asked.job;
        let longest = match job.follow_all {
            true => LONGEST * 4,
            false => LONGEST,
        };
        let by = Deadline::after(self.asked.patience(longest));
        // Not stretched where guests are slow: there a run takes long enough already, and what is not sent again is said.
        // Where a cause was found that stays, one round shows where the packet stops.
        let more = match self.record.decided_early {
            _ if job.follow_all => by,
            true => by.child(Duration::ZERO),
            false => by.child(more),
        };
        let evidence = &self.asked.folders.evidence;
        let facts = facts::ask(self.asked, &self.testbed, by).await;
        written::facts(evidence, written::FACTS, &facts);
        let around = (self.asked, &self.testbed, &self.observer);
        let courses = follow::follow(around, &self.followed(), &facts, (more, by)).await;
        written::courses(evidence, &courses);
        let said = facts::said(self.asked, &self.testbed, &facts);
        let seen = Seen {
            held: &self.with(CheckOutcome::Passed),
            unheld: &self.unexplained(),
            facts: &facts,
            courses: &courses.by_check,
            said: &said,
        };
        conclude(self.asked, &seen)
    }

    /// Reports with this outcome.
    fn with(&self, outcome: CheckOutcome) -> Vec<&CheckReport> {
        let all = self.record.report.checks.iter();
        all.filter(|one| one.outcome == outcome).collect()
    }

    /// The checks whose packets are followed: those that do not hold, or all.
    fn followed(&self) -> Vec<&Check> {
        match self.asked.job.follow_all {
            true => self.asked.scenario.checks.iter().collect(),
            false => self.failed(),
        }
    }

    /// The checks that do not hold, those that must not among them, but for those that a step lies behind.
    fn failed(&self) -> Vec<&Check> {
        let failed = self.unexplained().into_iter();
        let failed: BTreeSet<&str> = failed.map(|check| check.id.as_str()).collect();
        let checks = self.asked.scenario.checks.iter();
        checks
            .filter(|check| failed.contains(check.id.as_str()))
            .collect()
    }
}
