//! Guests that are MicroVMs: all of them boot at the same time, on TAPs that are made anew for each start.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{LocalBoxFuture, join_all};
use futures_util::stream::FuturesUnordered;

use super::waiting::{Began, Up, Wait};
use super::{Around, Before, Change, GuestRuntime, Plugged, nic_place};
use crate::check::{Vantage, VmmStart};
use crate::deadline::Deadline;
use crate::diagnostic::Diagnostic;
use crate::guest::Guest;
use crate::guest::identity::{Identity, KeyPair};
use crate::host::capability::Capability;
use crate::host::tap::open_to_everyone;
use crate::hypervisor::{Monitor, Nic, nics};
use crate::lab::assignment::Assignment;
use crate::lab::boot::{
    Drawn, GuestImage, GuestImages, Launch, Sealed, bind_template, bind_vmm, in_one_thread, start,
};
use crate::lab::daemon_times::GRACE;
use crate::lab::ended::Ended;
use crate::lab::error::LabError;
use crate::lab::job::StartFrom;
use crate::lab::no_vantage::NoVantage;
use crate::lab::record::Record;
use crate::lab::steps::NotDone;
use crate::lab::topology::Lab;
use crate::plan::TopologyPlan;
use crate::report::Problem;
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::{
    Check, Guest as GuestPlan, GuestStart, HypervisorKind, NicOptions, Scenario, TapOpen,
};

/// How long a check that must fail is looked at, to see whether it holds after all.
const MUST_FAIL_WINDOW: Duration = Duration::from_secs(12);

/// The MicroVMs of a run.
#[derive(Debug, Default)]
pub(super) struct MicroVms {
    /// Images by name, one for each that the scenario uses; empty once guests start.
    images: GuestImages,
    /// Paths, as the VMMs' user sees them, of VMMs that are not taken from `PATH`.
    vmms: BTreeMap<HypervisorKind, PathBuf>,
    /// What all guests have in common when they start; `None` before the first does.
    launch: Option<Arc<Launch>>,
    running: BTreeMap<MachineName, Arc<Guest>>,
    /// Identities of all guests that were ever started.
    identities: BTreeMap<MachineName, Identity>,
}

impl GuestRuntime for MicroVms {
    fn boots(&self) -> bool {
        true
    }

    fn machines<'s>(&self, _: &'s Scenario) -> Vec<&'s MachineName> {
        Vec::new()
    }

    /// A VMM that opens a TAP by its name opens `/dev/net/tun` itself.
    fn opens_tun(&self, scenario: &Scenario) -> bool {
        let named = |guest: &GuestPlan| {
            let mut nics = guest.interfaces.iter();
            nics.any(|nic| nic.nic.open == TapOpen::Name)
        };
        scenario.guests.values().any(named)
    }

    /// Does nothing: each guest is listed when it starts.
    fn introduce(&self, _: &mut Record<'_>) -> Result<(), Problem> {
        Ok(())
    }

    fn prepare(&mut self, asked: Assignment<'_>) -> Result<(), Ended> {
        if self.opens_tun(asked.scenario) {
            open_tun(&asked.folders.run).map_err(Ended::Skipped)?;
        }
        self.images = mount_images(asked)?;
        for (kind, program) in &asked.job.vmms {
            let bound = bind_vmm(*kind, program, &asked.folders.run);
            let bound = bound.map_err(|source| LabError::Io {
                doing: format!("bind the VMM `{}`", program.display()),
                machine: "worker".to_owned(),
                source,
            });
            self.vmms.insert(*kind, bound?);
        }
        Ok(())
    }

    fn boot<'r>(&'r mut self, mut around: Around<'r, '_>) -> LocalBoxFuture<'r, Result<(), Ended>> {
        Box::pin(async move {
            let begun = around.record.stage("boot", "booting the guests");
            around.survey();
            self.boot_all(&mut around).await?;
            around.record.done("boot", begun);
            Ok(())
        })
    }

    fn settled(&self, _: &Lab, _: Assignment<'_>, _: &mut Record<'_>) {}

    fn start<'r>(&'r mut self, guest: &'r MachineName, mut around: Around<'r, '_>) -> Change<'r> {
        Box::pin(async move {
            let started = self.start_anew(guest, &mut around).await;
            Ok(started?)
        })
    }

    fn stop<'r>(
        &'r mut self,
        guest: &'r MachineName,
        by: Deadline,
        mut around: Around<'r, '_>,
    ) -> Change<'r> {
        Box::pin(async move {
            let stopped = self.stop_one(guest, by, &mut around).await;
            Ok(stopped?)
        })
    }

    fn plug<'r>(&'r self, nic: Plugged<'r>, by: Deadline, around: Around<'r, '_>) -> Change<'r> {
        Box::pin(async move {
            let Plugged {
                guest,
                interface,
                mac,
                place,
            } = nic;
            let Around { asked, lab, .. } = around;
            let mut monitor = self.monitor(guest, by).await?;
            for step in TopologyPlan::nic_steps(asked.scenario, guest, interface, mac) {
                lab.carry_out(&step, asked.folders).await?;
            }
            let tap = lab.take_taps(guest.as_ref()).pop();
            let tap =
                tap.ok_or_else(|| NotDone::Refused(format!("{interface} has no descriptor")))?;
            let plan = &asked.scenario.guests[guest];
            let nic = nics(plan, &asked.folders.run).into_iter().nth(place);
            let nic = nic.unwrap_or(Nic {
                mac,
                tap: interface.clone(),
                node: None,
                fds: 0..0,
                options: NicOptions::default(),
            });
            // The VMM has duplicates of these descriptors by then. The lab's own are closed, so that the TAP ends with the
            // VMM's.
            let queues = tap.into_queues();
            monitor.plug(place, &nic, &queues, by).await?;
            Ok(())
        })
    }

    fn unplug<'r>(
        &'r self,
        guest: &'r MachineName,
        interface: &'r IfName,
        by: Deadline,
        around: Around<'r, '_>,
    ) -> Change<'r> {
        Box::pin(async move {
            let Around { asked, lab, .. } = around;
            let mut monitor = self.monitor(guest, by).await?;
            let place = nic_place(asked.scenario, lab, guest, interface);
            monitor.unplug(place, by).await?;
            let machine = &asked.scenario.guests[guest].on;
            lab.delete_link(machine.as_ref(), interface.as_str())
                .await?;
            Ok(())
        })
    }

    fn vantage(&self, guest: &MachineName, _: &Lab) -> Result<Vantage, NoVantage> {
        let vm = self.running.get(guest).cloned();
        vm.map(Vantage::Guest).ok_or_else(|| NoVantage::NotRunning {
            guest: guest.clone(),
        })
    }

    /// Holds looks back only in a scenario without guests: the lab does not see the addresses of MicroVMs.
    fn before_look(
        &self,
        check: &Check,
        by: Deadline,
        scenario: &Scenario,
        lab: &Lab,
    ) -> Option<Before> {
        match scenario.guests.is_empty() {
            true => super::ghost::before_look(check, by, scenario, lab),
            false => None,
        }
    }

    fn cannot_show(&self, _: &Scenario, _: &Check) -> Option<String> {
        None
    }

    fn must_fail_window(&self) -> Duration {
        MUST_FAIL_WINDOW
    }

    fn vms(&self) -> Vec<(&MachineName, &Arc<Guest>)> {
        self.running.iter().collect()
    }

    fn programs(&self, scenario: &Scenario) -> Vec<(String, String)> {
        let guests = scenario.guests.values();
        let kinds: BTreeSet<HypervisorKind> = guests.map(|guest| guest.hypervisor).collect();
        let one = |kind: HypervisorKind| {
            let path = self.vmms.get(&kind);
            let program = path.map_or(kind.program.to_owned(), |path| path.display().to_string());
            let what = match kind == HypervisorKind::default() {
                true => "vmm".to_owned(),
                false => format!("vmm.{kind}"),
            };
            (what, format!("{program} {} 2>&1 | head -n 1", kind.version))
        };
        kinds.into_iter().map(one).collect()
    }

    fn end(&mut self) -> LocalBoxFuture<'_, Vec<String>> {
        let guests = std::mem::take(&mut self.running).into_values();
        let held = join_all(guests.map(async |guest| match Arc::into_inner(guest) {
            Some(guest) => {
                guest.stop(GRACE).await;
                None
            }
            None => Some("a guest that something still holds".to_owned()),
        }));
        Box::pin(async move { held.await.into_iter().flatten().collect() })
    }
}

impl MicroVms {
    async fn boot_all(&mut self, around: &mut Around<'_, '_>) -> Result<(), Ended> {
        let asked = around.asked;
        if asked.scenario.guests.is_empty() {
            return Ok(());
        }
        let login = KeyPair::generate("bridgelab", &asked.folders.run.join("login_key"))?;
        self.launch = Some(Arc::new(Launch {
            images: std::mem::take(&mut self.images),
            accelerator: asked.job.accelerator,
            one_thread: in_one_thread(asked.scenario, asked.job.accelerator),
            emulated: asked.job.emulated,
            folders: asked.folders.clone(),
            starts: asked.job.starts.clone(),
            vmms: self.vmms.clone(),
            login,
            drawn: Drawn::default(),
            sealed: Sealed::default(),
        }));
        let now = |(_, guest): &(&MachineName, &GuestPlan)| guest.start == GuestStart::Boot;
        let guests = asked.scenario.guests.iter();
        let names: Vec<MachineName> = guests.filter(now).map(|(name, _)| name.clone()).collect();
        self.start_all(&names, around).await
    }

    /// Starts a guest on new TAPs, as microvm.nix's `tap-up` makes them at each start.
    async fn start_anew(
        &mut self,
        name: &MachineName,
        around: &mut Around<'_, '_>,
    ) -> Result<(), Ended> {
        if self.running.contains_key(name) {
            return Ok(());
        }
        let asked = around.asked;
        let steps = TopologyPlan::guest_steps(asked.scenario, name);
        let made = around.lab.renew_taps(name.as_ref(), &steps, asked.folders);
        made.await?;
        around.survey();
        self.start_all(std::slice::from_ref(name), around).await
    }

    /// Stops a guest and deletes its TAPs, as microvm.nix's `tap-down` does.
    async fn stop_one(
        &mut self,
        name: &MachineName,
        by: Deadline,
        around: &mut Around<'_, '_>,
    ) -> Result<(), Ended> {
        around.watch.end(name);
        let context = &mut around.observer.context;
        context.vmms.remove(name.as_ref());
        let containers = &mut context.containers;
        containers.retain(|(guest, _), _| guest != name.as_ref());
        let Some(guest) = self.running.remove(name) else {
            return Ok(());
        };
        let asked = around.asked;
        if !guest.shut_down(by).await {
            asked.progress(format!(
                "{name} did not shut down in time; its plug is pulled"
            ));
        }
        let Some(guest) = Arc::into_inner(guest) else {
            let text = format!("stop guest `{name}`: something still looks from it");
            return Err(Ended::Broken(Diagnostic::plain("lab.guest-held", text)));
        };
        guest.stop(GRACE).await;
        let taps = TopologyPlan::guest_steps(asked.scenario, name);
        around.lab.delete_taps(name.as_ref(), &taps).await?;
        Ok(())
    }

    async fn start_all(
        &mut self,
        names: &[MachineName],
        around: &mut Around<'_, '_>,
    ) -> Result<(), Ended> {
        let Some(launch) = self.launch.clone() else {
            return Ok(());
        };
        let asked = around.asked;
        let mut booting = Vec::new();
        for name in names {
            let (plan, known) = (&asked.scenario.guests[name], self.identities.get(name));
            let one = start(name, plan, around.lab, &launch, known.cloned()).await?;
            self.identities.insert(name.clone(), one.identity.clone());
            booting.push((name, one));
        }
        // Wait for all at the same time: they boot at the same time, and the first failure must be reported at once.
        let mut began = Vec::new();
        {
            let wait = Wait {
                asked,
                lab: around.lab,
                launch: &launch,
            };
            let wait = &wait;
            let mut waiting: FuturesUnordered<_> = booting
                .into_iter()
                .map(|(name, one)| async move {
                    let ended = wait.for_guest(name, one).await;
                    ended.map(|ended| (name, ended))
                })
                .collect();
            while let Some(one) = waiting.next().await {
                began.push(one?);
            }
        }
        for (name, one) in began {
            match one {
                Began::Up(up) => self.take_up(name, *up, around),
                Began::Refused(known, vmm) => {
                    let vmms = &mut around.observer.context.vmms;
                    vmms.insert(name.to_string(), vmm);
                    around.record.commands.push(known.command.clone());
                    around.record.list(known.report(name));
                }
            }
        }
        Ok(())
    }

    /// Notes a guest that answers: for the report, for checks, and to be watched.
    fn take_up(&mut self, name: &MachineName, up: Up, around: &mut Around<'_, '_>) {
        let record = &mut *around.record;
        for (what, begun, took) in up.guest.steps() {
            record.waited("boot", format!("{name}: {what}"), *begun, *took);
        }
        record.commands.push(up.known.command.clone());
        let set = up.set.iter().map(|line| format!("{name} {line}"));
        around.lab.note_sysctls(set);
        let key = up.known.host_key.clone();
        let context = &mut around.observer.context;
        context.host_keys.insert(name.to_string(), key);
        record.list(up.known.report(name));
        // A guest is not watched where a check asks for its VMM: that check tells of the VMM's end.
        if !super::waiting::is_asked(around.asked.scenario, name) {
            around.watch.begin(name, &up.guest);
        }
        let guest = Arc::new(up.guest);
        let vmm = VmmStart::Started(Arc::downgrade(&guest));
        context.vmms.insert(name.to_string(), vmm);
        self.running.insert(name.clone(), guest);
    }

    /// The monitor of a guest's VMM.
    async fn monitor(
        &self,
        guest: &MachineName,
        by: Deadline,
    ) -> Result<Box<dyn Monitor>, NotDone> {
        let absent = || NotDone::Refused(format!("guest `{guest}` is not running"));
        let vm = self.running.get(guest).ok_or_else(absent)?;
        Ok(vm.monitor(by).await?)
    }
}

/// Opens `/dev/net/tun` to everyone, for VMMs that open their TAPs by name: they do not run as root.
fn open_tun(run: &Path) -> Result<(), Problem> {
    open_to_everyone(run).map_err(|error| Problem {
        code: format!("host.{}", Capability::Tap.name()),
        chain: vec![
            "let the VMM's user open /dev/net/tun".to_owned(),
            error.to_string(),
        ],
        help: Some("open the device to everyone: `chmod 0666 /dev/net/tun` as root".to_owned()),
    })
}

fn mount_images(asked: Assignment<'_>) -> Result<GuestImages, Ended> {
    let (job, run) = (asked.job, &asked.folders.run);
    let mut mounted = GuestImages::new();
    let bound = |folder: &Path| {
        let doing = format!("bind the image `{}`", folder.display());
        move |source| LabError::Io {
            doing,
            machine: "worker".to_owned(),
            source,
        }
    };
    for (name, image) in &job.images {
        let one = GuestImage::mount(name, &image.folder, run);
        mounted.insert(name.clone(), one.map_err(bound(&image.folder))?);
    }
    for (name, guest) in &asked.scenario.guests {
        if let (Some(StartFrom::Template { folder, .. }), Some(image)) =
            (job.starts.get(name.as_ref()), job.images.get(&guest.image))
        {
            bind_template(name, folder, &image.folder, run)?;
        }
    }
    Ok(mounted)
}
