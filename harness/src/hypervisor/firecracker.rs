//! firecracker: virtio-mmio or PCI, vsock by a unix socket, KVM alone. What it runs is in a JSON file, as microvm.nix
//! writes it (lib/runners/firecracker.nix).
//!
//! docs/getting-started.md and src/firecracker/swagger/firecracker.yaml of its source.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::command::CommandLine;
use super::program::{Hypervisor, Needs};
use super::{GuestSpec, Steering, kernel};
use crate::scenario::Transport;
use crate::scenario::vmm::{Install, ONE_MACHINE, Vmm};

/// firecracker's row in the table of VMMs.
pub(super) static VMM: Vmm = Vmm {
    name: "firecracker",
    purpose: "scenarios with hypervisor = \"firecracker\"",
    program: "firecracker",
    version: "--version",
    // The first version with `--enable-pci`.
    least: (1, 13),
    install: Install {
        nix: &["firecracker"],
        ..Install::by_hand(
            "not on PATH; Debian 12 has no package of it, its releases have the program",
        )
    },
    machines: ONE_MACHINE,
    transports: &[
        ("auto", Transport::Auto),
        ("pci", Transport::Pci),
        ("mmio", Transport::Mmio),
    ],
    macvtap: &[],
    can: &[],
    lacks: &[],
    needs: &[],
    steering: "vsock, unix socket",
    plugs: "",
    tells_mtu: Some(false),
};

/// firecracker.
pub(super) struct Firecracker;

impl Hypervisor for Firecracker {
    fn command(&self, spec: &GuestSpec) -> CommandLine {
        let mut line = CommandLine::new(spec.program());
        line.flag("--no-api")
            .option("--id", &spec.name)
            .option("--config-file", config_file(spec).to_string_lossy());
        if spec.transport == Transport::Pci {
            line.flag("--enable-pci");
        }
        line
    }

    fn steering(&self, spec: &GuestSpec, _channel: usize) -> Steering {
        spec.mapped_vsock()
    }

    fn needs(&self, spec: &GuestSpec) -> Needs {
        let text = serde_json::to_string_pretty(&config(spec)).unwrap_or_default();
        Needs {
            files: vec![(config_file(spec), text)],
            ..Needs::default()
        }
    }
}

fn config_file(spec: &GuestSpec) -> PathBuf {
    spec.run.join("firecracker.json")
}

fn config(spec: &GuestSpec) -> Value {
    let nics = spec.nics.iter().map(|nic| {
        json!({
            "iface_id": nic.tap.to_string(),
            "host_dev_name": nic.tap.to_string(),
            "guest_mac": nic.mac.to_string(),
        })
    });
    json!({
        "boot-source": {
            "kernel_image_path": spec.kernel.to_string_lossy(),
            "initrd_path": spec.initrd.to_string_lossy(),
            "boot_args": kernel::command_line(spec, kernel::KEYBOARD),
        },
        "machine-config": { "vcpu_count": spec.vcpu, "mem_size_mib": spec.mem },
        "drives": [],
        "network-interfaces": nics.collect::<Vec<_>>(),
        "vsock": {
            "guest_cid": spec.cid,
            "uds_path": spec.vsock_socket().to_string_lossy(),
        },
        "entropy": {},
    })
}
