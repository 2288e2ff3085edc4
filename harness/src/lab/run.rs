//! Runs a scenario in a worker's namespaces, from the first namespace to the verdict.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::boot::{GuestImage, Started, start_guests};
use super::evidence;
use super::job::{Event, Job};
use super::topology::{Folders, Lab, LabError};
use crate::check::{ProbeError, Surroundings, Vantage, expected, kind_name, look};
use crate::deadline::Deadline;
use crate::diagnostic::{Diagnose, Diagnostic};
use crate::guest::ssh::GuestCommand;
use crate::guest::{Guest, GuestError};
use crate::hypervisor::Accelerator;
use crate::plan::TopologyPlan;
use crate::report::{
    CheckOutcome, CheckReport, GuestReport, Outcome, RunReport, StageReport, judge_run,
};
use crate::scenario::names::{CheckId, MachineName};
use crate::scenario::{Check, Scenario, VantagePoint};
use crate::wait::until;

/// How long a check that must fail is given to hold after all.
const MUST_FAIL_WINDOW: Duration = Duration::from_secs(12);
/// How long processes get to end before they are killed.
const GRACE: Duration = Duration::from_secs(2);

/// Where progress goes.
pub(super) type Tell<'a> = &'a (dyn Fn(Event) + Send + Sync);

/// Stretches times that a guest's instructions need.
fn patience(accelerator: Accelerator, time: Duration) -> Duration {
    match accelerator {
        Accelerator::Kvm => time,
        Accelerator::Tcg => time * 4,
    }
}

/// A run under way: what stands, and what the report will say.
pub(super) struct Run<'a> {
    scenario: &'a Scenario,
    job: &'a Job,
    folders: Folders,
    tell: Tell<'a>,
    started: Instant,
    pub(super) lab: Lab,
    pub(super) guests: BTreeMap<MachineName, Arc<Guest>>,
    pub(super) commands: Vec<String>,
    surroundings: Surroundings,
    report: RunReport,
}

/// Why a run ended without a verdict.
enum Ended {
    Broken(Diagnostic),
    TimedOut(Diagnostic),
}

impl From<LabError> for Ended {
    fn from(error: LabError) -> Self {
        let diagnostic = Diagnostic::new(&error);
        match &error {
            LabError::Guest(GuestError::BootTimeout { .. }) => Self::TimedOut(diagnostic),
            _ => Self::Broken(diagnostic),
        }
    }
}

impl<'a> Run<'a> {
    pub(super) fn new(
        scenario: &'a Scenario,
        job: &'a Job,
        folders: Folders,
        tell: Tell<'a>,
    ) -> Self {
        let report = RunReport {
            scenario: scenario.name.clone(),
            variant: scenario.variant.as_ref().map(ToString::to_string),
            outcome: Outcome::Broken,
            problem: None,
            differences: Vec::new(),
            accelerator: job.accelerator.to_string(),
            accelerator_reason: job.accelerator_reason.clone(),
            guests: Vec::new(),
            checks: Vec::new(),
            stages: Vec::new(),
            versions: BTreeMap::new(),
            leaks: Vec::new(),
            evidence: Some(job.evidence.clone()),
            reproduce: job.reproduce.clone(),
            ms: 0,
        };
        Self {
            scenario,
            job,
            folders,
            tell,
            started: Instant::now(),
            lab: Lab::default(),
            guests: BTreeMap::new(),
            commands: Vec::new(),
            surroundings: Surroundings::default(),
            report,
        }
    }

    /// Everything but teardown. Returns when there is a verdict, or when `cancelled` says so.
    pub(super) async fn carry_out(&mut self, cancelled: impl Future<Output = ()>) {
        let ended = tokio::select! {
            biased;
            () = cancelled => None,
            ended = self.stages() => Some(ended),
        };
        match ended {
            None => self.report.outcome = Outcome::Cancelled,
            Some(Ok(())) => {
                let must_fail = self.scenario.must_fail.iter();
                let must_fail = must_fail
                    .map(|(id, words)| (id.to_string(), words.clone()))
                    .collect();
                let (outcome, differences) = judge_run(&self.report.checks, &must_fail);
                self.report.outcome = outcome;
                self.report.differences = differences;
            }
            Some(Err(Ended::Broken(diagnostic))) => {
                self.report.outcome = Outcome::Broken;
                self.report.problem = Some(diagnostic.into());
            }
            Some(Err(Ended::TimedOut(diagnostic))) => {
                self.report.outcome = Outcome::TimedOut;
                self.report.problem = Some(diagnostic.into());
            }
        }
    }

    async fn stages(&mut self) -> Result<(), Ended> {
        // Before the machines: each copies the worker's mounts as they are then.
        let image = self.mount_image()?;
        let plan = TopologyPlan::new(self.scenario);
        let begun = self.stage("building the topology");
        self.lab = Lab::build(&plan, &self.folders).await?;
        self.done("topology", begun);
        let begun = self.stage("booting the guests");
        let mut booting = match &image {
            Some(image) => self.start_guests(image).await?,
            None => BTreeMap::new(),
        };
        self.surround();
        while let Some((name, one)) = booting.pop_first() {
            let by = Deadline::after(patience(self.job.accelerator, Duration::from_secs(60)));
            let guest = one
                .booting
                .wait(by)
                .await
                .map_err(|(error, _)| Ended::from(LabError::Guest(error)))?;
            self.guests.insert(name, Arc::new(guest));
        }
        self.done("boot", begun);
        self.checks().await;
        Ok(())
    }

    fn mount_image(&self) -> Result<Option<GuestImage>, Ended> {
        let Some(folder) = &self.job.image else {
            return Ok(None);
        };
        let mounted = GuestImage::mount(folder, &self.folders.run).map_err(|source| {
            Ended::from(LabError::Io {
                doing: format!("bind the image `{}`", folder.display()),
                machine: "worker".to_owned(),
                source,
            })
        })?;
        Ok(Some(mounted))
    }

    async fn start_guests(
        &mut self,
        image: &GuestImage,
    ) -> Result<BTreeMap<MachineName, Started>, Ended> {
        let accelerator = self.job.accelerator;
        let started = start_guests(
            self.scenario,
            &mut self.lab,
            image,
            accelerator,
            &self.folders,
        )
        .await?;
        for (name, one) in &started {
            self.commands.push(one.command.clone());
            let key = one.identity.host_key.public_blob().to_owned();
            self.surroundings.host_keys.insert(name.to_string(), key);
            self.report.guests.push(GuestReport {
                name: name.to_string(),
                machine: one.machine.0.to_string(),
                reason: one.machine.1.to_owned(),
            });
        }
        Ok(started)
    }

    /// Captures are named after who is at the end of the wire; checks name the interface alone.
    fn surround(&mut self) {
        for guest in self.scenario.guests.values() {
            for interface in &guest.interfaces {
                let mac = interface.mac.to_string();
                self.surroundings.macs.insert(interface.id.to_string(), mac);
            }
        }
        for (label, capture) in self.lab.captures() {
            if let Some((_, interface)) = self.interface_of(label) {
                self.surroundings
                    .captures
                    .insert(interface, capture.clone());
            }
        }
    }

    fn interface_of(&self, label: &str) -> Option<(String, String)> {
        let machines = self.scenario.machines.iter().flat_map(|(name, machine)| {
            machine
                .interfaces
                .iter()
                .map(move |interface| (name.to_string(), interface.name.to_string()))
        });
        let guests = self.scenario.guests.iter().flat_map(|(name, guest)| {
            guest
                .interfaces
                .iter()
                .map(move |interface| (name.to_string(), interface.id.to_string()))
        });
        // The host's own interfaces win over equally named ones of stand-ins.
        let all: Vec<_> = machines.chain(guests).collect();
        all.into_iter()
            .find(|(owner, interface)| format!("{owner}-{interface}") == label)
    }

    /// Checks that need no container first, while Docker starts the containers; then theirs; then those that must
    /// fail, when everything else has settled.
    async fn checks(&mut self) {
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
            let result = self.start_containers().await;
            (result, begun.elapsed())
        };
        let (early, (containers, took)) = tokio::join!(self.check_all(&early), containers);
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
            .values()
            .any(|guest| !guest.containers.is_empty())
        {
            self.report.stages.push(StageReport {
                name: "containers".to_owned(),
                ms: took.as_millis() as u64,
            });
        }
        let ordered = self
            .scenario
            .checks
            .iter()
            .filter_map(|check| reports.remove(&check.id));
        self.report.checks = ordered.collect();
        self.done("checks", begun);
    }

    async fn start_containers(&self) -> Result<(), String> {
        for (name, plan) in &self.scenario.guests {
            let Some(guest) = self.guests.get(name) else {
                continue;
            };
            for (container, image) in &plan.containers {
                let by = Deadline::after(patience(self.job.accelerator, Duration::from_secs(60)));
                // Docker and the image's loading are services of the guest; waiting for them is systemd's business.
                let line = format!(
                    "systemctl start docker.service bridgelab-container-image.service && \
                     docker run --detach --name {container} bridgelab/{image} sleep infinity"
                );
                let output = guest.exec(GuestCommand::shell(line), by).await;
                let output = output.map_err(|e| Diagnostic::new(&e).to_string())?;
                if !output.success() {
                    return Err(format!(
                        "docker run {container}: {}{}",
                        output.stdout,
                        output.stderr.trim()
                    ));
                }
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
        let vantage = match self.vantage(&check.from) {
            Ok(vantage) => vantage,
            Err(why) => return (check.id.clone(), self.not_run(check, &why)),
        };
        let blank = self.not_run(check, "");
        let within = patience(self.job.accelerator, check.within);
        let within = if blank.must_fail {
            within.min(MUST_FAIL_WINDOW)
        } else {
            within
        };
        let begun = Instant::now();
        let by = Deadline::after(within);
        let one_look = patience(self.job.accelerator, Duration::from_secs(15));
        let mut attempts = 0;
        let mut last: Result<String, ProbeError> =
            Err(ProbeError::Impossible("nobody looked".to_owned()));
        let held = until(by, "the check to hold", async || {
            attempts += 1;
            // One look may need longer than what is left of the check's time.
            let look_by = Deadline::after(by.left().max(one_look));
            match look(&check.kind, &vantage, &self.surroundings, look_by).await {
                Ok(verdict) if verdict.holds => Ok(verdict.got),
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
            (Ok(got), _) => (CheckOutcome::Passed, got),
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

    fn vantage(&self, from: &VantagePoint) -> Result<Vantage, String> {
        let guest = |name: &MachineName| {
            self.guests
                .get(name)
                .cloned()
                .ok_or_else(|| format!("guest `{name}` is not running"))
        };
        Ok(match from {
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
            ms: 0,
        }
    }

    /// Gathers what can be gathered, before anything is taken down.
    pub(super) async fn gather_evidence(&mut self) {
        let begun = self.stage("gathering evidence");
        self.report.versions = evidence::gather(self, self.job, &self.folders.evidence).await;
        self.done("evidence", begun);
    }

    /// Takes everything down and looks for what is left.
    pub(super) async fn tear_down(mut self) -> RunReport {
        let begun = self.stage("taking the lab down");
        for (_, guest) in std::mem::take(&mut self.guests) {
            match Arc::into_inner(guest) {
                Some(guest) => guest.stop(GRACE).await,
                None => self
                    .report
                    .leaks
                    .push("a guest that something still holds".to_owned()),
            }
        }
        self.surroundings = Surroundings::default();
        self.lab.stop_services(GRACE).await;
        drop(std::mem::take(&mut self.lab));
        self.report.leaks.extend(remaining_processes().await);
        self.done("teardown", begun);
        self.report.ms = self.started.elapsed().as_millis() as u64;
        self.report
    }

    /// The scenario that is run.
    pub(super) fn scenario(&self) -> &Scenario {
        self.scenario
    }

    fn stage(&self, text: &str) -> Instant {
        (self.tell)(Event::Progress {
            text: text.to_owned(),
        });
        Instant::now()
    }

    fn done(&mut self, name: &str, begun: Instant) {
        self.report.stages.push(StageReport {
            name: name.to_owned(),
            ms: begun.elapsed().as_millis() as u64,
        });
    }
}

/// Processes in the worker's PID namespace besides the worker itself, after giving them a moment to be reaped.
async fn remaining_processes() -> Vec<String> {
    let mut left = Vec::new();
    let gone = until(Deadline::secs(3), "all processes to be gone", async || {
        left = processes(Path::new("/proc"));
        if left.is_empty() {
            Ok(())
        } else {
            Err(left.join(", "))
        }
    });
    match gone.await {
        Ok(()) => Vec::new(),
        Err(timed_out) => vec![format!("processes: {}", timed_out.last)],
    }
}

fn processes(proc: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(proc) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok())
        .filter(|pid| *pid != 1)
        .filter_map(|pid| {
            let stat = std::fs::read_to_string(proc.join(pid.to_string()).join("stat")).ok()?;
            let name = stat.split_once('(')?.1.rsplit_once(')')?;
            // A zombie holds nothing; the worker's end reaps it.
            (!name.1.trim_start().starts_with('Z')).then(|| format!("{} ({pid})", name.0))
        })
        .collect()
}

/// A diagnostic for an error that ended the run before it began.
pub(super) fn broken(job: &Job, scenario: &str, error: &dyn Diagnose) -> RunReport {
    RunReport {
        scenario: scenario.to_owned(),
        variant: job.variant.clone(),
        outcome: Outcome::Broken,
        problem: Some(Diagnostic::new(error).into()),
        differences: Vec::new(),
        accelerator: job.accelerator.to_string(),
        accelerator_reason: job.accelerator_reason.clone(),
        guests: Vec::new(),
        checks: Vec::new(),
        stages: Vec::new(),
        versions: BTreeMap::new(),
        leaks: Vec::new(),
        evidence: Some(job.evidence.clone()),
        reproduce: job.reproduce.clone(),
        ms: 0,
    }
}
