//! The checks that run side by side, and what was last seen of each: by that they can be decided together.

use std::cell::RefCell;
use std::collections::BTreeMap;

use tokio::sync::{MutexGuard, watch};

use crate::check::Vantage;
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
    /// Whether guests are left to others for now.
    paused: watch::Sender<bool>,
}

/// What was last seen of a check.
#[derive(Debug)]
struct Looked {
    /// Whether its time may be cut short.
    may_end: bool,
    /// Whether the last look saw that the check does not hold.
    failed: bool,
}

/// Looks at guests wait, until this is dropped.
#[derive(Debug)]
pub(super) struct Pause<'a>(&'a Looks);

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        self.0.paused.send_replace(false);
    }
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
        let failed = false;
        let looked = Looked { may_end, failed };
        self.running.borrow_mut().insert(check.clone(), looked);
        Runs { looks: self, check }
    }

    /// A counter that grows with each look.
    pub(super) fn count(&self) -> watch::Receiver<u64> {
        self.count.subscribe()
    }

    /// Whether each check that runs may end early, and did not hold when it was last looked at.
    pub(super) fn all_failed(&self) -> bool {
        let running = self.running.borrow();
        !running.is_empty() && running.values().all(|one| one.may_end && one.failed)
    }

    /// Lets looks at guests wait: a guest answers one question at a time, and all its checks stand in line for it.
    pub(super) fn pause(&self) -> Pause<'_> {
        self.paused.send_replace(true);
        Pause(self)
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
    /// Waits until this vantage is free to look from, and nobody has asked for a pause.
    pub(super) async fn turn<'v>(&self, vantage: &'v Vantage) -> Option<MutexGuard<'v, ()>> {
        let mut paused = self.looks.paused.subscribe();
        loop {
            let turn = vantage.turn().await?;
            if !*paused.borrow_and_update() {
                return Some(turn);
            }
            drop(turn);
            // Its sender lives as long as `self`.
            let _ = paused.wait_for(|paused| !paused).await;
        }
    }

    /// Notes what a look saw.
    pub(super) fn looked(&self, sight: &Sight) {
        if let Some(one) = self.looks.running.borrow_mut().get_mut(self.check) {
            one.failed = matches!(sight, Sight::Violated(_));
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
    fn each_must_have_failed_and_be_one_that_may_end() {
        let looks = Looks::default();
        let (a, b) = (id("a"), id("b"));
        assert!(!looks.all_failed(), "nothing runs");
        let first = looks.begin(&a, true);
        assert!(!looks.all_failed(), "it was not looked at");
        first.looked(&no());
        assert!(looks.all_failed());
        let second = looks.begin(&b, false);
        second.looked(&no());
        assert!(!looks.all_failed(), "the other may not end");
        drop(second);
        assert!(looks.all_failed());
        assert_eq!(looks.running(), ["a"]);
        for unclear in [Sight::Unseen(String::new()), Sight::Missing(String::new())] {
            first.looked(&unclear);
            assert!(!looks.all_failed(), "{unclear:?}");
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
