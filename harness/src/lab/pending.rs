//! Reports of the checks of a stage that goes on. A run may end within the stage, and its report then has what was seen until
//! then.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::assignment::NOT_REACHED;
use crate::report::CheckReport;
use crate::scenario::names::CheckId;

/// The report of each check of the stage under way, as far as it is known by now.
#[derive(Debug, Default)]
pub(super) struct Pending(RefCell<BTreeMap<CheckId, CheckReport>>);

impl Pending {
    /// Sets the report of a check, undecided or decided.
    pub(super) fn note(&self, id: &CheckId, report: CheckReport) {
        self.0.borrow_mut().insert(id.clone(), report);
    }

    /// Changes the report of a check after one more look. Ignores a check that is not of the stage, such as a step's wait.
    pub(super) fn looked(&self, id: &CheckId, change: impl FnOnce(&mut CheckReport)) {
        if let Some(report) = self.0.borrow_mut().get_mut(id) {
            change(report);
        }
    }

    /// All reports, as far as they are known by now.
    pub(super) fn all(&self) -> Vec<CheckReport> {
        self.0.borrow().values().cloned().collect()
    }

    /// Takes out all reports.
    pub(super) fn take(&self) -> BTreeMap<CheckId, CheckReport> {
        self.0.take()
    }
}

/// Words for a check that was looked at without a decision, and what it saw last.
pub(super) fn seen_last(words: &str) -> String {
    format!("{NOT_REACHED}; seen last: {words}")
}
