//! What is known of the checks of a stage that goes on: a run may end within it, and what was seen until then is told all
//! the same.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::assignment::NOT_REACHED;
use crate::report::CheckReport;
use crate::scenario::names::CheckId;

/// Reports of the checks of the stage under way, each as it is by now.
#[derive(Debug, Default)]
pub(super) struct Pending(RefCell<BTreeMap<CheckId, CheckReport>>);

impl Pending {
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

    /// All of them; none is left.
    pub(super) fn take(&self) -> BTreeMap<CheckId, CheckReport> {
        self.0.take()
    }
}

/// What is told of a check that was looked at, and saw this last.
pub(super) fn seen_last(words: &str) -> String {
    format!("{NOT_REACHED}; seen last: {words}")
}
