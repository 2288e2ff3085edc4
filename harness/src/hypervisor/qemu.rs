//! QEMU's command line, as microvm.nix's runner writes it where that matters to the guest's network.
//!
//! qemu-system(1), and docs/system/i386/microvm.rst of QEMU for the machine type.

mod disk_full;
mod hotplug;
mod monitor;
mod nic;
pub mod qmp;
mod snapshot;

use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;
use qmp::Qmp;
pub use snapshot::{restore, save};

use super::command::CommandLine;
use super::program::Hypervisor;
use super::{
    Accelerator, GuestSpec, MachineKind, Monitor, MonitorError, NIC_PORTS, Needs, STEER_PORTS,
    Start, Steering, kernel,
};
use crate::deadline::Deadline;
use crate::scenario::vmm::{Feature, HypervisorKind, Install, Vmm};
use crate::scenario::{MachineType, TapOpen, Transport};

/// `-sandbox`: nothing that a guest could use to leave QEMU, no new processes, no privileges.
pub const SANDBOX: &str = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

/// First descriptor number that QEMU inherits for a steering channel.
const FIRST_STEER_FD: i32 = 20;
/// Descriptor number of a template's memory, for a QEMU that opens it for writing.
const RAM_FD: i32 = 27;
/// Descriptor number of the monitor's socket.
const QMP_FD: i32 = 28;
/// Descriptor number of the socket of the second monitor, on which QEMU's events are waited for.
const EVENTS_FD: i32 = 29;

/// The system emulator for this machine's own architecture, and the packages of it: Debian's, Fedora's, Arch's.
#[cfg(target_arch = "x86_64")]
const NAMES: [&str; 4] = [
    "qemu-system-x86_64",
    "qemu-system-x86",
    "qemu-system-x86-core",
    "qemu-system-x86",
];
#[cfg(target_arch = "aarch64")]
const NAMES: [&str; 4] = [
    "qemu-system-aarch64",
    "qemu-system-arm",
    "qemu-system-aarch64-core",
    "qemu-system-aarch64",
];
#[cfg(target_arch = "riscv64")]
const NAMES: [&str; 4] = [
    "qemu-system-riscv64",
    "qemu-system-misc",
    "qemu-system-riscv-core",
    "qemu-system-riscv",
];
/// QEMU's kind, for what QEMU alone does: templates, the proof of KVM, lab VMs.
pub const QEMU: HypervisorKind = HypervisorKind::of(&VMM);

/// QEMU's row in the table of VMMs.
pub(super) static VMM: Vmm = Vmm {
    name: "qemu",
    purpose: "runs the guests",
    program: NAMES[0],
    version: "--version",
    // The first version with `-M microvm,pcie=on`.
    least: (5, 2),
    install: Install {
        apt: &[NAMES[1]],
        dnf: &[NAMES[2]],
        pacman: &[NAMES[3]],
        nix: &["qemu"],
        cargo: None,
        absent: "neither on PATH nor in a system folder",
    },
    machines: &[
        ("auto", MachineType::Auto),
        ("microvm", MachineType::Microvm),
        ("q35", MachineType::Q35),
    ],
    transports: &[
        ("auto", Transport::Auto),
        ("pci", Transport::Pci),
        ("mmio", Transport::Mmio),
    ],
    macvtap: &[TapOpen::Fd],
    can: &[
        Feature::Emulation,
        Feature::Template,
        Feature::CopyOnWriteDisk,
        Feature::TapDescriptor,
        Feature::Queues,
        Feature::Vhost,
        Feature::Mtu,
        Feature::Offloads,
    ],
    lacks: &[],
    needs: &[],
    steering: "virtio-serial",
    plugs: "from a template",
    tells_mtu: Some(false),
};

/// qemu-system(1).
pub(super) struct Qemu;

impl Hypervisor for Qemu {
    fn command(&self, spec: &GuestSpec) -> CommandLine {
        command(spec)
    }

    fn steering(&self, spec: &GuestSpec, channel: usize) -> Steering {
        Steering::Port(steer_socket(spec, channel))
    }

    fn needs(&self, spec: &GuestSpec) -> Needs {
        let channels = (0..STEER_PORTS).zip(FIRST_STEER_FD..);
        let channels = channels.map(|(port, fd)| (steer_socket(spec, port), fd));
        let monitor = (monitor_socket(spec), QMP_FD);
        let disk = spec.disk.as_ref();
        let events = disk.map(|_| (events_socket(spec), EVENTS_FD));
        let sealed = match &spec.start {
            Start::Template {
                folder,
                read_only_ram: false,
            } => Some((folder.join(RAM), RAM_FD)),
            _ => None,
        };
        Needs {
            sealed,
            sockets: channels.chain([monitor]).chain(events).collect(),
            ..Needs::default()
        }
    }

    fn monitor<'a>(
        &'a self,
        spec: &'a GuestSpec,
        by: Deadline,
    ) -> BoxFuture<'a, Result<Box<dyn Monitor>, MonitorError>> {
        Box::pin(async move {
            if spec.start == Start::Cold {
                let why = format!(
                    "started {} cold, as {}: only a guest that starts from a template has ports for NICs",
                    spec.name, spec.machine
                );
                return Err(MonitorError::Cannot { vmm: qmp::VMM, why });
            }
            let qmp = Qmp::connect(&monitor_socket(spec), by).await?;
            Ok(Box::new(qmp) as Box<dyn Monitor>)
        })
    }

    fn stopped_for_room<'a>(&'a self, spec: &'a GuestSpec) -> BoxFuture<'a, String> {
        Box::pin(async move {
            if spec.disk.is_some() {
                match disk_full::used_up(&events_socket(spec)).await {
                    Ok(said) => return said,
                    // QEMU has ended, which the watch over its process reports.
                    Err(error) => tracing::debug!(guest = spec.name, %error, "no events"),
                }
            }
            std::future::pending().await
        })
    }
}

/// Socket of a steering channel.
fn steer_socket(spec: &GuestSpec, channel: usize) -> PathBuf {
    spec.run.join(format!("steer.{channel}.sock"))
}

/// Socket of the monitor. QEMU serves it where the machine is saved as a template, or starts from one.
pub fn monitor_socket(spec: &GuestSpec) -> PathBuf {
    spec.run.join("qmp.sock")
}

/// Socket of a second monitor. A monitor talks to one client at a time, and the client that waits for events must be
/// connected all the time.
fn events_socket(spec: &GuestSpec) -> PathBuf {
    spec.run.join("events.sock")
}

/// The command line for a guest. Pure; inherited descriptors are named by number.
pub fn command(spec: &GuestSpec) -> CommandLine {
    let mut line = CommandLine::new(spec.program());
    let bus = match spec.on_pci() {
        true => "pci",
        false => "device",
    };
    line.option("-name", format!("{0},process={0}", spec.name))
        .option("-M", machine(spec))
        .option("-accel", accelerator(spec))
        .option("-cpu", spec.accelerator.cpu())
        .option("-smp", spec.vcpu.to_string())
        .option("-m", format!("{}M", spec.mem))
        .flag("-nodefaults")
        .flag("-no-user-config")
        .flag("-no-reboot")
        .option("-display", "none")
        .option("-sandbox", SANDBOX)
        .option("-kernel", spec.kernel.to_string_lossy())
        .option("-initrd", spec.initrd.to_string_lossy())
        .option("-append", kernel::command_line(spec, kernel::TRIPLE_FAULT))
        .option("-chardev", "stdio,id=console,signal=off")
        .option("-serial", "chardev:console")
        .option("-object", "rng-random,id=rng,filename=/dev/urandom")
        .option("-device", format!("virtio-rng-{bus},rng=rng"));
    if let Some(disk) = &spec.disk {
        line.option("-drive", root_drive(spec, disk))
            .option("-device", format!("virtio-blk-{bus},drive=root"))
            .option(
                "-chardev",
                format!("socket,id=events,server=on,wait=off,fd={EVENTS_FD}"),
            )
            .option("-mon", "chardev=events,mode=control");
    }
    line.option("-device", format!("virtio-serial-{bus},id=steer"));
    for (port, fd) in (0..STEER_PORTS).zip(FIRST_STEER_FD..) {
        line.option(
            "-chardev",
            format!("socket,id=steer{port},server=on,wait=off,fd={fd}"),
        )
        .option(
            "-device",
            format!(
                "virtserialport,bus=steer.0,chardev=steer{port},name=org.bridgelab.steer.{port}"
            ),
        );
    }
    for (index, nic) in spec.nics.iter().enumerate() {
        let netdev = format!("nic{index}");
        line.option("-netdev", nic.backend(&netdev));
        // A template has no NIC; the guest's own are plugged in over the monitor.
        if spec.start == Start::Cold {
            line.option("-device", nic.device(&netdev, spec.on_pci()));
        }
    }
    snapshot_options(spec, &mut line);
    line
}

/// The image is never written to. A cold guest's writes, and those of a guest from a template, go to a temporary
/// file that QEMU unlinks at once; a template's own are part of it.
fn root_drive(spec: &GuestSpec, disk: &Path) -> String {
    match &spec.start {
        Start::Cold => format!(
            "id=root,if=none,format=raw,snapshot=on,file={}",
            disk.display()
        ),
        Start::Recording(folder) => format!(
            "id=root,if=none,format=qcow2,file={}",
            folder.join(OVERLAY).display()
        ),
        Start::Template { folder, .. } => format!(
            "id=root,if=none,format=qcow2,snapshot=on,file={}",
            folder.join(OVERLAY).display()
        ),
    }
}

/// Memory in a file, places for NICs, and the monitor. Both sides of a snapshot must be given the same devices in the
/// same order (docs/devel/migration of QEMU).
fn snapshot_options(spec: &GuestSpec, line: &mut CommandLine) {
    let Some(folder) = spec.start.folder() else {
        return;
    };
    let mapping = match &spec.start {
        Start::Template { read_only_ram, .. } if *read_only_ram => "share=off,readonly=on,rom=off",
        Start::Template { .. } => "share=off",
        Start::Cold | Start::Recording(_) => "share=on",
    };
    let ram = match &spec.start {
        // QEMU before 8.2 opens the file for writing even where it maps the file copy-on-write.
        Start::Template {
            read_only_ram: false,
            ..
        } => PathBuf::from(format!("/proc/self/fd/{RAM_FD}")),
        _ => folder.join(RAM),
    };
    line.option(
        "-object",
        format!(
            "memory-backend-file,id=ram,size={}M,mem-path={},{mapping}",
            spec.mem,
            ram.display()
        ),
    );
    // Each machine has its own generation id, by which the kernel in it notices that it was copied, and reseeds its
    // random numbers (docs/specs/vmgenid of QEMU).
    line.option("-device", "vmgenid,guid=auto");
    for port in 0..NIC_PORTS {
        let chassis = port + 1;
        line.option(
            "-device",
            format!("pcie-root-port,id=nicport{port},chassis={chassis},slot={chassis}"),
        );
    }
    line.option(
        "-chardev",
        format!("socket,id=qmp,server=on,wait=off,fd={QMP_FD}"),
    )
    .option("-mon", "chardev=qmp,mode=control");
    if matches!(spec.start, Start::Template { .. }) {
        line.option("-incoming", "defer");
    }
}

/// A template's memory.
pub const RAM: &str = "ram";
/// A template's disk, on top of the image's.
pub const OVERLAY: &str = "overlay.qcow2";

fn machine(spec: &GuestSpec) -> String {
    let memory = match spec.start {
        Start::Cold => "",
        _ => ",memory-backend=ram",
    };
    format!("{}{memory}", machine_type(spec))
}

fn machine_type(spec: &GuestSpec) -> String {
    if spec.machine == MachineKind::Q35 {
        return "q35,usb=off".to_owned();
    }
    // microvm.nix's own options.
    let pcie = if spec.on_pci() { "on" } else { "off" };
    // Without a paravirtual clock the kernel needs the legacy timers to calibrate by.
    let legacy = match spec.accelerator {
        Accelerator::Kvm => "off",
        Accelerator::Tcg => "on",
    };
    format!("microvm,acpi=on,mem-merge=on,pcie={pcie},pic={legacy},pit={legacy},rtc=on,usb=off")
}

fn accelerator(spec: &GuestSpec) -> String {
    let mut accelerator = spec.accelerator.to_string();
    if spec.accelerator == Accelerator::Tcg {
        if spec.one_thread {
            accelerator.push_str(",thread=single");
        }
        if spec.image.translated != QEMU_TRANSLATED {
            accelerator.push_str(&format!(",tb-size={}", spec.image.translated));
        }
    }
    accelerator
}

/// Size of QEMU's buffer for translated code by default, in MiB.
const QEMU_TRANSLATED: u32 = 1024;

#[cfg(test)]
mod tests;
