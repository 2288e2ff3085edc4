//! Carries out a scenario's checks, in the order in which they can be true.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;

use super::assignment::Assignment;
use super::guests::Before;
use super::looks::{Looks, Runs};
use super::observer::Observer;
use super::order::Order;
use super::pending::seen_last;
use super::testbed::Testbed;
use crate::check::progress::{Change, Ending, Progress, Sight};
use crate::check::{Looking, ProbeError, Since, Vantage, of};
use crate::deadline::Deadline;
use crate::diagnostic::Diagnostic;
use crate::report::{CheckOutcome, CheckReport, SightReport};
use crate::scenario::units::{is_of_a_module_of_docker, may_come};
use crate::scenario::{Check, Times, VantagePoint};
use crate::wait::watch_woken;

/// How long one look may take when the check's time does not give it more.
const ONE_LOOK: Duration = Duration::from_secs(15);
/// How long it may take until frames from the end of the traffic are counted.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long a count must stay within its upper bound where there is no traffic to wait for.
const QUIET: Duration = Duration::from_secs(5);

/// How long the thing that a check looks at may be missing in a guest, which still boots when one can already look from it.
const APPEARS_IN_GUEST: Duration = Duration::from_secs(5);

/// The traffic that a check judges.
#[derive(Debug, Clone, Copy)]
pub(super) struct Traffic {
    since: Since,
    /// The first moment at which a check that counts the traffic could have seen it.
    pub(super) counts_from: Instant,
}

impl Traffic {
    /// Traffic for the checks of a stage that begins now: of all of them, and also what came before.
    fn of_all() -> Self {
        Self {
            since: Since::now(),
            counts_from: Instant::now(),
        }
    }

    /// Traffic of a check that begins now, and nothing that came before it.
    fn of_one() -> Self {
        let mut traffic = Self::of_all();
        traffic.since.only = true;
        traffic
    }
}

/// The checks of one stage under way.
pub(super) struct Group<'a> {
    order: &'a Order<'a>,
    pub(super) traffic: Traffic,
    /// Whether the only traffic is what the lab itself sends.
    pub(super) alone: bool,
    /// Whether the lab itself still changes something, as by starting containers.
    pub(super) busy: Cell<bool>,
}

impl<'a> Group<'a> {
    pub(super) fn new(order: &'a Order<'a>) -> Self {
        Self {
            order,
            traffic: Traffic::of_all(),
            alone: false,
            busy: Cell::new(false),
        }
    }
}

/// Carries out checks: looks at what stands, with what the observer knows.
pub(super) struct Checker<'r> {
    pub(super) asked: Assignment<'r>,
    pub(super) testbed: &'r Testbed,
    pub(super) observer: &'r Observer,
    /// Why nothing is looked at any more; `None`: checks are looked at.
    blind: Option<String>,
}

impl<'r> Checker<'r> {
    pub(super) fn new(
        asked: Assignment<'r>,
        testbed: &'r Testbed,
        observer: &'r Observer,
        blind: Option<String>,
    ) -> Self {
        Self {
            asked,
            testbed,
            observer,
            blind,
        }
    }

    /// Looks at these checks and their followers until each is decided. Returns whether that was before the time of some was over.
    pub(super) async fn check_all(&self, checks: &[&Check], group: &Group<'_>) -> bool {
        let looks = Looks::default();
        let mut running: FuturesUnordered<_> = checks
            .iter()
            .map(|check| self.check_and_followers(check, group.traffic, group, &looks))
            .collect();
        let all = async { while let Some(()) = running.next().await {} };
        tokio::select! {
            biased;
            () = all => {}
            never = self.decide_early(&looks, group) => match never {},
        }
        looks.are_decided()
    }

    /// Looks at a check, and then at its followers, which judge its traffic.
    fn check_and_followers<'s>(
        &'s self,
        check: &'s Check,
        traffic: Traffic,
        group: &'s Group<'_>,
        looks: &'s Looks,
    ) -> LocalBoxFuture<'s, ()> {
        Box::pin(async move {
            let own = Traffic::of_one();
            self.observer
                .pending
                .note(&check.id, self.asked.undecided(check));
            let report = self.check(check, traffic, group.alone, Some(looks)).await;
            self.asked.decided(&report);
            self.observer.pending.note(&check.id, report.clone());
            let followers = group.order.after(&check.id);
            if matches!(report.outcome, CheckOutcome::Passed | CheckOutcome::Failed) {
                let mut running: FuturesUnordered<_> = followers
                    .iter()
                    .map(|check| self.check_and_followers(check, own, group, looks))
                    .collect();
                while let Some(()) = running.next().await {}
            } else {
                self.without_traffic(&report, followers, group);
            }
        })
    }

    /// Notes that the followers of a check that was not looked at are not looked at either: there is no traffic to judge.
    fn without_traffic(&self, lacks: &CheckReport, followers: &[&Check], group: &Group<'_>) {
        for check in followers {
            let report = CheckReport {
                outcome: lacks.outcome,
                ..self
                    .asked
                    .not_run(check, &format!("no traffic of {}: {}", lacks.id, lacks.got))
            };
            self.without_traffic(&report, group.order.after(&check.id), group);
            self.observer.pending.note(&check.id, report);
        }
    }

    /// Looks at a check until a look, or the check's time, decides, without waiting for the traffic of others.
    pub(super) async fn check_one(&self, check: &Check) -> CheckReport {
        self.check(check, Traffic::of_all(), false, None).await
    }

    async fn check(
        &self,
        check: &Check,
        traffic: Traffic,
        alone: bool,
        looks: Option<&Looks>,
    ) -> CheckReport {
        if let Some(why) = &self.blind {
            return CheckReport {
                outcome: CheckOutcome::Skipped,
                ..self.asked.not_run(check, why)
            };
        }
        let mut times = self.times(check, &traffic);
        let tally = of(&*check.kind).tally();
        if alone && tally.is_some_and(|tally| tally.bounds.most.is_some()) && !times.fails {
            times.holds_for = times.holds_for.or(Some(QUIET));
        }
        let looks = looks.map(|looks| looks.begin(&check.id, self.may_end_early(check)));
        self.watch(check, Progress::new(times), traffic.since, looks.as_ref())
            .await
    }

    /// Looks at a fact until a look, or the time for it, decides.
    ///
    /// `since` is when the traffic began that the fact is about; by `runs`, others may decide it too.
    pub(super) async fn watch(
        &self,
        check: &Check,
        mut course: Progress,
        since: Since,
        runs: Option<&Runs<'_>>,
    ) -> CheckReport {
        let guests = &self.testbed.guests;
        let hidden = guests.cannot_show(self.asked.scenario, check);
        let unseen = || {
            let observer = self.observer;
            observer
                .refused_vantage(&check.from)
                .or_else(|| observer.refused_vantage(of(&*check.kind).with()?))
                .or_else(|| observer.refused_container(check))
        };
        if let Some(why) = hidden.or_else(unseen) {
            let report = CheckReport {
                outcome: CheckOutcome::Skipped,
                ..self.asked.not_run(check, &why)
            };
            return report;
        }
        let vantage = match self.testbed.vantage(&check.from) {
            Ok(vantage) => vantage,
            Err(why) => return self.asked.not_run(check, &why.to_string()),
        };
        let with = of(&*check.kind)
            .with()
            .map(|with| self.testbed.vantage(with));
        let with = match with.transpose() {
            Ok(with) => with,
            Err(why) => return self.asked.not_run(check, &why.to_string()),
        };
        if let Vantage::Guest(_) | Vantage::Container { .. } = vantage {
            course.missing_for(self.asked.patience(APPEARS_IN_GUEST));
        }
        let blank = self.asked.not_run(check, "");
        let begun = Instant::now();
        let by = Deadline::after(course.within());
        let one_look = self.asked.patience(ONE_LOOK + of(&*check.kind).takes());
        let mut attempts = 0;
        let mut told = None;
        let events = self.testbed.lab.changes().count();
        let looking = watch_woken(events, async || {
            let mut looked_at = Instant::now();
            let sight = match guests.before_look(check, by, self.asked.scenario, &self.testbed.lab)
            {
                Some(Before::Unshown(why)) => {
                    return ControlFlow::Break((CheckOutcome::Skipped, why));
                }
                Some(Before::NotYet(why)) => Sight::Violated(why),
                None => {
                    let _turn = match runs {
                        Some(runs) => runs.turn(&vantage).await,
                        None => vantage.turn().await,
                    };
                    attempts += 1;
                    looked_at = Instant::now();
                    // One look may need longer than what is left of the check's time.
                    let look_by = Deadline::after(by.left().max(one_look));
                    let places = (&vantage, with.as_ref());
                    self.look(check, places, since, look_by).await
                }
            };
            if let Some(runs) = runs {
                runs.looked(looked_at, &sight);
            }
            // Leave out the time in which this process was stopped: nobody can say what held then.
            let stopped = self.asked.standstills.counted_since(begun);
            let words = sight.words().to_owned();
            let last = seen_last(&words);
            match course.look(begun.elapsed().saturating_sub(stopped), sight) {
                Some(Ending::Passed(got)) => ControlFlow::Break((CheckOutcome::Passed, got)),
                Some(Ending::Failed(got)) => ControlFlow::Break((CheckOutcome::Failed, got)),
                Some(Ending::NotRun(why)) => ControlFlow::Break((CheckOutcome::NotRun, why)),
                None => {
                    let until = begun + stopped + course.last_look();
                    if told.as_ref() != Some(&last) {
                        let left = until.saturating_duration_since(Instant::now());
                        self.asked.waits(check, &words, left);
                        told = Some(last.clone());
                    }
                    self.observer.pending.looked(&check.id, |report| {
                        report.got = last;
                        report.attempts = attempts;
                        report.ms = begun.elapsed().as_millis() as u64;
                        report.seen = self.sights(begun, &course);
                    });
                    ControlFlow::Continue(until)
                }
            }
        });
        let decided = async {
            match runs {
                Some(runs) => runs.decided().await,
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            biased;
            ended = looking => Ok(ended),
            why = decided => Err(why),
        };
        let (outcome, got) = ended.unwrap_or_else(|why| {
            let seen = course.changes().last().map(Change::words);
            let (seen, at) = (seen.unwrap_or_default(), begun.elapsed().as_secs_f64());
            let got = format!("{seen}; decided after {at:.1} s: {why}");
            (CheckOutcome::Failed, got)
        });
        let seen = self.sights(begun, &course);
        CheckReport {
            outcome,
            got,
            attempts,
            ms: begun.elapsed().as_millis() as u64,
            seen,
            ..blank
        }
    }

    async fn look(
        &self,
        check: &Check,
        (vantage, with): (&Vantage, Option<&Vantage>),
        since: Since,
        by: Deadline,
    ) -> Sight {
        let ghost = matches!(
            (&check.from, vantage),
            (VantagePoint::Guest(_), Vantage::Machine(_))
        );
        let looking = Looking {
            from: vantage,
            with,
            ghost,
            around: &self.observer.context,
            since,
            by,
        };
        let looked = looking.at(&*check.kind).await;
        match looked {
            Ok(verdict) if verdict.holds => Sight::Holds(verdict.got),
            Ok(verdict) if verdict.for_good => Sight::Lost(verdict.got),
            Ok(verdict) => Sight::Violated(verdict.got),
            Err(error) if self.is_missing(check, &error) => Sight::Missing(error.to_string()),
            Err(error) => Sight::Unseen(Diagnostic::new(&error).to_string()),
        }
    }

    /// Whether a look was not possible because of something that does not exist, and that nothing will make.
    fn is_missing(&self, check: &Check, error: &ProbeError) -> bool {
        let scenario = self.asked.scenario;
        match error {
            ProbeError::Absent(_) | ProbeError::Impossible(_) => true,
            ProbeError::NoLink { name, .. } => {
                !may_come(scenario, &check.from, name, check.after.as_ref())
            }
            ProbeError::NoSysctl { key, .. } => {
                !is_of_a_module_of_docker(scenario, &check.from, key)
            }
            _ => false,
        }
    }

    /// The check's times in this run. Only `within` is stretched where guests are slow: the other two are about time
    /// that passes equally on every machine, such as a bridge's forward delay.
    fn times(&self, check: &Check, traffic: &Traffic) -> Times {
        let mut times = check.times;
        times.within = self.asked.patience(times.within);
        if self.asked.scenario.must_fail.contains_key(&check.id) {
            let mut window = self.testbed.guests.must_fail_window();
            if of(&*check.kind)
                .tally()
                .is_some_and(|tally| tally.only_grows)
            {
                // Packets could be counted since the traffic began, so that the remaining window is shorter.
                let had = traffic.counts_from.elapsed();
                window = window.saturating_sub(had).max(LAST_WORDS);
            }
            let window = times.fails_until.unwrap_or_default() + window;
            times.within = times.within.min(window);
        }
        times
    }

    fn sights(&self, begun: Instant, course: &Progress) -> Vec<SightReport> {
        let changes = course.changes().iter();
        changes
            .map(|change| self.sight_report(begun, change))
            .collect()
    }

    fn sight_report(&self, begun: Instant, change: &Change) -> SightReport {
        SightReport {
            at_ms: self.asked.at_ms(begun + change.at),
            holds: match change.sight {
                Sight::Holds(_) => Some(true),
                Sight::Violated(_) | Sight::Lost(_) => Some(false),
                Sight::Unseen(_) | Sight::Missing(_) => None,
            },
            got: change.words().to_owned(),
        }
    }
}
