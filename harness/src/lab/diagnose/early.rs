//! Ends checks that cannot hold any more before their time is over.
//!
//! When nothing changes any more, and no check that still runs held when it was last looked at, the machines are asked what they
//! are like. Where that shows a cause that stays ([`is_settled`]), and each check was looked at in that state, the checks that it
//! explains are decided. Nothing is sent for that, since other checks count packets. What is not certain is waited for, as ever.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::{Duration, Instant};

use super::conclude::{Seen, conclude};
use super::facts;
use crate::check::of;
use crate::deadline::Deadline;
use crate::diagnosis::{Diagnosis, is_settled};
use crate::lab::checking::{Checker, Group};
use crate::lab::job::Sought;
use crate::lab::looks::Looks;
use crate::report::{CheckOutcome, CheckReport};
use crate::scenario::Check;
use crate::wait::until_woken;

/// How long the network must not have changed.
const QUIET: Duration = Duration::from_secs(1);
/// How often machines are asked, in vain, for the checks of one part.
const TRIES: u32 = 3;

/// When the network last changed, by the number of its changes.
#[derive(Debug, Clone, Copy)]
struct Rest {
    changes: u64,
    since: Instant,
}

impl Checker<'_> {
    /// Whether a check is one whose time may be cut short: its times are about holding alone, and it should hold.
    pub(in crate::lab) fn may_end_early(&self, check: &Check) -> bool {
        let must_fail = self.asked.scenario.must_fail.contains_key(&check.id);
        let kind = of(&*check.kind);
        let (counts, lacks) = (kind.tally().is_some(), kind.holds_by_lack());
        let times = check.times;
        !(must_fail || counts || lacks || times.fails || times.fails_until.is_some())
    }

    /// Decides the checks that run, when that is possible; goes on until it is dropped.
    pub(in crate::lab) async fn decide_early(
        &self,
        looks: &Looks,
        group: &Group<'_>,
    ) -> Infallible {
        // A command in the background may change anything.
        let wanted = self.asked.job.diagnosis != Sought::Never;
        if wanted && !self.testbed.backgrounds.any() {
            for attempt in 0..TRIES {
                let rest = self.quiet(looks, group, QUIET * 2_u32.pow(attempt)).await;
                if let Some(found) = self.settled(looks, rest).await {
                    let codes: BTreeSet<String> =
                        found.iter().map(|one| format!("[{}]", one.code)).collect();
                    let codes = Vec::from_iter(codes).join(" ");
                    looks.decide(&format!("the cause stays {codes}"));
                    break;
                }
            }
        }
        std::future::pending().await
    }

    /// Returns when nothing has changed for `time`, and each check that runs was last seen not to hold.
    async fn quiet(&self, looks: &Looks, group: &Group<'_>, time: Duration) -> Rest {
        let time = self.asked.patience(time);
        let changes = self.testbed.lab.changes().count();
        let mut rest = Rest {
            changes: *changes.borrow(),
            since: Instant::now(),
        };
        let what = "a network that does not change";
        let never = Deadline::never();
        // Nobody hears what changes inside of MicroVMs: there each is looked at once more when the cause is known.
        let heard = self.testbed.guests.vms().is_empty();
        let quiet = until_woken(never, what, looks.count(), async || {
            let now = *changes.borrow();
            if now != rest.changes {
                rest = Rest {
                    changes: now,
                    since: Instant::now(),
                };
            }
            let still = rest.since.elapsed() >= time && !group.busy.get();
            let failed = match heard {
                true => looks.all_failed_since(rest.since),
                false => looks.all_failed(),
            };
            match still && failed {
                true => Ok(rest),
                false => Err("changes"),
            }
        });
        match quiet.await {
            Ok(rest) => rest,
            // Never over by the clock.
            Err(_) => std::future::pending().await,
        }
    }

    /// The causes, where they are settled: nothing has changed since each check was looked at. Nobody hears what changes inside of
    /// MicroVMs, where a look may also take so long that it tells of a state that is gone; so they are asked, then each check is looked
    /// at once more, and then they are asked again and must show the same.
    async fn settled(&self, looks: &Looks, rest: Rest) -> Option<Vec<Diagnosis>> {
        let first = {
            let _pause = looks.pause();
            self.causes(looks).await?
        };
        if self.testbed.guests.vms().is_empty() {
            let same = *self.testbed.lab.changes().count().borrow() == rest.changes;
            return (same && looks.all_failed_since(rest.since)).then_some(first);
        }
        self.looked_once_more(looks).await?;
        let _pause = looks.pause();
        let again = self.causes(looks).await?;
        (places(&first) == places(&again)).then_some(first)
    }

    /// Returns when each check that runs was looked at from now on; `None`: one of them does hold, or cannot be looked at.
    async fn looked_once_more(&self, looks: &Looks) -> Option<()> {
        let now = Instant::now();
        let _others = looks.look_once_more(now);
        let what = "a look at each check";
        let looked = until_woken(Deadline::never(), what, looks.count(), async || {
            if !looks.all_failed() {
                return Ok(None);
            }
            match looks.all_failed_since(now) {
                true => Ok(Some(())),
                false => Err("not each was looked at"),
            }
        });
        looked.await.ok()?
    }

    /// The causes as the machines are now; `None`: they do not explain all, or may go away.
    async fn causes(&self, looks: &Looks) -> Option<Vec<Diagnosis>> {
        let by = Deadline::after(self.asked.patience(facts::ANSWERS));
        let facts = facts::ask(self.asked, self.testbed, by).await;
        let said = facts::said(self.asked, self.testbed, &facts);
        let ids = looks.running();
        let all = self.observer.pending.all();
        let running = |one: &&CheckReport| ids.contains(&one.id);
        let held = all.iter().filter(|one| one.outcome == CheckOutcome::Passed);
        let held: Vec<&CheckReport> = held.collect();
        let failed = all.iter().filter(|one| one.outcome == CheckOutcome::Failed);
        let unheld: Vec<&CheckReport> = all.iter().filter(running).chain(failed).collect();
        let found = conclude(
            self.asked,
            &Seen {
                held: &held,
                unheld: &unheld,
                facts: &facts,
                courses: &BTreeMap::new(),
                said: &said,
            },
        );
        let found = found.into_iter();
        let found = found.filter(|one| one.checks.iter().any(|check| ids.contains(check)));
        let found: Vec<Diagnosis> = found.collect();
        is_settled(&found, &ids, &facts).then_some(found)
    }
}

/// By what two diagnoses are the same.
fn places(found: &[Diagnosis]) -> Vec<(String, &str, &[String])> {
    let places = found.iter().map(|one| {
        let place = one.cause.place.as_ref().map(ToString::to_string);
        (place.unwrap_or_default(), one.code.name(), &one.checks[..])
    });
    places.collect()
}
