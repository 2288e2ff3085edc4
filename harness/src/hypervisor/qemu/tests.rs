//! Command lines: what microvm.nix writes, and snapshots of every form.

use super::*;
use crate::hypervisor::Nic;
use crate::scenario::NicOptions;
use crate::scenario::net::Mac;
use crate::scenario::provides::Provides;
use std::path::PathBuf;

fn spec(machine: MachineKind, accelerator: Accelerator) -> GuestSpec {
    GuestSpec {
        name: "test1".to_owned(),
        program: None,
        cid: 3,
        vcpu: 1,
        mem: 1024,
        hypervisor: QEMU,
        machine,
        transport: Transport::Auto,
        accelerator,
        one_thread: false,
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

/// Options that are about devices, in order: they must be the same when a machine is saved and when it is loaded.
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

#[test]
fn vcpus_take_turns_where_they_are_translated_by_a_qemu_that_needs_it() {
    let line = |accelerator| {
        let mut spec = spec(MachineKind::Q35, accelerator);
        spec.one_thread = true;
        command(&spec).to_string()
    };
    let (tcg, kvm) = (line(Accelerator::Tcg), line(Accelerator::Kvm));
    assert!(tcg.contains("-accel tcg,thread=single "), "{tcg}");
    assert!(kvm.contains("-accel kvm "), "{kvm}");
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
