//! Carries out a scenario's checks, in the order in which they can be true.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;

use super::cut_short::seen_last;
use super::ghost::Before;
use super::job::Event;
use super::order::Order;
use super::run::{Ended, Run};
use crate::check::progress::{Change, Ending, Progress, Sight};
use crate::check::{Looking, ProbeError, Since, Vantage, expected, kind_name, of};
use crate::deadline::Deadline;
use crate::diagnostic::Diagnostic;
use crate::plan::GuestKind;
use crate::report::{CheckOutcome, CheckReport, SightReport, StageReport};
use crate::scenario::names::{MachineName, StepId};
use crate::scenario::units::{is_of_a_module_of_docker, may_come};
use crate::scenario::{Check, Guest, Times, VantagePoint};
use crate::wait::watch_woken;

/// How long one look may take when the check's time does not give it more.
const ONE_LOOK: Duration = Duration::from_secs(15);
/// How long a check that must fail is given to hold after all.
const MUST_FAIL_WINDOW: Duration = Duration::from_secs(12);
/// The same where nothing boots.
const MUST_FAIL_WINDOW_GHOSTS: Duration = Duration::from_secs(5);

/// How long it may take until what was sent at the end of the traffic is counted.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long a count must stay within its upper bound where there is no traffic to wait for.
const QUIET: Duration = Duration::from_secs(5);

/// How long what a check is about may be missing in a guest, which goes on booting when it can already be looked from.
const APPEARS_IN_GUEST: Duration = Duration::from_secs(5);

/// The traffic that a check is about.
#[derive(Debug, Clone, Copy)]
struct Traffic {
    since: Since,
    /// From when on a check that counts it could have seen it.
    counts_from: Instant,
}

impl Traffic {
    /// That of all checks of a stage that begins now, and of whatever was before it.
    fn of_all() -> Self {
        Self {
            since: Since::now(),
            counts_from: Instant::now(),
        }
    }

    /// That of a check that begins now, and of nothing before it.
    fn of_one() -> Self {
        let mut traffic = Self::of_all();
        traffic.since.only = true;
        traffic
    }
}

/// The checks of one stage under way.
struct Group<'a> {
    order: &'a Order<'a>,
    traffic: Traffic,
    /// Whether there is no traffic but that of the lab itself.
    alone: bool,
}

impl<'a> Group<'a> {
    fn new(order: &'a Order<'a>) -> Self {
        Self {
            order,
            traffic: Traffic::of_all(),
            alone: false,
        }
    }
}

impl Run<'_> {
    /// The checks that are looked at `after` a step, or before the first, in the parts of an [`Order`].
    pub(super) async fn checks_after(&mut self, after: Option<&StepId>) -> Result<(), Ended> {
        let stage = match after {
            None => "checks".to_owned(),
            Some(step) => format!("checks after {step}"),
        };
        let text = match after {
            None => "checking".to_owned(),
            Some(step) => format!("checking after {step}"),
        };
        let begun = self.stage(&stage, &text);
        let now: Vec<&Check> = self
            .scenario
            .checks
            .iter()
            .filter(|check| check.after.as_ref() == after)
            .collect();
        let must_fail = &self.scenario.must_fail;
        let order = Order::of(now.iter().copied(), |id| must_fail.contains_key(id));
        let mut group = Group::new(&order);
        let containers = async {
            let begun = Instant::now();
            let began = match after {
                None => self.start_containers(None).await?,
                Some(_) => Vec::new(),
            };
            if after.is_none() && self.job.guests == GuestKind::Vm {
                (self.tell)(Event::Settled);
            }
            Ok((began, begun, begun.elapsed()))
        };
        let early = async {
            self.check_all(&order.early, &group).await;
            Ok::<_, Ended>(())
        };
        // Without a container that nobody asks for there is no verdict, whatever the others are.
        let ((), (began, begun_containers, took)) = tokio::try_join!(early, containers)?;
        self.note_containers(began);
        self.check_all(&order.late, &group).await;
        group.traffic.counts_from = Instant::now();
        self.check_all(&order.red, &group).await;
        group.alone = after.is_none() && order.has_only_last();
        self.check_all(&order.last, &group).await;
        let containers = |(name, guest): (&MachineName, &Guest)| {
            !guest.containers.is_empty() && !self.is_ghost(name)
        };
        if after.is_none() && self.scenario.guests.iter().any(containers) {
            self.report.stages.push(StageReport {
                name: "containers".to_owned(),
                at_ms: self.at_ms(begun_containers),
                ms: took.as_millis() as u64,
                cut_short: false,
            });
        }
        self.keep_looks();
        self.done(&stage, begun);
        Ok(())
    }

    async fn check_all(&self, checks: &[&Check], group: &Group<'_>) {
        let mut running: FuturesUnordered<_> = checks
            .iter()
            .map(|check| self.check_and_followers(check, group.traffic, group))
            .collect();
        while let Some(()) = running.next().await {}
    }

    /// Looks at a check, and then at those that are about its traffic.
    fn check_and_followers<'s>(
        &'s self,
        check: &'s Check,
        traffic: Traffic,
        group: &'s Group<'_>,
    ) -> LocalBoxFuture<'s, ()> {
        Box::pin(async move {
            let own = Traffic::of_one();
            self.looks.note(&check.id, self.undecided(check));
            let report = self.check(check, traffic, group.alone).await;
            (self.tell)(Event::Progress {
                text: format!("{}: {}", check.id, report.got),
            });
            self.looks.note(&check.id, report.clone());
            let followers = group.order.after(&check.id);
            if matches!(report.outcome, CheckOutcome::Passed | CheckOutcome::Failed) {
                let mut running: FuturesUnordered<_> = followers
                    .iter()
                    .map(|check| self.check_and_followers(check, own, group))
                    .collect();
                while let Some(()) = running.next().await {}
            } else {
                self.without_traffic(&report, followers, group);
            }
        })
    }

    /// Those that are about the traffic of a check that was not looked at, and so on: neither are they.
    fn without_traffic(&self, lacks: &CheckReport, followers: &[&Check], group: &Group<'_>) {
        for check in followers {
            let report = CheckReport {
                outcome: lacks.outcome,
                ..self.not_run(check, &format!("no traffic of {}: {}", lacks.id, lacks.got))
            };
            self.without_traffic(&report, group.order.after(&check.id), group);
            self.looks.note(&check.id, report);
        }
    }

    /// Looks until a look, or the check's time, decides. Nobody else's traffic is waited for.
    pub(super) async fn check_one(&self, check: &Check) -> CheckReport {
        self.check(check, Traffic::of_all(), false).await
    }

    async fn check(&self, check: &Check, traffic: Traffic, alone: bool) -> CheckReport {
        if let Some(why) = self.blind() {
            return CheckReport {
                outcome: CheckOutcome::Skipped,
                ..self.not_run(check, &why)
            };
        }
        let mut times = self.times(check, &traffic);
        let tally = of(&check.kind).tally();
        if alone && tally.is_some_and(|tally| tally.bounds.most.is_some()) && !times.fails {
            times.holds_for = times.holds_for.or(Some(QUIET));
        }
        self.watch(check, Progress::new(times), traffic.since).await
    }

    /// Looks at a fact until a look, or the time for it, decides.
    ///
    /// `since` is when the traffic that it is about began.
    pub(super) async fn watch(
        &self,
        check: &Check,
        mut course: Progress,
        since: Since,
    ) -> CheckReport {
        let ghost_limit = self.ghost_limit(check);
        let unseen = || {
            self.refused_vantage(&check.from)
                .or_else(|| self.refused_vantage(of(&check.kind).with()?))
                .or_else(|| self.refused_container(check))
        };
        if let Some(why) = ghost_limit.or_else(unseen) {
            let report = CheckReport {
                outcome: CheckOutcome::Skipped,
                ..self.not_run(check, &why)
            };
            return report;
        }
        let vantage = match self.vantage(&check.from) {
            Ok(vantage) => vantage,
            Err(why) => return self.not_run(check, &why),
        };
        let with = of(&check.kind).with().map(|with| self.vantage(with));
        let with = match with.transpose() {
            Ok(with) => with,
            Err(why) => return self.not_run(check, &why),
        };
        if let Vantage::Guest(_) | Vantage::Container { .. } = vantage {
            course.missing_for(self.job.patience(APPEARS_IN_GUEST));
        }
        let blank = self.not_run(check, "");
        let begun = Instant::now();
        let by = Deadline::after(course.within());
        let one_look = self.job.patience(ONE_LOOK + of(&check.kind).takes());
        let mut attempts = 0;
        let events = self.lab.changes().count();
        let (outcome, got) = watch_woken(events, async || {
            let sight = match self.before_look(check, by) {
                Some(Before::Unshown(why)) => {
                    return ControlFlow::Break((CheckOutcome::Skipped, why));
                }
                Some(Before::NotYet(why)) => Sight::Violated(why),
                None => {
                    let _turn = vantage.turn().await;
                    attempts += 1;
                    // One look may need longer than what is left of the check's time.
                    let look_by = Deadline::after(by.left().max(one_look));
                    let places = (&vantage, with.as_ref());
                    self.look(check, places, since, look_by).await
                }
            };
            // Time in which this process was stopped is not time in which the check did not hold.
            let stopped = self.standstills.counted_since(begun);
            let last = seen_last(sight.words());
            match course.look(begun.elapsed().saturating_sub(stopped), sight) {
                Some(Ending::Passed(got)) => ControlFlow::Break((CheckOutcome::Passed, got)),
                Some(Ending::Failed(got)) => ControlFlow::Break((CheckOutcome::Failed, got)),
                Some(Ending::NotRun(why)) => ControlFlow::Break((CheckOutcome::NotRun, why)),
                None => {
                    self.looks.looked(&check.id, |report| {
                        report.got = last;
                        report.attempts = attempts;
                        report.ms = begun.elapsed().as_millis() as u64;
                        report.seen = self.sights(begun, &course);
                    });
                    ControlFlow::Continue(begun + stopped + course.last_look())
                }
            }
        })
        .await;
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
            around: &self.context,
            since,
            by,
        };
        let looked = looking.at(&check.kind).await;
        match looked {
            Ok(verdict) if verdict.holds => Sight::Holds(verdict.got),
            Ok(verdict) if verdict.for_good => Sight::Lost(verdict.got),
            Ok(verdict) => Sight::Violated(verdict.got),
            Err(error) if self.is_missing(check, &error) => Sight::Missing(error.to_string()),
            Err(error) => Sight::Unseen(Diagnostic::new(&error).to_string()),
        }
    }

    /// Whether a look could not be made because of something that is not there, and that nobody makes any more.
    fn is_missing(&self, check: &Check, error: &ProbeError) -> bool {
        let scenario = self.scenario;
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
        times.within = self.job.patience(times.within);
        if self.scenario.must_fail.contains_key(&check.id) {
            let mut window = self.must_fail_window();
            if of(&check.kind)
                .tally()
                .is_some_and(|tally| tally.only_grows)
            {
                // What it counts could have come as long as there was traffic.
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
            at_ms: self.at_ms(begun + change.at),
            holds: match change.sight {
                Sight::Holds(_) => Some(true),
                Sight::Violated(_) | Sight::Lost(_) => Some(false),
                Sight::Unseen(_) | Sight::Missing(_) => None,
            },
            got: change.words().to_owned(),
        }
    }

    /// Ghosts neither boot nor are slow. The longest that anything waits in them is networkd, four seconds between
    /// two router solicitations (RFC 4861, 10).
    fn must_fail_window(&self) -> Duration {
        match self.job.guests {
            GuestKind::Vm => MUST_FAIL_WINDOW,
            GuestKind::Ghost => MUST_FAIL_WINDOW_GHOSTS,
        }
    }

    pub(super) fn vantage(&self, from: &VantagePoint) -> Result<Vantage, String> {
        let guest = |name: &MachineName| {
            self.guests
                .get(name)
                .cloned()
                .ok_or_else(|| format!("guest `{name}` is not running"))
        };
        Ok(match from {
            VantagePoint::Guest(name) if self.is_ghost(name) => {
                let ghost = self.lab.machine(name.as_ref()).map_err(|e| e.to_string())?;
                Vantage::Machine(Arc::clone(ghost))
            }
            VantagePoint::Machine(name) => {
                let machine = self.lab.machine(name.as_ref()).map_err(|e| e.to_string())?;
                Vantage::Machine(Arc::clone(machine))
            }
            VantagePoint::Guest(name) => Vantage::Guest(guest(name)?),
            VantagePoint::Container(name, container) => Vantage::Container {
                guest: guest(name)?,
                name: container.to_string(),
            },
        })
    }

    pub(super) fn not_run(&self, check: &Check, why: &str) -> CheckReport {
        let any_of = self.scenario.any_of(&check.id);
        CheckReport {
            id: check.id.to_string(),
            from: check.from.to_string(),
            kind: kind_name(&check.kind).to_owned(),
            outcome: CheckOutcome::NotRun,
            must_fail: any_of.is_empty() && self.scenario.must_fail.contains_key(&check.id),
            any_of: any_of.iter().map(ToString::to_string).collect(),
            expected: expected(check),
            got: why.to_owned(),
            attempts: 0,
            at_ms: self.at_ms(Instant::now()),
            ms: 0,
            seen: Vec::new(),
        }
    }
}
