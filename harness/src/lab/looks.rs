//! The checks that run side by side, and what was last seen of each: by that they can be decided together.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Instant;

use tokio::sync::watch;

use crate::check::progress::Sight;
use crate::scenario::names::CheckId;

/// The checks that run.
#[derive(Debug, Default)]
pub(super) struct Looks {
    running: RefCell<BTreeMap<CheckId, Looked>>,
    /// Grows with each look.
    count: watch::Sender<u64>,
    /// Why all that run are decided; `None`: they are not.
    decided: watch::Sender<Option<String>>,
}

/// What was last seen of a check.
#[derive(Debug)]
struct Looked {
    /// Whether its time may be cut short.
    may_end: bool,
    /// When the last look ended, where it saw that the check does not hold.
    failed: Option<Instant>,
}

/// A check that runs, until this is dropped.
#[derive(Debug)]
pub(super) struct Runs<'a> {
    looks: &'a Looks,
    check: &'a CheckId,
}

impl Looks {
    /// Notes a check that begins.
    pub(super) fn begin<'a>(&'a self, check: &'a CheckId, may_end: bool) -> Runs<'a> {
        let failed = None;
        let looked = Looked { may_end, failed };
        self.running.borrow_mut().insert(check.clone(), looked);
        Runs { looks: self, check }
    }

    /// A counter that grows with each look.
    pub(super) fn count(&self) -> watch::Receiver<u64> {
        self.count.subscribe()
    }

    /// Whether each check that runs may end early, and was seen not to hold by a look that ended after this.
    pub(super) fn all_failed_since(&self, moment: Instant) -> bool {
        let running = self.running.borrow();
        let failed = |one: &Looked| one.may_end && one.failed.is_some_and(|at| at >= moment);
        !running.is_empty() && running.values().all(failed)
    }

    /// Ids of the checks that run.
    pub(super) fn running(&self) -> Vec<String> {
        let running = self.running.borrow();
        running.keys().map(ToString::to_string).collect()
    }

    /// Whether they were decided before the time of each was over.
    pub(super) fn are_decided(&self) -> bool {
        self.decided.borrow().is_some()
    }

    /// Decides all checks that run: they do not hold, and why they never will.
    pub(super) fn decide(&self, why: &str) {
        self.decided.send_replace(Some(why.to_owned()));
    }
}

impl Runs<'_> {
    /// Notes what a look saw that ended at this moment.
    pub(super) fn looked(&self, ended: Instant, sight: &Sight) {
        let failed = matches!(sight, Sight::Violated(_)).then_some(ended);
        if let Some(one) = self.looks.running.borrow_mut().get_mut(self.check) {
            one.failed = failed;
        }
        self.looks.count.send_modify(|count| *count += 1);
    }

    /// Returns when the check is decided, with the reason.
    pub(super) async fn decided(&self) -> String {
        let mut decided = self.looks.decided.subscribe();
        match decided.wait_for(Option::is_some).await {
            Ok(why) => why.clone().unwrap_or_default(),
            // Its sender lives as long as `self`.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Runs<'_> {
    fn drop(&mut self) {
        self.looks.running.borrow_mut().remove(self.check);
        self.looks.count.send_modify(|count| *count += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> CheckId {
        CheckId::try_from(name).expect("a name")
    }

    fn no() -> Sight {
        Sight::Violated("no".to_owned())
    }

    #[test]
    fn each_must_have_failed_since_then_and_be_one_that_may_end() {
        let looks = Looks::default();
        let (a, b) = (id("a"), id("b"));
        let before = Instant::now();
        assert!(!looks.all_failed_since(before), "nothing runs");
        let first = looks.begin(&a, true);
        assert!(!looks.all_failed_since(before), "it was not looked at");
        first.looked(before, &no());
        assert!(looks.all_failed_since(before));
        let second = looks.begin(&b, false);
        second.looked(before, &no());
        assert!(!looks.all_failed_since(before), "the other may not end");
        drop(second);
        assert!(looks.all_failed_since(before));
        assert_eq!(looks.running(), ["a"]);
        let after = Instant::now();
        assert!(after == before || !looks.all_failed_since(after));
        for unclear in [Sight::Unseen(String::new()), Sight::Missing(String::new())] {
            first.looked(after, &unclear);
            assert!(!looks.all_failed_since(before), "{unclear:?}");
        }
    }

    #[tokio::test]
    async fn a_decision_ends_what_runs() {
        let looks = Looks::default();
        let (a, b) = (id("a"), id("b"));
        let (first, second) = (looks.begin(&a, true), looks.begin(&b, true));
        looks.decide("the line says so");
        assert_eq!(first.decided().await, "the line says so");
        assert_eq!(second.decided().await, "the line says so");
    }
}
