//! The outer QEMU's command line. Pure; sockets are named by descriptor number.

use std::path::Path;

use super::LabVm;
use crate::hypervisor::command::CommandLine;
use crate::hypervisor::{QEMU, qemu};
use crate::plan::Accelerator;
use crate::scenario::provides::Provides;

/// The virtio-serial ports in the order of their numbers, each by the last part of `org.bridgelab.lab.NAME`.
pub(super) const PORTS: [&str; 3] = ["init", "worker", "evidence"];

/// First descriptor number that QEMU inherits for a port: a socket that already listens.
pub(super) const FIRST_PORT_FD: i32 = 20;

/// QEMU for a lab VM: `image` is the built image's folder, `share` the folder that the VM gets to see.
pub(super) fn command(vm: &LabVm, image: &Path, share: &Path) -> CommandLine {
    let provides = Provides::of(super::IMAGE);
    let file = |name: &str| image.join(name).to_string_lossy().into_owned();
    let (accelerator, processor) = match vm.accelerator {
        Accelerator::Kvm => ("kvm".to_owned(), "host"),
        // QEMU's `max` processor has SVM with nested paging, so that KVM works inside.
        Accelerator::Tcg => (format!("tcg,tb-size={}", provides.translated), "max"),
    };
    let mut line = CommandLine::new(QEMU.program);
    line.option("-name", "lab-vm,process=lab-vm")
        .option("-M", "q35,usb=off")
        .option("-accel", accelerator)
        .option("-cpu", processor)
        .option("-smp", vm.vcpu.to_string())
        .option("-m", format!("{}M", vm.mem))
        .flag("-nodefaults")
        .flag("-no-user-config")
        .flag("-no-reboot")
        .option("-display", "none")
        .option("-sandbox", qemu::SANDBOX)
        .option("-kernel", file(provides.kernel))
        .option("-initrd", file("initrd"))
        .option("-append", kernel_command_line(vm))
        .option("-chardev", "stdio,id=console,signal=off")
        .option("-serial", "chardev:console")
        .option("-object", "rng-random,id=rng,filename=/dev/urandom")
        .option("-device", "virtio-rng-pci,rng=rng")
        .option(
            "-drive",
            format!(
                "id=root,if=none,format=raw,snapshot=on,file={}",
                file(provides.disk.unwrap_or_default())
            ),
        )
        .option("-device", "virtio-blk-pci,drive=root")
        // Folders of several file systems are bound below this one: `remap` keeps their inode numbers apart.
        .option(
            "-fsdev",
            format!(
                "local,id=share,path={},security_model=none,readonly=on,multidevs=remap",
                share.display()
            ),
        )
        .option("-device", "virtio-9p-pci,fsdev=share,mount_tag=bridgelab")
        .option("-device", "virtio-serial-pci,id=lab");
    for (name, fd) in PORTS.into_iter().zip(FIRST_PORT_FD..) {
        line.option(
            "-chardev",
            format!("socket,id={name},server=on,wait=off,fd={fd}"),
        )
        .option(
            "-device",
            format!("virtserialport,bus=lab.0,chardev={name},name=org.bridgelab.lab.{name}"),
        );
    }
    line
}

fn kernel_command_line(vm: &LabVm) -> String {
    let mut words = vec![
        "console=ttyS0".to_owned(),
        "reboot=t".to_owned(),
        "panic=-1".to_owned(),
        "quiet".to_owned(),
    ];
    if vm.accelerator == Accelerator::Tcg {
        // The same words as for guests: see `hypervisor::qemu`.
        words.push("tsc_early_khz=2000000".to_owned());
        words.push("mitigations=off".to_owned());
    }
    let modules = vm.modules.iter();
    words.extend(modules.map(|module| format!("bridgelab.module={module}")));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::JobImage;
    use std::path::PathBuf;

    fn shown(accelerator: Accelerator, modules: &[&str]) -> String {
        let vm = LabVm {
            image: JobImage {
                folder: PathBuf::from("/cache/lab-vm"),
                digest: "0".to_owned(),
            },
            accelerator,
            accelerator_reason: String::new(),
            mem: 1280,
            vcpu: 2,
            modules: modules.iter().map(ToString::to_string).collect(),
            programs: Vec::new(),
            reason: String::new(),
        };
        let line = command(&vm, Path::new("/run/image"), Path::new("/run/share"));
        line.to_string().replace(" -", " \\\n  -")
    }

    #[test]
    fn command_lines() {
        insta::assert_snapshot!("lab-vm-tcg", shown(Accelerator::Tcg, &["br_netfilter"]));
        insta::assert_snapshot!("lab-vm-kvm", shown(Accelerator::Kvm, &[]));
    }
}
