//! What is known of a stage that goes on: a run may end within it, and what was seen until then is told all the same.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::run::Run;
use crate::report::{CheckOutcome, CheckReport, StageReport};
use crate::scenario::names::CheckId;

/// Of a check that the run did not get to.
const NOT_REACHED: &str = "the run ended first";

/// Reports of the checks of the stage under way, each as it is by now.
#[derive(Debug, Default)]
pub(super) struct Looks(RefCell<BTreeMap<CheckId, CheckReport>>);

impl Looks {
    /// A check as it is by now, or as it was decided.
    pub(super) fn note(&self, id: &CheckId, report: CheckReport) {
        self.0.borrow_mut().insert(id.clone(), report);
    }

    /// What one more look at a check has changed; nothing of a check that is none of the stage's, such as a step's wait.
    pub(super) fn looked(&self, id: &CheckId, change: impl FnOnce(&mut CheckReport)) {
        if let Some(report) = self.0.borrow_mut().get_mut(id) {
            change(report);
        }
    }

    fn take(&self) -> BTreeMap<CheckId, CheckReport> {
        self.0.take()
    }
}

/// What is told of a check that was looked at, and saw this last.
pub(super) fn seen_last(words: &str) -> String {
    format!("{NOT_REACHED}; seen last: {words}")
}

impl Run<'_> {
    /// Moves what is known of the stage's checks into the report.
    pub(super) fn keep_looks(&mut self) {
        self.report.checks.extend(self.looks.take().into_values());
        self.order_checks();
    }

    /// As the scenario has them; they are looked at in another order.
    pub(super) fn order_checks(&mut self) {
        let checks = self.scenario.checks.iter().enumerate();
        let order: BTreeMap<&str, usize> = checks.map(|(at, one)| (one.id.as_str(), at)).collect();
        let at = |check: &CheckReport| order.get(check.id.as_str()).copied();
        self.report.checks.sort_by_key(at);
    }

    /// Notes the stage that was under way, and every check that has no verdict.
    pub(super) fn cut_checks_short(&mut self) {
        self.cut_stage_short();
        self.keep_looks();
        let checks = self.report.checks.iter();
        let known: BTreeSet<String> = checks.map(|check| check.id.clone()).collect();
        let missing = self.scenario.checks.iter();
        let missing = missing.filter(|check| !known.contains(check.id.as_str()));
        let missing: Vec<CheckReport> = missing.map(|check| self.undecided(check)).collect();
        self.report.checks.extend(missing);
        self.order_checks();
    }

    /// Notes the stage that was under way, if there was one.
    pub(super) fn cut_stage_short(&mut self) {
        if let Some((name, begun)) = self.under_way.take() {
            self.report.stages.push(StageReport {
                name,
                at_ms: self.at_ms(begun),
                ms: Instant::now().duration_since(begun).as_millis() as u64,
                cut_short: true,
            });
        }
    }

    /// A check that nobody has looked at yet.
    pub(super) fn undecided(&self, check: &crate::scenario::Check) -> CheckReport {
        CheckReport {
            outcome: CheckOutcome::Undecided,
            ..self.not_run(check, NOT_REACHED)
        }
    }
}
