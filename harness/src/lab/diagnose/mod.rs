//! Looks for the causes of checks that do not hold, while everything still stands.
//!
//! A stage of its own after the last check. It asks kernels and networkd ([`facts`]), follows the packets of checks that send
//! any ([`follow`]), and writes down what it saw ([`written`]); what is concluded from that is pure, and stands in
//! [`crate::diagnosis`]. Whatever fails here is noted and changes no verdict: the checks are decided.

mod facts;
mod flows;
mod follow;
mod watching;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use super::gathered::note;
use super::run::Run;
use crate::deadline::Deadline;
use crate::diagnosis::{Course, Diagnosis, Facts, Observed, Unheld, diagnose};
use crate::host::networkd_said::UnitSaid;
use crate::report::CheckOutcome;
use crate::scenario::names::VariantName;
use crate::scenario::{Check, Written};

/// How long a diagnosis goes on with more and more flows, in a lab of namespaces and with MicroVMs.
const MORE: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(6)];
/// How long it may take in all. So much is only taken on a computer on which many labs run.
const LONGEST: Duration = Duration::from_secs(15);

impl Run<'_> {
    /// Whether any check does not hold, and causes are wanted.
    pub(super) fn is_to_be_diagnosed(&self) -> bool {
        let mut checks = self.record.report.checks.iter();
        !self.asked.job.no_diagnosis && checks.any(|check| check.outcome == CheckOutcome::Failed)
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
        let more = by.child(more);
        let evidence = &self.asked.folders.evidence;
        let facts = facts::ask(self.asked, &self.testbed, by).await;
        written::facts(evidence, &facts);
        let around = (self.asked, &self.testbed, &self.observer);
        let courses = follow::follow(around, &self.failed(), &facts, (more, by)).await;
        written::courses(evidence, &courses);
        let said = facts::said(self.asked, &self.testbed, &facts);
        let found = self.conclude(&facts, &courses.by_check, &said);
        self.record.report.diagnosis = found;
        self.record.done("diagnosis", begun);
    }

    /// The causes, by all that was observed. A fault in this program's own reasoning costs the causes and no verdict.
    fn conclude(
        &self,
        facts: &Facts,
        courses: &BTreeMap<String, Course>,
        said: &BTreeMap<String, Vec<UnitSaid>>,
    ) -> Vec<Diagnosis> {
        let (job, scenario) = (self.asked.job, self.asked.scenario);
        let variant = scenario.variant.as_ref().map(VariantName::as_str);
        let written = Written::of(&scenario.path, &job.sources.text, variant);
        let reports = &self.record.report.checks;
        let with = |outcome: CheckOutcome| reports.iter().filter(move |one| one.outcome == outcome);
        let held = with(CheckOutcome::Passed).map(|one| one.id.clone());
        let held: Vec<String> = held.collect();
        let unheld = with(CheckOutcome::Failed).filter_map(|report| {
            let mut checks = scenario.checks.iter();
            let check = checks.find(|check| check.id.as_str() == report.id)?;
            Some(Unheld {
                check,
                got: &report.got,
            })
        });
        let unheld: Vec<Unheld<'_>> = unheld.collect();
        let observed = Observed {
            scenario,
            written: &written,
            unheld: &unheld,
            held: &held,
            facts,
            courses,
            said,
        };
        let found = panic::catch_unwind(AssertUnwindSafe(|| diagnose(&observed)));
        found.unwrap_or_else(|_| {
            note("diagnosis: the search for the cause ended with a fault of bridgelab".to_owned());
            Vec::new()
        })
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
