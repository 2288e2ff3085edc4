//! Snapshots of every VMM's command line but QEMU's, which has its own.

use super::command::CommandLine;
use super::{Accelerator, GuestSpec, MachineKind, Nic, QEMU, Start, hypervisor};
use crate::scenario::net::Mac;
use crate::scenario::provides::Provides;
use crate::scenario::vmm::Feature;
use crate::scenario::{HypervisorKind, NicOptions, TapOpen, Transport};

/// A guest of the image `tiny` on one TAP.
fn spec(hypervisor: HypervisorKind) -> GuestSpec {
    let row = hypervisor.row();
    let options = NicOptions {
        open: row.open(),
        ..NicOptions::default()
    };
    GuestSpec {
        name: "test1".to_owned(),
        program: None,
        cid: 3,
        vcpu: 1,
        mem: 128,
        hypervisor,
        machine: MachineKind::Microvm,
        transport: Transport::Auto,
        accelerator: Accelerator::Kvm,
        one_thread: false,
        tsc_mhz: None,
        kernel: "/image/vmlinux".into(),
        initrd: "/run/test1/initrd".into(),
        disk: None,
        image: Provides::of("tiny"),
        run: "/run/test1".into(),
        nics: vec![nic("02:00:00:00:00:01", "vm-test1", 30, options)],
        start: Start::Cold,
    }
}

fn nic(mac: &str, tap: &str, fd: i32, options: NicOptions) -> Nic {
    let held = match options.open {
        TapOpen::Fd => i32::from(options.queues),
        TapOpen::Name => 0,
    };
    Nic {
        mac: Mac::try_from(mac).expect("a MAC"),
        tap: tap.try_into().expect("a name"),
        node: None,
        fds: fd..fd + held,
        options,
    }
}

/// A guest with all that a VMM's row has to offer.
fn large(hypervisor: HypervisorKind) -> GuestSpec {
    let row = hypervisor.row();
    let mut large = spec(hypervisor);
    large.vcpu = 2;
    large.program = Some("/run/vmm/it".into());
    if row.can(Feature::CopyOnWriteDisk) {
        large.image = Provides::of("debian");
        large.kernel = "/image/vmlinuz".into();
        large.disk = Some("/image/disk.raw".into());
        large.mem = 1024;
    }
    if row.transports.contains(&("mmio", Transport::Mmio)) {
        large.transport = Transport::Pci;
    }
    let offload = !row.can(Feature::Offloads);
    let several = NicOptions {
        open: row.open(),
        queues: if row.can(Feature::Queues) { 2 } else { 1 },
        mtu: row.can(Feature::Mtu).then_some(9000),
        checksum_offload: offload,
        segmentation_offload: offload,
        ..NicOptions::default()
    };
    let by_name = NicOptions {
        open: TapOpen::Name,
        ..NicOptions::default()
    };
    large.nics = vec![
        nic("02:00:00:00:00:01", "vm-test1", 30, several),
        nic("02:00:00:00:00:02", "vm-test2", 32, by_name),
    ];
    large
}

/// The VMM's command line, one option to a line, and below it the files that the VMM reads.
fn shown(spec: &GuestSpec) -> String {
    let program = hypervisor(spec.hypervisor);
    let mut text = broken(&program.command(spec));
    for (path, content) in program.needs(spec).files {
        text.push_str(&format!("\n\n{}:\n{content}", path.display()));
    }
    text
}

fn broken(line: &CommandLine) -> String {
    let words = line.words().iter().map(|word| {
        let between = if word.starts_with('-') {
            " \\\n    "
        } else {
            " "
        };
        format!("{between}{}", crate::plan::shell::quote(word))
    });
    words.collect::<String>().trim_start().to_owned()
}

#[test]
fn every_vmm_is_told_the_same_in_its_own_words() {
    for kind in HypervisorKind::all().filter(|kind| *kind != QEMU) {
        insta::assert_snapshot!(format!("{kind}-tiny"), shown(&spec(kind)));
        insta::assert_snapshot!(format!("{kind}-large"), shown(&large(kind)));
    }
}

/// lib/runners/ of microvm.nix, as far as it writes NICs.
#[test]
fn nics_are_written_as_microvm_nix_writes_them() {
    let by_name = |kind: &str| {
        let kind = HypervisorKind::named(kind).expect("a row");
        let mut spec = spec(kind);
        spec.nics[0].options.open = TapOpen::Name;
        hypervisor(kind).command(&spec).to_string()
    };
    let written = [
        (
            "cloud-hypervisor",
            "--net mac=02:00:00:00:00:01,tap=vm-test1",
        ),
        (
            "alioth",
            "--net if_name=vm-test1,mac=02:00:00:00:00:01,queue_pairs=1,mtu=1500",
        ),
        ("crosvm", "--net tap-name=vm-test1,mac=02:00:00:00:00:01"),
        (
            "kvmtool",
            "-n mode=tap,tapif=vm-test1,guest_mac=02:00:00:00:00:01",
        ),
    ];
    for (kind, words) in written {
        let line = by_name(kind);
        assert!(line.contains(words), "{line}");
    }
}
