//! What machines were like when checks did not hold, before a step changed it.
//!
//! Checks before a step are about what was there before the step. So the machines are asked again before each step that comes
//! after a check that does not hold. Nothing is sent then: later checks count packets.

use std::collections::{BTreeMap, BTreeSet};

use super::conclude::{Seen, conclude};
use super::{facts, written};
use crate::deadline::Deadline;
use crate::diagnosis::Diagnosis;
use crate::lab::past::Past;
use crate::lab::run::Run;
use crate::report::{CheckOutcome, CheckReport};
use crate::scenario::names::StepId;

impl Run<'_> {
    /// Asks what the machines are like, where a check does not hold that nobody has asked about.
    pub(in crate::lab) async fn remember_before(&mut self, step: &StepId) {
        let failed = self.unexplained().into_iter();
        let checks: BTreeSet<String> = failed.map(|check| check.id.clone()).collect();
        if !checks.iter().any(|check| self.is_cause_wanted(check)) {
            return;
        }
        let begun = self.record.stage("diagnosis", "looking for the cause");
        let by = Deadline::after(self.asked.patience(facts::ANSWERS));
        let facts = facts::ask(self.asked, &self.testbed, by).await;
        let said = facts::said(self.asked, &self.testbed, &facts);
        let folder = format!("{}-before-{step}", written::FACTS);
        written::facts(&self.asked.folders.evidence, &folder, &facts);
        self.record.past.push(Past {
            checks,
            facts,
            said,
        });
        self.record.done("diagnosis", begun);
    }

    /// Reports of checks that do not hold, but for those that were asked about before a step.
    pub(super) fn unexplained(&self) -> Vec<&CheckReport> {
        let past = &self.record.past;
        let is_past = |check: &CheckReport| past.iter().any(|one| one.checks.contains(&check.id));
        let mut failed = self.with(CheckOutcome::Failed);
        failed.retain(|check| !is_past(check));
        failed
    }

    /// The causes of what did not hold before steps.
    pub(super) fn of_the_past(&self) -> Vec<Diagnosis> {
        let (held, failed) = (
            self.with(CheckOutcome::Passed),
            self.with(CheckOutcome::Failed),
        );
        let found = self.record.past.iter().flat_map(|past| {
            let then = failed.iter().copied();
            let then: Vec<&CheckReport> = then
                .filter(|check| past.checks.contains(&check.id))
                .collect();
            let seen = Seen {
                held: &held,
                unheld: &then,
                facts: &past.facts,
                courses: &BTreeMap::new(),
                said: &past.said,
            };
            conclude(self.asked, &seen)
        });
        found.collect()
    }
}
