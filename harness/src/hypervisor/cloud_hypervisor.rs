//! cloud-hypervisor: virtio on PCI, vsock by a unix socket, KVM alone. Its options are microvm.nix's
//! (lib/runners/cloud-hypervisor.nix) where they matter to the guest's network.
//!
//! `cloud-hypervisor --help`, and docs/ of its source.

mod http;

use std::path::PathBuf;

use futures_util::future::BoxFuture;
use http::{Api, device};

use super::command::CommandLine;
use super::program::{Hypervisor, Needs};
use super::{GuestSpec, Monitor, MonitorError, Nic, Steering, kernel};
use crate::deadline::Deadline;
use crate::scenario::TapOpen;
use crate::scenario::vmm::{Feature, HypervisorKind, Install, ON_PCI, ONE_MACHINE, Vmm};

/// Descriptor number of the API's socket.
const API_FD: i32 = 28;

/// cloud-hypervisor's kind. It is public because the option `--cloud-hypervisor PATH` is about this VMM alone.
pub const CLOUD_HYPERVISOR: HypervisorKind = HypervisorKind::of(&VMM);

/// cloud-hypervisor's row in the table of VMMs.
pub(super) static VMM: Vmm = Vmm {
    name: "cloud-hypervisor",
    purpose: "scenarios with hypervisor = \"cloud-hypervisor\"",
    program: "cloud-hypervisor",
    version: "--version",
    // Older ones give a TAP without `ip` the address 192.168.249.1 (its release notes).
    least: (49, 0),
    install: Install {
        nix: &["cloud-hypervisor"],
        ..Install::by_hand(
            "not on PATH; Debian has no package of it, its releases do: `--cloud-hypervisor PATH` names one",
        )
    },
    machines: ONE_MACHINE,
    transports: ON_PCI,
    macvtap: &[TapOpen::Fd],
    can: &[
        Feature::CopyOnWriteDisk,
        Feature::TapDescriptor,
        Feature::Queues,
        Feature::Offloads,
    ],
    // Found by trying: docs/hypervisors.md.
    lacks: &[(
        Feature::Template,
        "sets a restored guest's clock on by its snapshot's age, and gives it no generation id",
    )],
    needs: &[],
    steering: "vsock, unix socket",
    plugs: "always",
    tells_mtu: Some(true),
};

/// cloud-hypervisor.
pub(super) struct CloudHypervisor;

impl Hypervisor for CloudHypervisor {
    fn command(&self, spec: &GuestSpec) -> CommandLine {
        let mut line = CommandLine::new(spec.program());
        line.option("--cpus", format!("boot={}", spec.vcpu))
            .option(
                "--memory",
                format!("size={}M,mergeable=on,shared=off", spec.mem),
            )
            .option("--kernel", spec.kernel.to_string_lossy())
            .option("--initramfs", spec.initrd.to_string_lossy())
            .option(
                "--cmdline",
                kernel::command_line(spec, kernel::TRIPLE_FAULT),
            )
            .option("--seccomp", "true")
            .option("--console", "null")
            // Standard output, which is a pipe into the log.
            .option("--serial", "tty")
            .option("--rng", "src=/dev/urandom")
            .option("--api-socket", format!("fd={API_FD}"))
            .option(
                "--vsock",
                format!("cid={},socket={}", spec.cid, spec.vsock_socket().display()),
            );
        if spec.disk.is_some() {
            let layer = spec.layer();
            line.option(
                "--disk",
                format!("path={},image_type=qcow2,backing_files=on", layer.display()),
            );
        }
        for (index, nic) in spec.nics.iter().enumerate() {
            line.option("--net", net(index, nic));
        }
        line
    }

    fn steering(&self, spec: &GuestSpec, _channel: usize) -> Steering {
        spec.mapped_vsock()
    }

    fn needs(&self, spec: &GuestSpec) -> Needs {
        Needs {
            sockets: vec![(api_socket(spec), API_FD)],
            layer: spec.disk.as_ref().map(|_| spec.layer()),
            ..Needs::default()
        }
    }

    fn monitor<'a>(
        &'a self,
        spec: &'a GuestSpec,
        _by: Deadline,
    ) -> BoxFuture<'a, Result<Box<dyn Monitor>, MonitorError>> {
        Box::pin(async move {
            let api = Api::connect(&api_socket(spec)).await?;
            Ok(Box::new(api) as Box<dyn Monitor>)
        })
    }
}

fn api_socket(spec: &GuestSpec) -> PathBuf {
    spec.run.join("api.sock")
}

/// `--net`: word for word microvm.nix's, with a name for the monitor.
fn net(index: usize, nic: &Nic) -> String {
    let mut text = match nic.options.open {
        TapOpen::Name => format!("mac={},tap={}", nic.mac, nic.tap),
        TapOpen::Fd => {
            let fds: Vec<String> = nic.fds.clone().map(|fd| fd.to_string()).collect();
            format!("fd=[{}],mac={}", fds.join(","), nic.mac)
        }
    };
    if nic.options.queues > 1 {
        text.push_str(&format!(
            ",num_queues={}",
            2 * u16::from(nic.options.queues)
        ));
    }
    if !nic.options.checksum_offload {
        text.push_str(",offload_csum=off");
    }
    if !nic.options.segmentation_offload {
        text.push_str(",offload_tso=off,offload_ufo=off");
    }
    format!("{text},id={}", device(index))
}
