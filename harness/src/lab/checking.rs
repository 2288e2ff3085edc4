//! Carries out a scenario's checks, in the order in which they can be true.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::ghost::Before;
use super::job::Event;
use super::run::{Run, patience};
use crate::check::{ProbeError, Vantage, expected, kind_name, look, look_from_ghost};
use crate::deadline::Deadline;
use crate::diagnostic::Diagnostic;
use crate::guest::ssh::GuestCommand;
use crate::plan::GuestKind;
use crate::report::{CheckOutcome, CheckReport, StageReport};
use crate::scenario::names::{CheckId, MachineName};
use crate::scenario::{Check, VantagePoint};
use crate::wait::until_woken;

/// How long a check that must fail is given to hold after all.
const MUST_FAIL_WINDOW: Duration = Duration::from_secs(12);
/// The same where nothing boots.
const MUST_FAIL_WINDOW_GHOSTS: Duration = Duration::from_secs(5);

impl Run<'_> {
    /// Checks that need no container first, while Docker starts the containers; then theirs; then those that must
    /// fail, when everything else has settled.
    pub(super) async fn checks(&mut self) {
        let begun = self.stage("checking");
        let needs_container = |check: &&Check| {
            matches!(check.from, VantagePoint::Container(..))
                || kind_name(&check.kind) == "container_veth"
        };
        let must_fail = |check: &&Check| self.scenario.must_fail.contains_key(&check.id);
        let (red, green): (Vec<&Check>, Vec<&Check>) =
            self.scenario.checks.iter().partition(must_fail);
        let (late, early): (Vec<&Check>, Vec<&Check>) =
            green.into_iter().partition(needs_container);
        let mut reports = BTreeMap::new();
        let containers = async {
            let begun = Instant::now();
            let mut started = Vec::new();
            let result = self.start_containers(&mut started).await;
            (result, begun, begun.elapsed(), started)
        };
        let (early, (containers, began, took, started)) =
            tokio::join!(self.check_all(&early), containers);
        reports.extend(early);
        if let Err(why) = containers {
            for check in self.scenario.checks.iter().filter(needs_container) {
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
        if self
            .scenario
            .guests
            .iter()
            .any(|(name, guest)| !guest.containers.is_empty() && !self.is_ghost(name))
        {
            self.report.stages.push(StageReport {
                name: "containers".to_owned(),
                at_ms: self.at_ms(began),
                ms: took.as_millis() as u64,
            });
        }
        for (what, began, took) in started {
            self.waited("containers", what, began, took);
        }
        let ordered = self
            .scenario
            .checks
            .iter()
            .filter_map(|check| reports.remove(&check.id));
        self.report.checks = ordered.collect();
        self.done("checks", begun);
    }

    /// `started` gets each container that runs, with when its start was asked for and how long that took.
    async fn start_containers(
        &self,
        started: &mut Vec<(String, Instant, Duration)>,
    ) -> Result<(), String> {
        for (name, plan) in &self.scenario.guests {
            let Some(guest) = self.guests.get(name) else {
                continue;
            };
            for (container, image) in &plan.containers {
                let begun = Instant::now();
                let by = Deadline::after(patience(self.job.accelerator, Duration::from_secs(60)));
                // Docker and the image's loading are services of the guest; waiting for them is systemd's business.
                let line = format!(
                    "systemctl start docker.service bridgelab-container-image.service && \
                     docker run --detach --name {container} bridgelab/{image} sleep infinity"
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

    /// Looks until the check holds or its time is over.
    async fn check_one(&self, check: &Check) -> (CheckId, CheckReport) {
        let unshown = self.unshown(check);
        if let Some(why) = unshown.or_else(|| self.refused_vantage(&check.from)) {
            let report = CheckReport {
                outcome: CheckOutcome::Skipped,
                ..self.not_run(check, &why)
            };
            return (check.id.clone(), report);
        }
        let vantage = match self.vantage(&check.from) {
            Ok(vantage) => vantage,
            Err(why) => return (check.id.clone(), self.not_run(check, &why)),
        };
        let blank = self.not_run(check, "");
        let within = patience(self.job.accelerator, check.within);
        let within = if blank.must_fail {
            within.min(self.must_fail_window())
        } else {
            within
        };
        let begun = Instant::now();
        let by = Deadline::after(within);
        let one_look = patience(self.job.accelerator, Duration::from_secs(15));
        let mut attempts = 0;
        let mut last: Result<String, ProbeError> =
            Err(ProbeError::Impossible("nobody looked".to_owned()));
        let events = self.lab.changes().count();
        let held = until_woken(by, "the check to hold", events, async || {
            match self.before_look(check, by) {
                None => {}
                Some(Before::Unshown(why)) => return Ok((CheckOutcome::Skipped, why)),
                Some(Before::NotYet(why)) => {
                    last = Ok(why);
                    return Err("it cannot hold yet");
                }
            }
            let _turn = vantage.turn().await;
            attempts += 1;
            // One look may need longer than what is left of the check's time.
            let look_by = Deadline::after(by.left().max(one_look));
            let looked = match (&check.from, &vantage) {
                (VantagePoint::Guest(_), Vantage::Machine(ghost)) => {
                    look_from_ghost(&check.kind, ghost, &self.surroundings, look_by).await
                }
                _ => look(&check.kind, &vantage, &self.surroundings, look_by).await,
            };
            match looked {
                Ok(verdict) if verdict.holds => Ok((CheckOutcome::Passed, verdict.got)),
                Ok(verdict) => {
                    last = Ok(verdict.got);
                    Err("it does not hold")
                }
                Err(error) => {
                    last = Err(error);
                    Err("it could not be looked at")
                }
            }
        });
        let (outcome, got) = match (held.await, last) {
            (Ok(seen), _) => seen,
            (Err(_), Ok(got)) => (CheckOutcome::Failed, got),
            (Err(_), Err(error)) => (CheckOutcome::NotRun, Diagnostic::new(&error).to_string()),
        };
        let report = CheckReport {
            outcome,
            got,
            attempts,
            ms: begun.elapsed().as_millis() as u64,
            ..blank
        };
        (check.id.clone(), report)
    }

    /// Ghosts neither boot nor are slow. The longest that anything waits in them is networkd, four seconds between
    /// two router solicitations (RFC 4861, 10).
    fn must_fail_window(&self) -> Duration {
        match self.job.guests {
            GuestKind::Vm => MUST_FAIL_WINDOW,
            GuestKind::Ghost => MUST_FAIL_WINDOW_GHOSTS,
        }
    }

    fn vantage(&self, from: &VantagePoint) -> Result<Vantage, String> {
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
        let from = match &check.from {
            VantagePoint::Machine(name) | VantagePoint::Guest(name) => name.to_string(),
            VantagePoint::Container(guest, container) => format!("{guest}/{container}"),
        };
        CheckReport {
            id: check.id.to_string(),
            from,
            kind: kind_name(&check.kind).to_owned(),
            outcome: CheckOutcome::NotRun,
            must_fail: self.scenario.must_fail.contains_key(&check.id),
            expected: expected(&check.kind),
            got: why.to_owned(),
            attempts: 0,
            at_ms: self.at_ms(Instant::now()),
            ms: 0,
        }
    }
}
