//! crosvm: virtio on PCI, vsock by the host's kernel, KVM alone.
//!
//! `crosvm run --help`; options as in microvm.nix (lib/runners/crosvm.nix).

use super::command::CommandLine;
use super::program::Hypervisor;
use super::{GuestSpec, Nic, Steering, kernel};
use crate::scenario::TapOpen;
use crate::scenario::vmm::{Feature, Install, ON_PCI, ONE_MACHINE, Vmm};

/// crosvm's row in the table of VMMs.
pub(super) static VMM: Vmm = Vmm {
    name: "crosvm",
    purpose: "scenarios with hypervisor = \"crosvm\"",
    program: "crosvm",
    version: "version",
    least: (0, 0),
    install: Install {
        nix: &["crosvm"],
        ..Install::by_hand(
            "not on PATH; Debian 12 has no package of it, it is built from its source",
        )
    },
    machines: ONE_MACHINE,
    transports: ON_PCI,
    macvtap: &[TapOpen::Fd],
    can: &[Feature::TapDescriptor],
    lacks: &[],
    // Guests are steered over vsock, which crosvm has by the host's kernel.
    needs: &["vhost-vsock"],
    steering: "vsock, vhost-vsock",
    plugs: "",
    tells_mtu: None,
};

/// crosvm.
pub(super) struct Crosvm;

impl Hypervisor for Crosvm {
    fn command(&self, spec: &GuestSpec) -> CommandLine {
        let mut line = CommandLine::new(spec.program());
        line.flag("run")
            .option("--name", &spec.name)
            .option("-c", spec.vcpu.to_string())
            .option("-m", spec.mem.to_string())
            // Its sandbox makes namespaces, for which it would have to be root.
            .flag("--disable-sandbox")
            .option(
                "--serial",
                "type=stdout,hardware=serial,num=1,console=true,stdin=false",
            )
            .option("--vsock", spec.cid.to_string())
            .option("--initrd", spec.initrd.to_string_lossy())
            .option("-p", kernel::command_line(spec, kernel::TRIPLE_FAULT));
        for nic in &spec.nics {
            line.option("--net", net(nic));
        }
        line.flag(&spec.kernel.to_string_lossy());
        line
    }

    fn steering(&self, spec: &GuestSpec, _channel: usize) -> Steering {
        spec.host_vsock()
    }
}

fn net(nic: &Nic) -> String {
    match nic.options.open {
        TapOpen::Name => format!("tap-name={},mac={}", nic.tap, nic.mac),
        TapOpen::Fd => format!("tap-fd={},mac={}", nic.fds.start, nic.mac),
    }
}
