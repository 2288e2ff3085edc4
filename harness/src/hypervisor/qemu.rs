//! QEMU's command line, as microvm.nix's runner writes it where that matters to the guest's network.
//!
//! qemu-system(1), and docs/system/i386/microvm.rst of QEMU for the machine type.

use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;

use super::command::CommandLine;
use super::program::Hypervisor;
use super::qmp::{Qmp, VMM};
use super::{
    Accelerator, GuestSpec, MachineKind, Monitor, MonitorError, NIC_PORTS, Needs, STEER_PORTS,
    Start, Steering, disk_full, kernel,
};
use crate::deadline::Deadline;

/// `-sandbox`: nothing that a guest could use to leave QEMU, no new processes, no privileges.
pub const SANDBOX: &str = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

/// First descriptor number that it inherits for a steering channel.
const FIRST_STEER_FD: i32 = 20;
/// Descriptor number of a template's memory, for a QEMU that opens it for writing.
const RAM_FD: i32 = 27;
/// Descriptor number of the monitor's socket.
const QMP_FD: i32 = 28;
/// Descriptor number of the monitor that is only listened to.
const EVENTS_FD: i32 = 29;

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
                return Err(MonitorError::Cannot { vmm: VMM, why });
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
                    // Whoever watches the process sees it end.
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

/// Socket of the monitor, which a machine has that is saved as a template or starts from one.
pub fn monitor_socket(spec: &GuestSpec) -> PathBuf {
    spec.run.join("qmp.sock")
}

/// Socket of a second monitor: the first talks to one client at a time, and this one's must hear every event.
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
        // Before 8.2 QEMU opens it for writing even where it maps it copy-on-write.
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
    match spec.accelerator {
        Accelerator::Tcg if spec.image.translated != QEMU_TRANSLATED => {
            format!("tcg,tb-size={}", spec.image.translated)
        }
        other => other.to_string(),
    }
}

/// What QEMU keeps translated code in by default, in MiB.
const QEMU_TRANSLATED: u32 = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hypervisor::Nic;
    use crate::scenario::net::Mac;
    use crate::scenario::provides::Provides;
    use crate::scenario::{HypervisorKind, NicOptions, TapOpen, Transport};
    use std::path::PathBuf;

    fn spec(machine: MachineKind, accelerator: Accelerator) -> GuestSpec {
        GuestSpec {
            name: "test1".to_owned(),
            program: None,
            cid: 3,
            vcpu: 1,
            mem: 1024,
            hypervisor: HypervisorKind::Qemu,
            machine,
            transport: Transport::Auto,
            accelerator,
            tsc_mhz: Some(2596),
            kernel: PathBuf::from("/image/vmlinuz"),
            initrd: PathBuf::from("/run/initrd"),
            disk: Some(PathBuf::from("/image/disk.raw")),
            image: Provides::of("debian"),
            run: PathBuf::from("/run"),
            nics: vec![nic("02:00:00:00:00:01", 30)],
            start: Start::Cold,
        }
    }

    fn nic(mac: &str, fd: i32) -> Nic {
        Nic {
            mac: Mac::try_from(mac).expect("a MAC"),
            node: None,
            tap: format!("vm-test{}", fd - 29)
                .as_str()
                .try_into()
                .expect("a name"),
            fds: fd..fd + 1,
            options: NicOptions::default(),
        }
    }

    fn has(line: &CommandLine, option: &str, value: &str) -> bool {
        line.words()
            .windows(2)
            .any(|pair| pair[0] == option && pair[1] == value)
    }

    #[test]
    fn under_kvm_microvm_is_microvm_nix_s_machine() {
        let line = command(&spec(MachineKind::Microvm, Accelerator::Kvm));
        // lib/runners/qemu.nix of microvm.nix, without the accelerator, which has an option of its own.
        let machine = "microvm,acpi=on,mem-merge=on,pcie=off,pic=off,pit=off,rtc=on,usb=off";
        assert!(has(&line, "-M", machine), "{line}");
        assert!(has(&line, "-cpu", "host"), "{line}");
        assert!(has(&line, "-netdev", "tap,id=nic0,fd=30"), "{line}");
        let nic = "virtio-net-device,netdev=nic0,mac=02:00:00:00:00:01";
        assert!(has(&line, "-device", nic), "{line}");
        assert!(!line.to_string().contains("tsc_early_khz"), "{line}");
    }

    #[test]
    fn under_tcg_microvm_gets_what_calibration_needs() {
        let line = command(&spec(MachineKind::Microvm, Accelerator::Tcg));
        assert!(line.to_string().contains("pic=on,pit=on"), "{line}");
        assert!(line.to_string().contains("tsc_early_khz=2596000"), "{line}");
        assert!(has(&line, "-cpu", "max"), "{line}");
    }

    #[test]
    fn microvm_on_pci_is_microvm_nix_s_with_pcie() {
        let mut spec = spec(MachineKind::Microvm, Accelerator::Kvm);
        spec.transport = Transport::Pci;
        let line = command(&spec);
        // What lib/runners/qemu.nix of microvm.nix makes of a guest with shares.
        let machine = "microvm,acpi=on,mem-merge=on,pcie=on,pic=off,pit=off,rtc=on,usb=off";
        assert!(has(&line, "-M", machine), "{line}");
        let nic = "virtio-net-pci,netdev=nic0,mac=02:00:00:00:00:01";
        assert!(has(&line, "-device", nic), "{line}");
        assert!(!line.to_string().contains("-device,"), "{line}");
    }

    #[test]
    fn q35_has_its_devices_on_pci() {
        let line = command(&spec(MachineKind::Q35, Accelerator::Tcg));
        let nic = "virtio-net-pci,netdev=nic0,mac=02:00:00:00:00:01";
        assert!(has(&line, "-device", nic), "{line}");
        assert!(!line.to_string().contains("-device,"), "{line}");
    }

    /// Options that are about devices, in order: what a snapshot's two sides must agree on.
    fn devices(line: &CommandLine) -> Vec<String> {
        let words = line.words().windows(2);
        words
            .filter(|pair| pair[0] == "-device" || pair[0] == "-append" || pair[0] == "-M")
            .map(|pair| pair[1].clone())
            .collect()
    }

    #[test]
    fn a_template_and_its_guest_are_the_same_machine() {
        let folder = PathBuf::from("/template");
        let mut recorded = spec(MachineKind::Q35, Accelerator::Tcg);
        recorded.start = Start::Recording(folder.clone());
        recorded.nics.clear();
        let mut started = spec(MachineKind::Q35, Accelerator::Tcg);
        started.start = Start::Template {
            folder,
            read_only_ram: false,
        };
        let (recorded, started) = (command(&recorded), command(&started));
        assert_eq!(devices(&recorded), devices(&started));
        assert!(recorded.to_string().contains("share=on"), "{recorded}");
        assert!(started.to_string().contains("share=off"), "{started}");
        // A QEMU that would open the file for writing does not get it.
        assert!(
            started.to_string().contains("mem-path=/proc/self/fd/27,"),
            "{started}"
        );
        // The NIC's host end is there from the start, the NIC itself is plugged in.
        assert!(has(&started, "-netdev", "tap,id=nic0,fd=30"), "{started}");
        assert!(!started.to_string().contains("virtio-net"), "{started}");
        assert!(started.to_string().contains("snapshot=on"), "{started}");
        let generation = "vmgenid,guid=auto";
        assert!(has(&started, "-device", generation), "{started}");
    }

    #[test]
    fn without_a_disk_the_initramfs_is_all_there_is() {
        let mut spec = spec(MachineKind::Microvm, Accelerator::Tcg);
        spec.disk = None;
        spec.image = Provides::of("tiny");
        let line = command(&spec).to_string();
        for word in ["-drive", "virtio-blk", "root=", "systemd."] {
            assert!(!line.contains(word), "{word}: {line}");
        }
        assert!(line.contains("-initrd /run/initrd"), "{line}");
        assert!(line.contains("-accel tcg,tb-size=128"), "{line}");
        assert!(line.contains("virtio-serial-device,id=steer"), "{line}");
    }

    #[test]
    fn the_sandbox_is_on_and_the_image_is_never_written() {
        for machine in [MachineKind::Microvm, MachineKind::Q35] {
            let line = command(&spec(machine, Accelerator::Tcg)).to_string();
            assert!(line.contains("-sandbox on,"), "{line}");
            assert!(line.contains("snapshot=on,file=/image/disk.raw"), "{line}");
        }
    }

    /// One option to a line, as a person would break the line to read it.
    fn broken(line: &CommandLine) -> String {
        let mut text = String::new();
        for word in line.words() {
            text.push_str(if word.starts_with('-') {
                " \\\n    "
            } else {
                " "
            });
            text.push_str(&crate::plan::shell::quote(word));
        }
        text.trim_start().to_owned()
    }

    #[test]
    fn every_machine_type_and_accelerator() {
        for machine in [MachineKind::Microvm, MachineKind::Q35] {
            for accelerator in [Accelerator::Kvm, Accelerator::Tcg] {
                let small = spec(machine, accelerator);
                let second = nic("02:00:00:00:00:02", 31);
                let large = GuestSpec {
                    vcpu: 2,
                    mem: 2048,
                    nics: vec![small.nics[0].clone(), second],
                    ..small.clone()
                };
                let several = NicOptions {
                    queues: 2,
                    ..NicOptions::default()
                };
                let by_name = NicOptions {
                    open: TapOpen::Name,
                    vhost: true,
                    ..several
                };
                let mut queues = large.clone();
                queues.nics[0].fds = 30..32;
                queues.nics[0].options = several;
                queues.nics[1].options = by_name;
                let name = format!("{machine}-{accelerator}");
                insta::assert_snapshot!(format!("{name}-2-queues"), broken(&command(&queues)));
                insta::assert_snapshot!(format!("{name}-1-vcpu"), broken(&command(&small)));
                insta::assert_snapshot!(format!("{name}-2-vcpu-2-nics"), broken(&command(&large)));
            }
        }
    }
}
