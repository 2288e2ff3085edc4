//! Carries out a scenario's checks, in the order in which they can be true.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::ghost::Before;
use super::job::Event;
use super::run::Run;
use crate::check::course::{Change, Course, Ending, Sight};
use crate::check::{Vantage, expected, kind_name, look_from_ghost, look_since};
use crate::deadline::Deadline;
use crate::diagnostic::Diagnostic;
use crate::guest::contents::start_container;
use crate::guest::ssh::GuestCommand;
use crate::plan::GuestKind;
use crate::report::{CheckOutcome, CheckReport, SightReport, StageReport};
use crate::scenario::names::{CheckId, MachineName, StepId};
use crate::scenario::{Check, CheckKind, Guest, Times, VantagePoint};
use crate::wait::watch_woken;

/// How long a check that must fail is given to hold after all.
const MUST_FAIL_WINDOW: Duration = Duration::from_secs(12);
/// The same where nothing boots.
const MUST_FAIL_WINDOW_GHOSTS: Duration = Duration::from_secs(5);

impl Run<'_> {
    /// The checks that are looked at `after` a step, or before the first.
    ///
    /// Those that need no container first, while Docker starts the containers; then theirs; then those that must
    /// fail or never hold, when everything else has settled. A check with `fails_until` is never put off: its time
    /// counts from when the lab stands.
    pub(super) async fn checks_after(&mut self, after: Option<&StepId>) {
        let stage = match after {
            None => "checks".to_owned(),
            Some(step) => format!("checks after {step}"),
        };
        let begun = self.stage(&match after {
            None => "checking".to_owned(),
            Some(step) => format!("checking after {step}"),
        });
        let now: Vec<&Check> = self
            .scenario
            .checks
            .iter()
            .filter(|check| check.after.as_ref() == after)
            .collect();
        let needs_container = |check: &&Check| {
            matches!(check.from, VantagePoint::Container(..))
                || kind_name(&check.kind) == "container_veth"
        };
        let put_off = |check: &&Check| {
            let red = check.times.fails || self.scenario.must_fail.contains_key(&check.id);
            red && check.times.fails_until.is_none()
        };
        let (red, green): (Vec<&Check>, Vec<&Check>) = now.iter().copied().partition(put_off);
        let (late, early): (Vec<&Check>, Vec<&Check>) =
            green.into_iter().partition(needs_container);
        let mut reports = BTreeMap::new();
        let containers = async {
            let begun = Instant::now();
            let mut started = Vec::new();
            let result = match after {
                None => self.start_containers(None, &mut started).await,
                Some(_) => Ok(()),
            };
            if after.is_none() && self.job.guests == GuestKind::Vm {
                (self.tell)(Event::Settled);
            }
            (result, begun, begun.elapsed(), started)
        };
        let (early, (containers, began, took, started)) =
            tokio::join!(self.check_all(&early), containers);
        reports.extend(early);
        if let Err(why) = containers {
            for check in now.iter().copied().filter(needs_container) {
                reports.insert(check.id.clone(), self.not_run(check, &why));
            }
        } else {
            reports.extend(self.check_all(&late).await);
        }
        let red: Vec<&Check> = red
            .into_iter()
            .filter(|check| !reports.contains_key(&check.id))
            .collect();
        reports.extend(self.check_all(&red).await);
        let containers = |(name, guest): (&MachineName, &Guest)| {
            !guest.containers.is_empty() && !self.is_ghost(name)
        };
        if after.is_none() && self.scenario.guests.iter().any(containers) {
            self.report.stages.push(StageReport {
                name: "containers".to_owned(),
                at_ms: self.at_ms(began),
                ms: took.as_millis() as u64,
            });
        }
        for (what, began, took) in started {
            self.waited("containers", what, began, took);
        }
        let ordered = now.iter().filter_map(|check| reports.remove(&check.id));
        self.report.checks.extend(ordered);
        self.done(&stage, begun);
    }

    /// Starts the containers of all guests that run, or of one. `started` gets each that runs, with when its start was
    /// asked for and how long that took.
    pub(super) async fn start_containers(
        &self,
        only: Option<&MachineName>,
        started: &mut Vec<(String, Instant, Duration)>,
    ) -> Result<(), String> {
        let guests = self.scenario.guests.iter();
        for (name, plan) in guests.filter(|(name, _)| only.is_none_or(|only| only == *name)) {
            let Some(guest) = self.guests.get(name) else {
                continue;
            };
            for (container, options) in &plan.containers {
                let begun = Instant::now();
                let by = Deadline::after(self.job.patience(Duration::from_secs(60)));
                // Docker and the image's loading are services of the guest; waiting for them is systemd's business.
                let line = format!(
                    "systemctl start docker.service bridgelab-container-image.service && \
                     {}",
                    start_container(container.as_ref(), options)
                );
                let output = guest.exec_long(GuestCommand::shell(line), by).await;
                let output = output.map_err(|e| Diagnostic::new(&e).to_string())?;
                if !output.success() {
                    return Err(format!(
                        "docker run {container}: {}{}",
                        output.stdout,
                        output.stderr.trim()
                    ));
                }
                let what = format!("{name}/{container} runs");
                started.push((what, begun, begun.elapsed()));
            }
        }
        Ok(())
    }

    async fn check_all(&self, checks: &[&Check]) -> BTreeMap<CheckId, CheckReport> {
        let mut running: FuturesUnordered<_> =
            checks.iter().map(|check| self.check_one(check)).collect();
        let mut reports = BTreeMap::new();
        while let Some((id, report)) = running.next().await {
            (self.tell)(Event::Progress {
                text: format!("{id}: {}", report.got),
            });
            reports.insert(id, report);
        }
        reports
    }

    /// Looks until a look, or the check's time, decides.
    pub(super) async fn check_one(&self, check: &Check) -> (CheckId, CheckReport) {
        let report = match self.blind() {
            Some(why) => CheckReport {
                outcome: CheckOutcome::Skipped,
                ..self.not_run(check, &why)
            },
            None => self.watch(check, self.times(check)).await,
        };
        (check.id.clone(), report)
    }

    /// Looks at a fact until a look, or the time for it, decides.
    pub(super) async fn watch(&self, check: &Check, times: Times) -> CheckReport {
        let unshown = self.unshown(check);
        if let Some(why) = unshown.or_else(|| self.refused_vantage(&check.from)) {
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
        let blank = self.not_run(check, "");
        let (begun, began) = (Instant::now(), SystemTime::now());
        let by = Deadline::after(times.within);
        let one_look = self.job.patience(one_look(&check.kind));
        let mut attempts = 0;
        let mut course = Course::new(times);
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
                    self.look(check, &vantage, began, look_by).await
                }
            };
            // Time in which this process was stopped is not time in which the check did not hold.
            let stopped = self.standstills.counted_since(begun);
            match course.look(begun.elapsed().saturating_sub(stopped), sight) {
                Some(Ending::Passed(got)) => ControlFlow::Break((CheckOutcome::Passed, got)),
                Some(Ending::Failed(got)) => ControlFlow::Break((CheckOutcome::Failed, got)),
                Some(Ending::NotRun(why)) => ControlFlow::Break((CheckOutcome::NotRun, why)),
                None => ControlFlow::Continue(begun + stopped + course.last_look()),
            }
        })
        .await;
        let seen = course.changes().iter();
        CheckReport {
            outcome,
            got,
            attempts,
            ms: begun.elapsed().as_millis() as u64,
            seen: seen
                .map(|change| self.sight_report(begun, change))
                .collect(),
            ..blank
        }
    }

    async fn look(
        &self,
        check: &Check,
        vantage: &Vantage,
        began: SystemTime,
        by: Deadline,
    ) -> Sight {
        let (kind, around) = (&check.kind, &self.surroundings);
        let looked = match (&check.from, vantage) {
            (VantagePoint::Guest(_), Vantage::Machine(ghost)) => {
                look_from_ghost(kind, ghost, around, began, by).await
            }
            _ => look_since(kind, vantage, around, began, by).await,
        };
        match looked {
            Ok(verdict) if verdict.holds => Sight::Holds(verdict.got),
            Ok(verdict) => Sight::Violated(verdict.got),
            Err(error) => Sight::Unseen(Diagnostic::new(&error).to_string()),
        }
    }

    /// The check's times in this run. Only `within` is stretched where guests are slow: the other two are about time
    /// that passes equally on every machine, such as a bridge's forward delay.
    fn times(&self, check: &Check) -> Times {
        let mut times = check.times;
        times.within = self.job.patience(times.within);
        if self.scenario.must_fail.contains_key(&check.id) {
            let window = times.fails_until.unwrap_or_default() + self.must_fail_window();
            times.within = times.within.min(window);
        }
        times
    }

    fn sight_report(&self, begun: Instant, change: &Change) -> SightReport {
        SightReport {
            at_ms: self.at_ms(begun + change.at),
            holds: match change.sight {
                Sight::Holds(_) => Some(true),
                Sight::Violated(_) => Some(false),
                Sight::Unseen(_) => None,
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

    fn not_run(&self, check: &Check, why: &str) -> CheckReport {
        CheckReport {
            id: check.id.to_string(),
            from: check.from.to_string(),
            kind: kind_name(&check.kind).to_owned(),
            outcome: CheckOutcome::NotRun,
            must_fail: self.scenario.must_fail.contains_key(&check.id),
            expected: expected(check),
            got: why.to_owned(),
            attempts: 0,
            at_ms: self.at_ms(Instant::now()),
            ms: 0,
            seen: Vec::new(),
        }
    }
}

/// How long one look may take when the check's time does not give it more.
fn one_look(kind: &CheckKind) -> Duration {
    let usual = Duration::from_secs(15);
    match kind {
        CheckKind::Ping(ping) => usual + ping.interval * u32::from(ping.count),
        // 2 MB a second is little even for an emulated NIC.
        CheckKind::Http {
            bytes: Some(bytes), ..
        }
        | CheckKind::Tcp {
            bytes: Some(bytes), ..
        } => usual + Duration::from_micros(u64::from(*bytes) / 2),
        _ => usual,
    }
}
