//! kvmtool, whose program is `lkvm`: virtio on PCI, vsock by the host's kernel, KVM alone.
//!
//! `lkvm run --help`; options as in microvm.nix (lib/runners/kvmtool.nix).

use super::command::CommandLine;
use super::program::Hypervisor;
use super::{GuestSpec, Steering, kernel};
use crate::scenario::TapOpen;
use crate::scenario::provides::COMPRESSED_KERNEL;
use crate::scenario::vmm::{Install, ON_PCI, ONE_MACHINE, Vmm};

/// kvmtool's row in the table of VMMs.
pub(super) static VMM: Vmm = Vmm {
    name: "kvmtool",
    purpose: "scenarios with hypervisor = \"kvmtool\"",
    program: "lkvm",
    version: "version",
    least: (0, 0),
    install: Install {
        nix: &["kvmtool"],
        ..Install::by_hand(
            "not on PATH; Debian 12 has no package of it, it is built from its source",
        )
    },
    machines: ONE_MACHINE,
    transports: ON_PCI,
    macvtap: &[TapOpen::Name],
    can: &[],
    lacks: &[],
    // Guests are steered over vsock, which kvmtool has by the host's kernel.
    needs: &["vhost-vsock"],
    steering: "vsock, vhost-vsock",
    plugs: "",
    tells_mtu: Some(false),
};

/// kvmtool.
pub(super) struct Kvmtool;

impl Hypervisor for Kvmtool {
    fn command(&self, spec: &GuestSpec) -> CommandLine {
        let mut line = CommandLine::new(spec.program());
        // kvmtool boots only a compressed kernel on x86.
        let kernel = spec.kernel.with_file_name(COMPRESSED_KERNEL);
        line.flag("run")
            .option("--name", &spec.name)
            .option("-c", spec.vcpu.to_string())
            .option("-m", spec.mem.to_string())
            .option("--console", "serial")
            .flag("--rng")
            .option("--vsock", spec.cid.to_string())
            .option("-k", kernel.to_string_lossy())
            .option("-i", spec.initrd.to_string_lossy())
            .option("-p", kernel::command_line(spec, kernel::KEYBOARD));
        for nic in &spec.nics {
            // kvmtool opens a macvtap by the path of its node.
            let end = match &nic.node {
                Some(node) => node.to_string_lossy().into_owned(),
                None => nic.tap.to_string(),
            };
            line.option("-n", format!("mode=tap,tapif={end},guest_mac={}", nic.mac));
        }
        line
    }

    fn steering(&self, spec: &GuestSpec, _channel: usize) -> Steering {
        spec.host_vsock()
    }
}
