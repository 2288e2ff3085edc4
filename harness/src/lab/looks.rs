//! The checks that run side by side, and what was last seen of each: by that they can be decided together.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Instant;

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
    /// Which looks wait for now.
    waiting: watch::Sender<Wait>,
}

/// What was last seen of a check.
#[derive(Debug)]
struct Looked {
    /// Whether its time may be cut short.
    may_end: bool,
    /// When the last look began, where it saw that the check does not hold.
    failed: Option<Instant>,
}

/// Which looks wait, since a guest answers one question at a time, and all its checks stand in line for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Wait {
    #[default]
    None,
    /// All of them: others ask.
    All,
    /// Those of checks that a look which began later than that has seen not to hold.
    Since(Instant),
}

/// Looks wait, until this is dropped.
#[derive(Debug)]
pub(super) struct Pause<'a>(&'a Looks);

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        self.0.waiting.send_replace(Wait::None);
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
        let failed = None;
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
        self.all(|_| true)
    }

    /// The same, by looks that began later than that: what an earlier one saw may have changed while it was looked at.
    pub(super) fn all_failed_since(&self, begun: Instant) -> bool {
        self.all(|failed| failed > begun)
    }

    fn all(&self, counts: impl Fn(Instant) -> bool) -> bool {
        let running = self.running.borrow();
        let failed = |one: &Looked| one.may_end && one.failed.is_some_and(&counts);
        !running.is_empty() && running.values().all(failed)
    }

    /// Lets looks at guests wait.
    pub(super) fn pause(&self) -> Pause<'_> {
        self.waiting.send_replace(Wait::All);
        Pause(self)
    }

    /// Lets only those checks be looked at that no look which began later than that has seen not to hold.
    pub(super) fn look_once_more(&self, since: Instant) -> Pause<'_> {
        self.waiting.send_replace(Wait::Since(since));
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
        let mut waiting = self.looks.waiting.subscribe();
        loop {
            let turn = vantage.turn().await?;
            if !self.waits(*waiting.borrow_and_update()) {
                return Some(turn);
            }
            drop(turn);
            // Its sender lives as long as `self`.
            let _ = waiting.changed().await;
        }
    }

    fn waits(&self, which: Wait) -> bool {
        match which {
            Wait::None => false,
            Wait::All => true,
            Wait::Since(begun) => {
                let running = self.looks.running.borrow();
                let failed = running.get(self.check).and_then(|one| one.failed);
                failed.is_some_and(|failed| failed > begun)
            }
        }
    }

    /// Notes what a look saw that began then.
    pub(super) fn looked(&self, begun: Instant, sight: &Sight) {
        if let Some(one) = self.looks.running.borrow_mut().get_mut(self.check) {
            one.failed = matches!(sight, Sight::Violated(_)).then_some(begun);
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
    use std::time::Duration;

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
        first.looked(Instant::now(), &no());
        assert!(looks.all_failed());
        let second = looks.begin(&b, false);
        second.looked(Instant::now(), &no());
        assert!(!looks.all_failed(), "the other may not end");
        drop(second);
        assert!(looks.all_failed());
        assert_eq!(looks.running(), ["a"]);
        for unclear in [Sight::Unseen(String::new()), Sight::Missing(String::new())] {
            first.looked(Instant::now(), &unclear);
            assert!(!looks.all_failed(), "{unclear:?}");
        }
    }

    #[test]
    fn a_look_that_began_before_says_nothing_of_what_came_since() {
        let looks = Looks::default();
        let (a, b) = (id("a"), id("b"));
        let (first, second) = (looks.begin(&a, true), looks.begin(&b, true));
        let before = Instant::now();
        let asked = before + Duration::from_secs(1);
        let after = before + Duration::from_secs(2);
        // It ended later, which counts for nothing.
        first.looked(before, &no());
        second.looked(after, &no());
        assert!(looks.all_failed() && !looks.all_failed_since(asked));
        // The one that is to be looked at is let go first; the other has been.
        let once_more = looks.look_once_more(asked);
        let waits = |runs: &Runs<'_>| runs.waits(*looks.waiting.borrow());
        assert!(!waits(&first) && waits(&second));
        first.looked(after, &no());
        assert!(looks.all_failed_since(asked) && waits(&first));
        drop(once_more);
        assert!(!waits(&first) && !waits(&second));
        first.looked(after, &Sight::Holds("yes".to_owned()));
        assert!(!looks.all_failed_since(asked));
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
