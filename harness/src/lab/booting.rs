//! The boot stage of a run: all guests at once, and a cold boot for one whose template failed it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::boot::{Drawn, GuestImages, Launch, Sealed, Started, start, start_again};
use super::error::LabError;
use super::job::{Event, StartFrom};
use super::run::{Ended, GRACE, Run};
use crate::check::VmmStart;
use crate::deadline::Deadline;
use crate::diagnostic::Diagnostic;
use crate::guest::identity::KeyPair;
use crate::guest::ssh::GuestCommand;
use crate::guest::{Guest, GuestError, sysctls};
use crate::host::capability::Capability;
use crate::host::service::ServiceError;
use crate::host::tap::open_to_everyone;
use crate::plan::{GuestKind, TopologyPlan};
use crate::report::{GuestReport, Problem};
use crate::scenario::check_kind;
use crate::scenario::names::MachineName;
use crate::scenario::{
    Check, CheckKind, Guest as GuestPlan, GuestStart, Scenario, TapOpen, VantagePoint,
};

/// How long a guest's kernel may take to boot, with KVM.
const BOOT: Duration = Duration::from_secs(60);
/// How long a guest from a template may take until it answers, with KVM. Thirty-two at once on two emulated cores take a third
/// of what that is without KVM; one that does not come boots cold, and need not wait for that as long as for a kernel.
const TAKEOVER: Duration = Duration::from_secs(20);

/// A guest that answers, and what is to be known about its start.
struct Up {
    guest: Guest,
    known: Known,
    /// Its sysctls, as its kernel gives them back.
    set: Vec<String>,
}

/// How a start ended.
enum Began {
    Up(Box<Up>),
    /// Its VMM refused to start, and a check asks for how it starts.
    Refused(Box<Known>, VmmStart),
}

/// Whether a VMM opens a TAP by its name, and so `/dev/net/tun` itself.
pub(super) fn opens_tun(scenario: &Scenario, guests: GuestKind) -> bool {
    let named = |guest: &GuestPlan| {
        let mut nics = guest.interfaces.iter();
        nics.any(|nic| nic.nic.open == TapOpen::Name)
    };
    guests == GuestKind::Vm && scenario.guests.values().any(named)
}

impl Run<'_> {
    /// Starts all guests that no step starts, and waits for them.
    pub(super) async fn boot(&mut self, images: GuestImages) -> Result<(), Ended> {
        if self.scenario.guests.is_empty() {
            return Ok(());
        }
        let folders = self.folders.clone();
        let login = KeyPair::generate("bridgelab", &folders.run.join("login_key"))
            .map_err(|e| Ended::from(LabError::Guest(e)))?;
        self.launch = Some(Arc::new(Launch {
            images,
            accelerator: self.job.accelerator,
            emulated: self.job.emulated,
            folders,
            starts: self.job.starts.clone(),
            vmms: self.vmms.clone(),
            login,
            drawn: Drawn::default(),
            sealed: Sealed::default(),
        }));
        let now = |(_, guest): &(&MachineName, &GuestPlan)| guest.start == GuestStart::Boot;
        let names: Vec<MachineName> = self
            .scenario
            .guests
            .iter()
            .filter(now)
            .map(|(name, _)| name.clone())
            .collect();
        self.start_guests(&names).await
    }

    /// A VMM that opens its TAP by name opens `/dev/net/tun` itself, and is not root.
    pub(super) fn open_tun(&self) -> Result<(), Problem> {
        if !opens_tun(self.scenario, self.job.guests) {
            return Ok(());
        }
        open_to_everyone(&self.folders.run).map_err(|error| Problem {
            code: format!("host.{}", Capability::Tap.name()),
            chain: vec![
                "let the VMM's user open /dev/net/tun".to_owned(),
                error.to_string(),
            ],
            help: Some("open the device to everyone: `chmod 0666 /dev/net/tun` as root".to_owned()),
        })
    }

    /// Starts one guest on TAPs that are made anew, as microvm.nix's `tap-up` makes them at each start, and waits until
    /// it answers or its VMM has refused. One that runs already stays as it is.
    ///
    /// # Errors
    /// [`Ended`] as of the boot stage.
    pub(super) async fn start_guest(&mut self, name: &MachineName) -> Result<(), Ended> {
        if self.guests.contains_key(name) {
            return Ok(());
        }
        let steps = TopologyPlan::guest_steps(self.scenario, name);
        let made = self.lab.renew_taps(name.as_ref(), &steps, &self.folders);
        made.await?;
        self.surround();
        self.start_guests(std::slice::from_ref(name)).await
    }

    /// Stops a guest that runs: asked to shut itself down if `by` leaves it time for that, by pulling its plug otherwise.
    /// Its TAPs go with it, as by microvm.nix's `tap-down`.
    ///
    /// # Errors
    /// [`Ended::Broken`] when somebody still looks from it, or a TAP cannot be deleted.
    pub(super) async fn stop_guest(
        &mut self,
        name: &MachineName,
        by: Option<Deadline>,
    ) -> Result<(), Ended> {
        self.watch.end(name);
        self.context.vmms.remove(name.as_ref());
        let containers = &mut self.context.containers;
        containers.retain(|(guest, _), _| guest != name.as_ref());
        let Some(guest) = self.guests.remove(name) else {
            return Ok(());
        };
        if let Some(by) = by
            && !guest.shut_down(by).await
        {
            (self.tell)(Event::Progress {
                text: format!("{name} did not shut down in time; its plug is pulled"),
            });
        }
        let Some(guest) = Arc::into_inner(guest) else {
            let text = format!("stop guest `{name}`: something still looks from it");
            return Err(Ended::Broken(Diagnostic::plain("lab.guest-held", text)));
        };
        guest.stop(GRACE).await;
        let taps = TopologyPlan::guest_steps(self.scenario, name);
        self.lab.delete_taps(name.as_ref(), &taps).await?;
        Ok(())
    }

    /// Stops a guest and starts it again: the same identity on a fresh disk, on new TAPs.
    ///
    /// # Errors
    /// As [`Run::stop_guest`] and [`Run::start_guest`].
    #[expect(dead_code, reason = "it is for the steps of a scenario")]
    pub(super) async fn restart_guest(
        &mut self,
        name: &MachineName,
        by: Option<Deadline>,
    ) -> Result<(), Ended> {
        self.stop_guest(name, by).await?;
        self.start_guest(name).await
    }

    async fn start_guests(&mut self, names: &[MachineName]) -> Result<(), Ended> {
        let Some(launch) = self.launch.clone() else {
            return Ok(());
        };
        let mut booting = Vec::new();
        for name in names {
            let (plan, known) = (&self.scenario.guests[name], self.identities.get(name));
            let one = start(name, plan, &mut self.lab, &launch, known.cloned()).await?;
            self.identities.insert(name.clone(), one.identity.clone());
            booting.push((name, one));
        }
        // All at once: they boot at once, and the first that cannot is told at once.
        let mut began = Vec::new();
        {
            let (this, launch) = (&*self, &*launch);
            let mut waiting: FuturesUnordered<_> = booting
                .into_iter()
                .map(|(name, one)| async move {
                    let ended = this.wait_for(name, one, launch).await;
                    ended.map(|ended| (name, ended))
                })
                .collect();
            while let Some(one) = waiting.next().await {
                began.push(one?);
            }
        }
        for (name, one) in began {
            match one {
                Began::Up(up) => self.introduce(name, *up),
                Began::Refused(known, vmm) => {
                    self.context.vmms.insert(name.to_string(), vmm);
                    self.commands.push(known.command.clone());
                    self.list(known.report(name));
                }
            }
        }
        Ok(())
    }

    /// Takes up a guest that answers.
    fn introduce(&mut self, name: &MachineName, up: Up) {
        for (what, begun, took) in up.guest.steps() {
            self.waited("boot", format!("{name}: {what}"), *begun, *took);
        }
        self.commands.push(up.known.command.clone());
        let set = up.set.iter().map(|line| format!("{name} {line}"));
        self.lab.note_sysctls(set);
        let key = up.known.host_key.clone();
        self.context.host_keys.insert(name.to_string(), key);
        self.list(up.known.report(name));
        // A check that asks for its VMM tells of its end itself.
        let asked = |check: &Check| matches!(&check.kind, CheckKind::Vmm(check_kind::Vmm { guest, .. }) if guest == name);
        if !self.scenario.checks.iter().any(asked) {
            self.watch.begin(name, &up.guest);
        }
        let guest = Arc::new(up.guest);
        let vmm = VmmStart::Started(Arc::downgrade(&guest));
        self.context.vmms.insert(name.to_string(), vmm);
        self.guests.insert(name.clone(), guest);
    }

    /// The report has one line for each guest: that of its last start.
    fn list(&mut self, report: GuestReport) {
        self.report.guests.retain(|known| known.name != report.name);
        self.report.guests.push(report);
        self.report.guests.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// Waits for a guest; one whose template fails it is started again, cold, on the same TAPs.
    async fn wait_for(
        &self,
        name: &MachineName,
        one: Started,
        launch: &Launch,
    ) -> Result<Began, Ended> {
        let by = |limit| Deadline::after(self.job.patience(limit));
        let limit = match one.from {
            StartFrom::Template { .. } => TAKEOVER,
            StartFrom::Cold { .. } => BOOT,
        };
        let known = Known::of(&one);
        let started = one.booting.wait(by(limit)).await;
        let started = started.map_err(|(error, _)| error);
        let error = match started.and_then(|guest| is_itself(guest, &launch.drawn)) {
            Ok(guest) => return self.prove_sysctls(name, guest, known).await,
            // A kernel that boots writes more than a template's guest does.
            Err(error @ GuestError::NoRoom { .. }) => {
                return Err(Ended::from(LabError::Guest(error)));
            }
            Err(error) => error,
        };
        let StartFrom::Template { .. } = &one.from else {
            return self.refused(name, known, error);
        };
        let why = format!("its template failed: {}", Diagnostic::new(&error));
        (self.tell)(Event::Progress {
            text: format!("booting {name} cold: {why}"),
        });
        let plan = &self.scenario.guests[name];
        let again = start_again(name, plan, &self.lab, launch, one.taps, one.identity, why);
        let cold = again.await?;
        let known = Known::of(&cold);
        match cold.booting.wait(by(BOOT)).await {
            Ok(guest) => self.prove_sysctls(name, guest, known).await,
            Err((error, _)) => self.refused(name, known, error),
        }
    }

    /// A sysctl that could not be set would be lost without a word.
    async fn prove_sysctls(
        &self,
        name: &MachineName,
        guest: Guest,
        known: Known,
    ) -> Result<Began, Ended> {
        let mut set = Vec::new();
        if let Some(line) = sysctls::told(&self.scenario.guests[name]) {
            let by = Deadline::after(self.job.patience(BOOT));
            let output = guest.exec_long(GuestCommand::shell(line), by).await;
            let output = output.map_err(|e| Ended::from(LabError::Guest(e)))?;
            let told = match output.success() {
                true => sysctls::set(&output.stdout),
                false => Err(output.stderr.trim().to_owned()),
            };
            set = told.map_err(|said| {
                Ended::from(LabError::Guest(GuestError::Sysctl {
                    guest: name.to_string(),
                    said,
                }))
            })?;
        }
        Ok(Began::Up(Box::new(Up { guest, known, set })))
    }

    /// A VMM that refuses to start ends the run, unless a check asks for how it starts: then that check tells.
    fn refused(&self, name: &MachineName, known: Known, error: GuestError) -> Result<Began, Ended> {
        let asked = |check: &Check| matches!(&check.kind, CheckKind::Vmm(check_kind::Vmm { guest, .. }) if guest == name);
        match error {
            GuestError::Vmm {
                source: ServiceError::Ended { status, tail, .. },
                ..
            } if self.scenario.checks.iter().any(asked) => {
                (self.tell)(Event::Progress {
                    text: format!("the VMM of {name} ended with {status}: {tail}"),
                });
                let said = tail;
                Ok(Began::Refused(
                    Box::new(known),
                    VmmStart::Refused { status, said },
                ))
            }
            other => Err(Ended::from(LabError::Guest(other))),
        }
    }

    /// Why nothing can be looked at from a guest whose VMM refused to start; `None` for any other vantage point.
    pub(super) fn refused_vantage(&self, from: &VantagePoint) -> Option<String> {
        let (VantagePoint::Guest(name) | VantagePoint::Container(name, _)) = from else {
            return None;
        };
        match self.context.vmms.get(name.as_ref())? {
            VmmStart::Started(_) => None,
            VmmStart::Refused { status, .. } => {
                Some(format!("the VMM of {name} refused to start ({status})"))
            }
        }
    }
}

/// The guest, unless it drew the random number that another one drew: then both still have their template's generator.
fn is_itself(guest: Guest, drawn: &Drawn) -> Result<Guest, GuestError> {
    match guest.drawn() {
        Some(number) if !drawn.is_new(number) => Err(GuestError::Personalization {
            guest: guest.name().to_owned(),
            why: format!("it drew the same random number as another guest: {number}"),
        }),
        _ => Ok(guest),
    }
}

/// What a start was, for the report.
struct Known {
    command: String,
    host_key: String,
    machine: (String, String),
    from: StartFrom,
}

impl Known {
    fn of(one: &Started) -> Self {
        Self {
            command: one.command.clone(),
            host_key: one.identity.host_key.public_blob().to_owned(),
            machine: (one.machine.0.clone(), one.machine.1.to_owned()),
            from: one.from.clone(),
        }
    }

    fn report(self, name: &MachineName) -> GuestReport {
        let (start, start_reason) = match self.from {
            StartFrom::Cold { reason } => ("cold", reason),
            StartFrom::Template { folder, .. } => ("template", folder.display().to_string()),
        };
        GuestReport {
            name: name.to_string(),
            machine: self.machine.0,
            reason: self.machine.1,
            start: start.to_owned(),
            start_reason,
            memory: None,
            nics: Vec::new(),
        }
    }
}
