//! What a VMM is told of a guest.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::nic::{Nic, nics};
use super::steering::{STEER_VSOCK_PORT, Steering};
use crate::plan::Accelerator;
use crate::scenario::provides::Provides;
use crate::scenario::{Guest, HypervisorKind, MachineType, Transport};

/// What a guest starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Its kernel boots.
    Cold,
    /// Its kernel boots, with memory and disk in files of this folder: the making of a template.
    Recording(PathBuf),
    /// A saved, settled system: its files are in this folder, and are used copy-on-write.
    Template {
        /// The template's folder.
        folder: PathBuf,
        /// Whether this QEMU can map a read-only file copy-on-write (`memory-backend-file,rom=off`, since 8.2). An
        /// older QEMU opens the file for writing, so it gets a sealed copy.
        read_only_ram: bool,
    },
}

impl Start {
    /// The template's folder, made or used.
    pub fn folder(&self) -> Option<&PathBuf> {
        match self {
            Self::Cold => None,
            Self::Recording(folder) | Self::Template { folder, .. } => Some(folder),
        }
    }
}

/// QEMU machine types that the harness boots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MachineKind {
    /// `-M microvm`: virtio-mmio, no PCI. What microvm.nix runs.
    Microvm,
    /// `-M q35`: virtio over PCI.
    Q35,
}

impl MachineKind {
    /// The machine type for what a scenario asks, and why.
    pub fn choose(asked: &Guest, accelerator: Accelerator) -> (Self, &'static str) {
        match (asked.machine_type, accelerator) {
            (MachineType::Q35, _) => (Self::Q35, "the scenario asks for it"),
            (MachineType::Microvm, _) => (Self::Microvm, "the scenario asks for it"),
            (MachineType::Auto, Accelerator::Kvm) => (Self::Microvm, "as microvm.nix runs it"),
            (MachineType::Auto, Accelerator::Tcg) => (
                Self::Microvm,
                "as microvm.nix runs it; boots reliably under tcg with tsc_early_khz",
            ),
        }
    }
}

impl std::fmt::Display for MachineKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Microvm => "microvm",
            Self::Q35 => "q35",
        })
    }
}

/// Everything that a VMM's command line says about a guest.
#[derive(Debug, Clone)]
pub struct GuestSpec {
    /// Name, for `-name` and process lists.
    pub name: String,
    /// Path of the VMM; `None`: it is on `PATH`.
    pub program: Option<PathBuf>,
    /// The guest's context id among vsocks. It must be unique only where the host's kernel carries the vsock.
    pub cid: u32,
    /// Virtual CPUs.
    pub vcpu: u8,
    /// Memory in MiB.
    pub mem: u32,
    /// VMM program.
    pub hypervisor: HypervisorKind,
    /// QEMU's machine type; the other VMMs have one machine.
    pub machine: MachineKind,
    /// Bus of its virtio devices, as the scenario asks.
    pub transport: Transport,
    /// Accelerator.
    pub accelerator: Accelerator,
    /// Whether translated vcpus take turns in one thread: QEMU before 8.1 cannot be trusted with one for each.
    pub one_thread: bool,
    /// What a guest under TCG is told of its time stamp counter, in MHz: the host's ([`crate::host::tsc_mhz`]).
    pub tsc_mhz: Option<u32>,
    /// Kernel image.
    pub kernel: PathBuf,
    /// Initial file system, with the guest's seed appended.
    pub initrd: PathBuf,
    /// Root disk, never written to; `None`: the initial file system is all there is.
    pub disk: Option<PathBuf>,
    /// What the guest's image has in it.
    pub image: &'static Provides,
    /// Directory for this guest's sockets.
    pub run: PathBuf,
    /// Its NICs, in the scenario's order.
    pub nics: Vec<Nic>,
    /// What it starts from.
    pub start: Start,
}

impl GuestSpec {
    /// The spec as far as a plan can know it: `$IMAGE` and `$RUN` stand for folders of the run.
    pub fn planned(name: &str, guest: &Guest) -> Self {
        let run = PathBuf::from("$RUN").join(name);
        let image = Provides::of(&guest.image);
        let (machine, _) = MachineKind::choose(guest, Accelerator::Kvm);
        Self {
            name: name.to_owned(),
            program: None,
            cid: 3,
            vcpu: guest.vcpu,
            mem: guest.mem,
            hypervisor: guest.hypervisor,
            machine,
            transport: guest.transport,
            accelerator: Accelerator::Kvm,
            one_thread: false,
            tsc_mhz: None,
            kernel: PathBuf::from("$IMAGE").join(image.kernel),
            initrd: run.join("initrd"),
            disk: image.disk.map(|file| PathBuf::from("$IMAGE").join(file)),
            image,
            run,
            nics: nics(guest, Path::new("$RUN")),
            start: Start::Cold,
        }
    }

    /// Whether its virtio devices are on PCI.
    pub fn on_pci(&self) -> bool {
        self.machine == MachineKind::Q35 || self.transport == Transport::Pci
    }

    /// The VMM, as its command line names it.
    pub fn program(&self) -> String {
        let named = || self.hypervisor.program.to_owned();
        let path = self.program.as_deref();
        path.map_or_else(named, |path| path.to_string_lossy().into_owned())
    }

    /// The steering channel by a vsock that the VMM maps to a unix socket. Every connection is a session of its own, so
    /// all channels have this address.
    pub(super) fn mapped_vsock(&self) -> Steering {
        Steering::Mapped {
            socket: self.vsock_socket(),
            port: STEER_VSOCK_PORT,
        }
    }

    /// The steering channel by a vsock of the host's kernel. All channels have this address here too.
    pub(super) fn host_vsock(&self) -> Steering {
        Steering::Vsock {
            cid: self.cid,
            port: STEER_VSOCK_PORT,
        }
    }

    /// The socket that a VMM maps the guest's vsock to.
    pub(super) fn vsock_socket(&self) -> PathBuf {
        self.run.join("vsock.sock")
    }

    /// The qcow2 file above the image that takes what the guest writes to its disk.
    pub(super) fn layer(&self) -> PathBuf {
        self.run.join("layer.qcow2")
    }

    /// The folder whose file system must have room for what the guest writes to its disk.
    pub fn written_to(&self) -> &Path {
        match &self.start {
            Start::Recording(folder) => folder,
            Start::Cold | Start::Template { .. } => &self.run,
        }
    }
}
