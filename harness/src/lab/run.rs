//! Runs a scenario in a worker's namespaces, from the first namespace to the verdict.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::boot::{GuestImage, Started, start_guests};
use super::evidence;
use super::job::{Event, Job};
use super::leaks;
use super::topology::{Folders, Lab, LabError};
use crate::check::Surroundings;
use crate::deadline::Deadline;
use crate::diagnostic::{Diagnose, Diagnostic};
use crate::guest::{Guest, GuestError};
use crate::hypervisor::Accelerator;
use crate::plan::{GuestKind, TopologyPlan};
use crate::report::{GuestReport, Outcome, Problem, RunReport, StageReport, judge_run};
use crate::scenario::Scenario;
use crate::scenario::names::MachineName;

/// How long processes get to end before they are killed.
const GRACE: Duration = Duration::from_secs(2);

/// Where progress goes.
pub(super) type Tell<'a> = &'a (dyn Fn(Event) + Send + Sync);

/// Stretches times that a guest's instructions need.
pub(super) fn patience(accelerator: Accelerator, time: Duration) -> Duration {
    match accelerator {
        Accelerator::Kvm => time,
        Accelerator::Tcg => time * 4,
    }
}

/// A run under way: what stands, and what the report will say.
pub(super) struct Run<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) job: &'a Job,
    pub(super) folders: Folders,
    pub(super) tell: Tell<'a>,
    pub(super) started: Instant,
    pub(super) lab: Lab,
    pub(super) guests: BTreeMap<MachineName, Arc<Guest>>,
    pub(super) commands: Vec<String>,
    pub(super) surroundings: Surroundings,
    pub(super) report: RunReport,
}

/// Why a run ended without a verdict.
enum Ended {
    Broken(Diagnostic),
    TimedOut(Diagnostic),
    Skipped(Problem),
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
                self.weigh_skips();
            }
            Some(Err(Ended::Skipped(problem))) => {
                self.report.outcome = Outcome::Skipped;
                self.report.problem = Some(problem);
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
        self.introduce_ghosts().map_err(Ended::Skipped)?;
        // Before the machines: each copies the worker's mounts as they are then.
        let image = self.mount_image()?;
        let plan = TopologyPlan::with_guests(self.scenario, self.job.guests);
        let begun = self.stage("building the topology");
        self.lab = Lab::build(&plan, &self.folders).await?;
        self.done("topology", begun);
        if self.job.guests == GuestKind::Ghost {
            self.surround();
            self.checks().await;
            self.note_detection();
            return Ok(());
        }
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
        self.report.leaks.extend(leaks::remaining_processes().await);
        self.done("teardown", begun);
        self.report.ms = self.started.elapsed().as_millis() as u64;
        self.report
    }

    /// The scenario that is run.
    pub(super) fn scenario(&self) -> &Scenario {
        self.scenario
    }

    pub(super) fn stage(&self, text: &str) -> Instant {
        (self.tell)(Event::Progress {
            text: text.to_owned(),
        });
        Instant::now()
    }

    pub(super) fn done(&mut self, name: &str, begun: Instant) {
        self.report.stages.push(StageReport {
            name: name.to_owned(),
            ms: begun.elapsed().as_millis() as u64,
        });
    }
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
