//! Runs a scenario in a worker's namespaces, from the first namespace to the verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::background::{Backgrounds, ENDED_EARLY, EndedEarly};
use super::boot::{GuestImage, GuestImages, Launch, bind_template, bind_vmm};
use super::cut_short::Looks;
use super::error::LabError;
use super::evidence;
use super::gathered;
use super::hold::Asked;
use super::job::{Event, Job, StartFrom};
use super::leaks;
use super::left_running::left_running;
use super::topology::{Folders, Lab};
use super::watch::{Lost, Watch};
use crate::check::CheckContext;
use crate::diagnostic::{Diagnose, Diagnostic};
use crate::guest::identity::Identity;
use crate::guest::{Guest, GuestError};
use crate::host::daemon::{DaemonEnded, Keeper};
use crate::host::standstill::Standstills;
use crate::host::unwritten;
use crate::plan::{GuestKind, TopologyPlan};
use crate::report::{
    LabReport, Outcome, Problem, RunReport, StageReport, StepReport, UnitsReport, WaitReport,
    judge_run,
};
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::{HypervisorKind, Scenario};

/// How long processes get to end before they are killed.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// Where progress goes.
pub(super) type Tell<'a> = &'a (dyn Fn(Event) + Send + Sync);

/// A run under way: what stands, and what the report will say.
pub(super) struct Run<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) job: &'a Job,
    pub(super) folders: Folders,
    pub(super) tell: Tell<'a>,
    pub(super) started: Instant,
    pub(super) standstills: &'a Standstills,
    pub(super) lab: Lab,
    pub(super) guests: BTreeMap<MachineName, Arc<Guest>>,
    /// Where VMMs are, as their user sees them, of those that are not taken from `PATH`.
    pub(super) vmms: BTreeMap<HypervisorKind, PathBuf>,
    /// What guests start with, once there is any.
    pub(super) launch: Option<Arc<Launch>>,
    /// Sees daemons of machines end that nobody stops.
    pub(super) keeper: Keeper,
    /// Sees guests end that nobody stops.
    pub(super) watch: Watch,
    /// Commands of steps that go on.
    pub(super) backgrounds: Backgrounds,
    /// Guests in which commands of the scenario ran.
    pub(super) shells: BTreeSet<MachineName>,
    /// Guests that stand still: whoever asks one waits in vain.
    pub(super) silent: BTreeSet<MachineName>,
    /// Of every guest that was ever started.
    pub(super) identities: BTreeMap<MachineName, Identity>,
    /// NICs that steps plugged in and no guest of the scenario has, by guest and name on the host side: which of the
    /// guest's NICs it is, from 0.
    pub(super) plugged: BTreeMap<(MachineName, IfName), usize>,
    pub(super) commands: Vec<String>,
    pub(super) context: CheckContext,
    /// The stage that goes on, and when it began.
    pub(super) under_way: Option<(String, Instant)>,
    /// Its checks.
    pub(super) looks: Looks,
    pub(super) report: RunReport,
    /// What a held lab is asked for; `None`: it is not held.
    pub(super) asked: Option<Asked>,
}

/// Why a run ended without a verdict.
pub(super) enum Ended {
    Broken(Diagnostic),
    TimedOut(Diagnostic),
    Skipped(Problem),
}

/// What ended the stages of a run.
enum By {
    /// Somebody outside.
    Request,
    /// A daemon of a machine that ended.
    Daemon(DaemonEnded),
    /// A guest that ended.
    Guest(Lost),
    /// A command in the background that ended.
    Background(EndedEarly),
    /// They are over.
    Itself(Result<(), Ended>),
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
        standstills: &'a Standstills,
        tell: Tell<'a>,
    ) -> Self {
        let report = RunReport {
            scenario: scenario.name.clone(),
            variant: scenario.form_if_any(),
            outcome: Outcome::Broken,
            problem: None,
            differences: Vec::new(),
            accelerator: job.accelerator.to_string(),
            accelerator_reason: job.accelerator_reason.clone(),
            lab: LabReport::default(),
            guests: Vec::new(),
            checks: Vec::new(),
            steps: Vec::new(),
            stages: Vec::new(),
            waits: Vec::new(),
            units: UnitsReport::before(scenario),
            versions: BTreeMap::new(),
            leaks: Vec::new(),
            left_running: Vec::new(),
            unwritten: Vec::new(),
            not_gathered: Vec::new(),
            holes: Vec::new(),
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
            standstills,
            lab: Lab::default(),
            guests: BTreeMap::new(),
            vmms: BTreeMap::new(),
            keeper: Keeper::default(),
            watch: Watch::default(),
            backgrounds: Backgrounds::default(),
            shells: BTreeSet::new(),
            silent: BTreeSet::new(),
            launch: None,
            identities: BTreeMap::new(),
            plugged: BTreeMap::new(),
            commands: Vec::new(),
            context: CheckContext::default(),
            under_way: None,
            looks: Looks::default(),
            report,
            asked: None,
        }
    }

    /// Everything but teardown. Returns when there is a verdict, or when `cancelled` says so.
    pub(super) async fn carry_out(&mut self, cancelled: impl Future<Output = ()>) {
        let told = self.watch.told();
        let lost = async {
            match told {
                Some(mut told) => told.recv().await,
                None => None,
            }
        };
        let told = self.backgrounds.told();
        let early = async {
            match told {
                Some(mut told) => told.recv().await,
                None => None,
            }
        };
        let keeper = self.keeper.clone();
        let by = tokio::select! {
            biased;
            () = cancelled => By::Request,
            ended = keeper.ended() => By::Daemon(ended),
            Some(lost) = lost => By::Guest(lost),
            Some(early) = early => By::Background(early),
            ended = Box::pin(self.stages()) => By::Itself(ended),
        };
        let ended = match by {
            By::Request => None,
            By::Daemon(ended) => Some(Err(Ended::Broken(Diagnostic::new(&ended)))),
            By::Guest(lost) => Some(Err(Ended::from(LabError::Guest(self.lost(lost).await)))),
            By::Background(early) => Some(Err(Ended::Broken(Diagnostic::new(&early)))),
            // Whatever it ended with may have come of a daemon that ended, too.
            By::Itself(ended) => Some(match (keeper.ended_by_now().await, ended) {
                (Some(daemon), _) => Err(Ended::Broken(Diagnostic::new(&daemon))),
                (None, Ok(())) => self.end_backgrounds().await,
                (None, ended) => ended,
            }),
        };
        match &ended {
            Some(Ok(())) => {}
            // It was not begun, and nothing of it is missing.
            Some(Err(Ended::Skipped(_))) => self.cut_stage_short(),
            None | Some(Err(_)) => self.cut_checks_short(),
        }
        match ended {
            None => self.report.outcome = Outcome::Cancelled,
            Some(Ok(())) => {
                let must_fail = self.scenario.must_fail.iter();
                let must_fail = must_fail
                    .map(|(id, words)| (id.to_string(), words.clone()))
                    .collect();
                let (outcome, differences) = judge_run(&self.report.checks, &must_fail);
                let steps = self.report.steps.iter();
                let steps: Vec<String> = steps.filter_map(StepReport::difference).collect();
                self.report.outcome = match outcome {
                    Outcome::Passed if !steps.is_empty() => Outcome::Failed,
                    other => other,
                };
                self.report.differences = steps.into_iter().chain(differences).collect();
                self.report.find_holes();
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
        self.weigh_standstills();
        self.weigh_stopped();
    }

    async fn stages(&mut self) -> Result<(), Ended> {
        self.introduce_ghosts().map_err(Ended::Skipped)?;
        self.open_tun().map_err(Ended::Skipped)?;
        // Before the machines: each copies the worker's mounts as they are then.
        let images = self.mount_images()?;
        self.bind_vmms()?;
        let plan = TopologyPlan::with_guests(self.scenario, self.job.guests);
        let begun = self.stage("topology", "building the topology");
        self.lab = Lab::build(&plan, &self.folders, &self.keeper).await?;
        self.done("topology", begun);
        for (what, begun, took) in self.lab.take_waits() {
            self.waited("topology", what, begun, took);
        }
        // Before anything boots: a guest takes the most time of all.
        self.needs_of_steps().await?;
        if self.job.guests == GuestKind::Ghost {
            self.surround();
            self.checks_after(None).await?;
            self.note_detection();
            self.steps().await?;
            return self.hand_over().await;
        }
        let begun = self.stage("boot", "booting the guests");
        self.surround();
        self.boot(images).await?;
        self.done("boot", begun);
        self.checks_after(None).await?;
        self.steps().await?;
        self.hand_over().await
    }

    fn mount_images(&self) -> Result<GuestImages, Ended> {
        let mut mounted = GuestImages::new();
        let bound = |folder: &Path| {
            let doing = format!("bind the image `{}`", folder.display());
            move |source| LabError::Io {
                doing,
                machine: "worker".to_owned(),
                source,
            }
        };
        for (name, image) in &self.job.images {
            let one = GuestImage::mount(name, &image.folder, &self.folders.run);
            mounted.insert(name.clone(), one.map_err(bound(&image.folder))?);
        }
        for (name, guest) in &self.scenario.guests {
            if let (Some(StartFrom::Template { folder, .. }), Some(image)) = (
                self.job.starts.get(name.as_ref()),
                self.job.images.get(&guest.image),
            ) {
                bind_template(name, folder, &image.folder, &self.folders.run)
                    .map_err(|why| bound(folder)(std::io::Error::other(why)))?;
            }
        }
        Ok(mounted)
    }

    fn bind_vmms(&mut self) -> Result<(), Ended> {
        for (kind, program) in &self.job.vmms {
            let bound =
                bind_vmm(*kind, program, &self.folders.run).map_err(|source| LabError::Io {
                    doing: format!("bind the VMM `{}`", program.display()),
                    machine: "worker".to_owned(),
                    source,
                });
            self.vmms.insert(*kind, bound?);
        }
        Ok(())
    }

    /// Captures are named after who is at the end of the wire; checks name the interface alone.
    pub(super) fn surround(&mut self) {
        self.context.received = Arc::clone(&self.lab.received);
        for guest in self.scenario.guests.values() {
            for interface in &guest.interfaces {
                let mac = interface.mac.to_string();
                self.context.macs.insert(interface.id.to_string(), mac);
            }
        }
        for (label, capture) in self.lab.captures() {
            for wire in self.wires(label) {
                self.context.captures.insert(wire, capture.clone());
            }
        }
    }

    /// From where, and by which name, the wire of a capture can be looked at: a guest's from the guest and from the
    /// machine that holds its TAP.
    fn wires(&self, label: &str) -> Vec<(String, String)> {
        let machines = self.scenario.machines.iter().flat_map(|(name, machine)| {
            let interfaces = machine.interfaces.iter();
            interfaces.map(move |interface| (name, &interface.name, None))
        });
        let guests = self.scenario.guests.iter().flat_map(|(name, guest)| {
            let interfaces = guest.interfaces.iter();
            interfaces.map(move |interface| (name, &interface.id, Some(&guest.on)))
        });
        let plugged = self.plugged.keys().map(|(name, id)| {
            let guest = self.scenario.guests.get(name);
            (name, id, guest.map(|guest| &guest.on))
        });
        let mut found = machines.chain(guests).chain(plugged);
        let found = found.find(|(name, interface, _)| format!("{name}-{interface}") == label);
        let Some((owner, interface, holder)) = found else {
            return Vec::new();
        };
        std::iter::once(owner)
            .chain(holder)
            .map(|from| (from.to_string(), interface.to_string()))
            .collect()
    }

    /// Gathers what can be gathered, before anything is taken down.
    pub(super) async fn gather_evidence(&mut self) {
        let begun = self.stage("evidence", "gathering evidence");
        // First, and all at once: the gathering of the rest makes guests touch more of their memory.
        let mut memory = evidence::memory(self, &self.folders.evidence).await;
        for guest in &mut self.report.guests {
            guest.memory = memory.remove(&guest.name);
        }
        // Whatever ended the run: that one of them has ended, too, is in what it said.
        if let Err(Ended::Broken(why)) = self.end_backgrounds().await
            && why.code != ENDED_EARLY
        {
            gathered::note(format!("background: {why}"));
        }
        let left = self.left_in_guests().await;
        self.report.left_running.extend(left);
        let (versions, mut nics) = evidence::gather(self, self.job, &self.folders.evidence).await;
        self.report.versions = versions;
        for guest in &mut self.report.guests {
            guest.nics = nics.remove(&guest.name).unwrap_or_default();
        }
        self.report.units.said = evidence::said(self, &self.folders.evidence);
        self.done("evidence", begun);
    }

    /// Takes everything down and looks for what is left.
    pub(super) async fn tear_down(mut self) -> RunReport {
        self.cut_stage_short();
        let begun = self.stage("teardown", "taking the lab down");
        self.report.left_running.extend(left_running(&self.lab));
        let guests = std::mem::take(&mut self.guests).into_values();
        let held = join_all(guests.map(async |guest| match Arc::into_inner(guest) {
            Some(guest) => {
                guest.stop(GRACE).await;
                None
            }
            None => Some("a guest that something still holds".to_owned()),
        }));
        self.report.leaks.extend(held.await.into_iter().flatten());
        self.context = CheckContext::default();
        self.lab.stop_services(GRACE).await;
        drop(std::mem::take(&mut self.lab));
        let ended = Instant::now();
        self.report.leaks.extend(leaks::remaining_processes().await);
        let what = "all processes are gone".to_owned();
        self.waited("teardown", what, ended, ended.elapsed());
        self.done("teardown", begun);
        self.report.unwritten = unwritten::all();
        self.report.not_gathered = gathered::all_noted();
        self.report.ms = self.started.elapsed().as_millis() as u64;
        self.report
    }

    /// The scenario that is run.
    pub(super) fn scenario(&self) -> &Scenario {
        self.scenario
    }

    /// A stage begins, and goes on until it is [`done`](Self::done).
    pub(super) fn stage(&mut self, name: &str, text: &str) -> Instant {
        let begun = Instant::now();
        self.under_way = Some((name.to_owned(), begun));
        (self.tell)(Event::Progress {
            text: text.to_owned(),
        });
        begun
    }

    pub(super) fn done(&mut self, name: &str, begun: Instant) {
        self.under_way = None;
        self.report.stages.push(StageReport {
            name: name.to_owned(),
            at_ms: self.at_ms(begun),
            ms: begun.elapsed().as_millis() as u64,
            cut_short: false,
        });
    }

    pub(super) fn waited(&mut self, stage: &str, what: String, begun: Instant, took: Duration) {
        self.report.waits.push(WaitReport {
            stage: stage.to_owned(),
            what,
            at_ms: self.at_ms(begun),
            ms: took.as_millis() as u64,
        });
    }

    /// Milliseconds from the run's start to `instant`.
    pub(super) fn at_ms(&self, instant: Instant) -> i64 {
        instant.duration_since(self.started).as_millis() as i64
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
        lab: LabReport::default(),
        guests: Vec::new(),
        checks: Vec::new(),
        steps: Vec::new(),
        stages: Vec::new(),
        waits: Vec::new(),
        units: UnitsReport::default(),
        versions: BTreeMap::new(),
        leaks: Vec::new(),
        left_running: Vec::new(),
        unwritten: Vec::new(),
        not_gathered: Vec::new(),
        holes: Vec::new(),
        evidence: Some(job.evidence.clone()),
        reproduce: job.reproduce.clone(),
        ms: 0,
    }
}
