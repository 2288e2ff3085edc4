//! Carries out a plan's steps.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::daemon_times::DAEMON_READY;
use super::error::LabError;
use super::on_machine::OnMachine;
use super::parallel::{Part, parts};
use crate::deadline::Deadline;
use crate::host::capture::Capture;
use crate::host::daemon::{Daemon, Keeper, Worker};
use crate::host::firewall;
use crate::host::netlink_events::Changes;
use crate::host::netns::{BeginNetns, MachineRoot, Netns};
use crate::host::networkd::{self, Networkd};
use crate::host::received::Received;
use crate::host::tap::Tap;
use crate::plan::{FABRIC, Operation, TopologyPlan};
use crate::scenario::names::{IfName, MachineName};
use futures_util::future::join_all;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Open files of a process with a lab of a few machines.
const USUAL_FILES: u64 = 512;
/// Open files of a machine with one cable: its runtime's, two netlink sockets, its namespace, and a capture's.
const FILES_PER_MACHINE: u64 = 12;

/// A built topology. Dropping it ends its daemons and machines; the kernel takes the links with them.
#[derive(Debug, Default)]
#[must_use = "the lab lives as long as this value"]
pub struct Lab {
    /// Is told when one of its daemons or workers ends.
    pub(super) keeper: Keeper,
    /// dnsmasq, by machine.
    pub(super) dnsmasq: BTreeMap<String, Daemon>,
    /// Web servers, by machine.
    pub(super) http: BTreeMap<String, Worker>,
    /// What comes in at all of them.
    pub(super) received: Arc<Received>,
    pub(super) networkd: BTreeMap<String, Networkd>,
    /// By guest, and by the place of the interface among the guest's.
    taps: BTreeMap<String, BTreeMap<usize, Tap>>,
    captures: BTreeMap<String, Capture>,
    pub(super) machines: BTreeMap<String, Arc<Netns>>,
    pub(super) changes: Changes,
    /// NICs that steps plugged in and no guest of the scenario has, by guest and name on the host side: which of the
    /// guest's NICs it is, from 0.
    pub(super) plugged: BTreeMap<(MachineName, IfName), usize>,
    sysctls: Vec<String>,
    /// Daemons that were waited for: what, from when, how long.
    waits: Vec<(String, Instant, Duration)>,
}

/// Folders that steps write into.
#[derive(Debug, Clone)]
pub struct Folders {
    /// Private tmpfs of the worker: sockets, keys, seeds.
    pub run: PathBuf,
    /// Evidence of this run.
    pub evidence: PathBuf,
}

impl Lab {
    /// Builds everything in the plan up to, and not including, the guests. `keeper` is told when a daemon ends.
    ///
    /// # Errors
    /// [`LabError`] of the first step that fails; what was built is dropped with the returned value's parts.
    pub async fn build(
        plan: &TopologyPlan,
        folders: &Folders,
        keeper: &Keeper,
    ) -> Result<Self, LabError> {
        let mut lab = Self::default();
        lab.keeper = keeper.clone();
        lab.make_machines(plan)?;
        lab.follow_machines().await?;
        for part in parts(plan.steps()) {
            let step = match part {
                Part::Group(group) => {
                    lab.carry_out_group(group, folders).await?;
                    continue;
                }
                Part::One(step) => step,
            };
            tracing::debug!(%step, "carry out");
            let begun = Instant::now();
            lab.carry_out(step, folders).await?;
            let daemon = match step {
                Operation::Dnsmasq { machine, .. } => format!("dnsmasq on {machine} is ready"),
                Operation::Networkd { machine, .. } => format!("networkd on {machine} is ready"),
                _ => continue,
            };
            lab.waits.push((daemon, begun, begun.elapsed()));
        }
        Ok(lab)
    }

    /// What was waited for while it was built: what, from when, and for how long.
    pub(super) fn take_waits(&mut self) -> Vec<(String, Instant, Duration)> {
        std::mem::take(&mut self.waits)
    }

    /// A machine by name.
    ///
    /// # Errors
    /// [`LabError::NoMachine`].
    pub fn machine(&self, name: &str) -> Result<&Arc<Netns>, LabError> {
        self.machines.get(name).ok_or_else(|| LabError::NoMachine {
            machine: name.to_owned(),
        })
    }

    /// All machines.
    pub fn machines(&self) -> impl Iterator<Item = &Arc<Netns>> {
        self.machines.values()
    }

    /// The capture on the wire of a machine's or guest's interface, by `OWNER-INTERFACE`.
    pub fn capture(&self, label: &str) -> Option<&Capture> {
        self.captures.get(label)
    }

    /// All captures, by `OWNER-INTERFACE`.
    pub fn captures(&self) -> impl Iterator<Item = (&String, &Capture)> {
        self.captures.iter()
    }

    /// Takes a guest's TAPs, in the order of its interfaces, to hand them to its VMM.
    pub fn take_taps(&mut self, guest: &str) -> Vec<Tap> {
        let taps = self.taps.remove(guest).unwrap_or_default();
        taps.into_values().collect()
    }

    /// Deletes a guest's TAPs, as microvm.nix's `tap-down` does. `steps` are those that made them.
    pub(super) async fn delete_taps(
        &mut self,
        guest: &str,
        steps: &[Operation],
    ) -> Result<(), LabError> {
        self.taps.remove(guest);
        for step in steps {
            if let Operation::Link(link) = step {
                self.delete_link(link.machine(), link.name()).await?;
            }
        }
        Ok(())
    }

    /// `ip link delete LINK`, if it is there.
    pub(super) async fn delete_link(&self, machine: &str, link: &str) -> Result<(), LabError> {
        let netlink = self.machine(machine)?.netlink();
        Ok(netlink.delete_if_there(link).await?)
    }

    /// Makes a guest's TAPs anew, as microvm.nix's `tap-up` does before each start: what was there is deleted, and
    /// networkd has to put the new ones on their bridge.
    pub(super) async fn renew_taps(
        &mut self,
        guest: &str,
        steps: &[Operation],
        folders: &Folders,
    ) -> Result<(), LabError> {
        self.delete_taps(guest, steps).await?;
        for step in steps {
            self.carry_out(step, folders).await?;
        }
        Ok(())
    }

    /// What changes on the machines; switches are left out.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Before the first address, so that none is missed.
    async fn follow_machines(&self) -> Result<(), LabError> {
        let machines = self.machines.iter().filter(|(name, _)| *name != FABRIC);
        let all = machines.map(async |(_, machine)| self.follow(machine).await);
        join_all(all).await.into_iter().collect()
    }

    pub(super) async fn follow(&self, machine: &Netns) -> Result<(), LabError> {
        let followed = self.changes.follow(machine, &self.keeper).await?;
        followed.map_err(|source| LabError::Io {
            doing: "run `ip monitor`".to_owned(),
            machine: machine.name().to_owned(),
            source,
        })
    }

    /// Whether systemd-networkd runs on a machine.
    pub fn has_networkd(&self, machine: &str) -> bool {
        self.networkd.contains_key(machine)
    }

    /// Whether it does, and no step has stopped it.
    pub fn runs_networkd(&self, machine: &str) -> bool {
        self.networkd.get(machine).is_some_and(Networkd::runs)
    }

    /// Sysctls as they were found after setting them, one `machine key = value` each.
    pub fn sysctls(&self) -> &[String] {
        &self.sysctls
    }

    /// Adds those that a guest was given.
    pub(super) fn note_sysctls(&mut self, set: impl IntoIterator<Item = String>) {
        self.sysctls.extend(set);
    }

    /// Ends daemons in good order. Machines and links go when the value is dropped.
    pub async fn stop_services(&mut self, grace: Duration) {
        // All at once: none needs another to end well.
        let daemons = std::mem::take(&mut self.dnsmasq).into_values();
        let daemons = daemons.map(async |daemon| {
            if let Err(error) = daemon.stop(grace).await {
                tracing::warn!(%error, "a daemon could not be reaped");
            }
        });
        let networkd = std::mem::take(&mut self.networkd).into_iter();
        let networkd = networkd.map(async |(machine, networkd)| {
            if let Err(error) = networkd.stop(grace).await {
                tracing::warn!(%error, machine, "networkd could not be reaped");
            }
        });
        tokio::join!(join_all(daemons), join_all(networkd));
    }

    /// Namespaces take about a millisecond each, so all are asked for before the first is waited for.
    fn make_machines(&mut self, plan: &TopologyPlan) -> Result<(), LabError> {
        let machine = |step: &&Operation| matches!(step, Operation::Machine { .. });
        allow_open_files(plan.steps().iter().filter(machine).count() as u64 * FILES_PER_MACHINE);
        let begun: Vec<BeginNetns> = plan
            .steps()
            .iter()
            .filter_map(|step| match step {
                Operation::Machine {
                    name,
                    private_run,
                    machine_id,
                } => Some(begin_machine(name, *private_run, machine_id.clone())),
                _ => None,
            })
            .collect();
        for machine in begun {
            let machine = machine.finish()?;
            self.machines
                .insert(machine.name().to_owned(), Arc::new(machine));
        }
        Ok(())
    }

    pub(super) async fn carry_out(
        &mut self,
        step: &Operation,
        folders: &Folders,
    ) -> Result<(), LabError> {
        match step {
            // Machines exist already; guests are booted by `boot`.
            Operation::Machine { .. } | Operation::Guest { .. } => {}
            // With nothing beside it.
            Operation::Link(link) if link.alone() => {
                let group = BTreeMap::from([(link.machine(), vec![step])]);
                self.carry_out_group(group, folders).await?;
            }
            Operation::Link(_)
            | Operation::Sysctl { .. }
            | Operation::Mtu { .. }
            | Operation::BridgePort { .. }
            | Operation::Vlan { .. }
            | Operation::Capture { .. }
            | Operation::Master { .. }
            | Operation::Address { .. }
            | Operation::Allmulticast { .. }
            | Operation::Up { .. }
            | Operation::Route { .. } => {
                for part in parts(std::slice::from_ref(step)) {
                    if let Part::Group(group) = part {
                        self.carry_out_group(group, folders).await?;
                    }
                }
            }
            Operation::Ruleset { machine, ruleset } => {
                let folder = machine_folder(&folders.evidence, machine);
                let (name, ruleset) = (machine.clone(), ruleset.clone());
                let loaded = self
                    .machine(machine)?
                    .run(async move { firewall::load(&name, &ruleset, &folder).await });
                loaded.await??;
            }
            Operation::Http { machine, config } => self.start_http(machine, config).await?,
            Operation::DnsFaults { machine, responses } => {
                self.start_dns_faults(machine, responses).await?;
            }
            Operation::Dnsmasq { machine, config } => {
                self.start_dnsmasq(machine, config, folders).await?;
            }
            Operation::Networkd {
                machine,
                units,
                udev,
            } => {
                let (units, udev) = (units.clone(), *udev);
                let run = folders.run.join(machine);
                let logs = machine_folder(&folders.evidence, machine);
                std::fs::create_dir_all(&run).map_err(|source| LabError::Io {
                    doing: format!("create `{}`", run.display()),
                    machine: machine.clone(),
                    source,
                })?;
                let by = Deadline::after(DAEMON_READY);
                let started =
                    Networkd::start(self.keeper.on(machine), units, udev, (run, logs), by);
                let started = self.machine(machine)?.run(started);
                let networkd = started.await??;
                self.networkd.insert(machine.clone(), networkd);
            }
        }
        Ok(())
    }

    /// Where a link's capture goes. A link that is made anew is another link, and the frames of the first are evidence,
    /// too.
    fn capture_file(&mut self, file: &str, folders: &Folders) -> PathBuf {
        let before = |label: &&String| label.split('#').next() == Some(file);
        let part = self.captures.keys().filter(before).count() + 1;
        if let Some(earlier) = self.captures.remove(file) {
            let label = format!("{file}#{}", part - 1);
            self.captures.insert(label, earlier);
        }
        folders.evidence.join("captures").join(match part {
            1 => format!("{file}.pcapng"),
            part => format!("{file}-{part}.pcapng"),
        })
    }

    /// All machines of a group at once, each on its own thread.
    async fn carry_out_group(
        &mut self,
        group: BTreeMap<&str, Vec<&Operation>>,
        folders: &Folders,
    ) -> Result<(), LabError> {
        let mut files = BTreeMap::new();
        for step in group.values().flatten() {
            if let Operation::Capture { file, .. } = step {
                files.insert(file.clone(), self.capture_file(file, folders));
            }
        }
        let files = Arc::new(files);
        let mut begun = Vec::new();
        for (machine, steps) in group {
            let peers = steps.iter().filter_map(|step| match step {
                Operation::Link(link) => link.peer().map(str::to_owned),
                _ => None,
            });
            let mut namespaces = BTreeMap::new();
            for peer in peers {
                let namespace = self.machine(&peer)?.namespace();
                namespaces.insert(peer, namespace);
            }
            let machine = self.machine(machine)?;
            let there = OnMachine {
                machine: machine.name().to_owned(),
                netlink: machine.netlink().clone(),
                keeper: self.keeper.on(machine.name()),
                networkd: self.has_networkd(machine.name()),
                run: folders.run.clone(),
                namespaces,
                captures: Arc::clone(&files),
            };
            let steps: Vec<Operation> = steps.into_iter().cloned().collect();
            begun.push(machine.run(async move { there.carry_out(&steps).await }));
        }
        for done in join_all(begun).await {
            let done = done??;
            self.sysctls.extend(done.sysctls);
            self.captures.extend(done.captures);
            for (guest, index, tap) in done.taps {
                self.taps.entry(guest).or_default().insert(index, tap);
            }
        }
        Ok(())
    }
}

pub(super) fn begin_machine(
    name: &str,
    private_run: bool,
    machine_id: Option<String>,
) -> BeginNetns {
    let private = if private_run {
        &networkd::PRIVATE[..]
    } else {
        &[]
    };
    let tmpfs = private.iter().map(PathBuf::from).collect();
    Netns::begin(name, MachineRoot { tmpfs, machine_id })
}

impl Drop for Lab {
    fn drop(&mut self) {
        // What runs on machines before the machines; and of those, none waits for another.
        self.dnsmasq.clear();
        self.networkd.clear();
        self.taps.clear();
        for machine in self.machines.values_mut() {
            if let Some(machine) = Arc::get_mut(machine) {
                machine.begin_to_end();
            }
        }
        self.machines.clear();
        Capture::end_all(std::mem::take(&mut self.captures).into_values());
    }
}

/// Raises the soft limit of open files, often 1024, for large labs, as far as the hard one allows: `ulimit -n`.
fn allow_open_files(more: u64) {
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        let wanted = soft.max(USUAL_FILES + more).min(hard);
        if wanted > soft {
            setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)
        } else {
            Ok(())
        }
    });
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

/// Folder of a machine's evidence.
pub(super) fn machine_folder(evidence: &Path, machine: &str) -> PathBuf {
    evidence.join("machines").join(machine)
}
