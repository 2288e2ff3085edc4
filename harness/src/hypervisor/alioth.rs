//! alioth: virtio on PCI, vsock by a unix socket, KVM alone. `cargo install alioth-cli`.
//!
//! `alioth boot --help`; `--net` is microvm.nix's (lib/runners/alioth.nix).

use super::command::CommandLine;
use super::program::{Hypervisor, Needs};
use super::{GuestSpec, Nic, Steering, kernel};
use crate::scenario::TapOpen;
use crate::scenario::vmm::{Feature, Install, ON_PCI, ONE_MACHINE, Vmm};

/// The MTU in bytes of a NIC for which the scenario sets none. alioth must always be told one.
const MTU: u16 = 1500;

/// alioth's row in the table of VMMs.
pub(super) static VMM: Vmm = Vmm {
    name: "alioth",
    purpose: "scenarios with hypervisor = \"alioth\"",
    program: "alioth",
    version: "--version",
    // The first version with `--vsock uds` and `--cpu`.
    least: (0, 12),
    install: Install {
        cargo: Some("alioth-cli"),
        ..Install::by_hand("neither on PATH nor where cargo puts programs")
    },
    machines: ONE_MACHINE,
    transports: ON_PCI,
    macvtap: &[TapOpen::Name],
    can: &[Feature::Queues, Feature::Mtu],
    lacks: &[],
    needs: &[],
    steering: "vsock, unix socket",
    plugs: "",
    tells_mtu: Some(false),
};

/// alioth.
pub(super) struct Alioth;

impl Hypervisor for Alioth {
    fn command(&self, spec: &GuestSpec) -> CommandLine {
        let mut line = CommandLine::new(spec.program());
        // An uncompressed kernel is started by its PVH entry.
        let uncompressed = spec.kernel.ends_with("vmlinux");
        let kernel = if uncompressed { "--pvh" } else { "--kernel" };
        line.flag("boot")
            .option("--cpu", format!("count={}", spec.vcpu))
            .option("--memory", format!("size={}M", spec.mem))
            .option(kernel, spec.kernel.to_string_lossy())
            .option("--initramfs", spec.initrd.to_string_lossy())
            .option(
                "--cmdline",
                kernel::command_line(spec, kernel::TRIPLE_FAULT),
            )
            .flag("--entropy")
            .option(
                "--vsock",
                format!(
                    "uds,cid={},path={}",
                    spec.cid,
                    spec.vsock_socket().display()
                ),
            );
        for nic in &spec.nics {
            line.option("--net", net(nic));
        }
        line
    }

    fn steering(&self, spec: &GuestSpec, _channel: usize) -> Steering {
        spec.mapped_vsock()
    }

    fn needs(&self, _spec: &GuestSpec) -> Needs {
        Needs {
            // alioth up to 0.12 shows the guest's console on a terminal only.
            terminal: true,
            ..Needs::default()
        }
    }
}

fn net(nic: &Nic) -> String {
    let end = match &nic.node {
        Some(node) => format!("tap={}", node.display()),
        None => format!("if_name={}", nic.tap),
    };
    let mtu = nic.options.mtu.unwrap_or(MTU);
    let queues = nic.options.queues;
    format!("{end},mac={},queue_pairs={queues},mtu={mtu}", nic.mac)
}
