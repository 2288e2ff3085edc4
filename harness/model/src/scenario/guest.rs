//! Guests: MicroVMs, and their NICs.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::contents::{Container, GuestFile};
use super::names::{IfName, MachineName};
use super::net::Mac;
use super::nic_kind::NicKind;
use super::topology::{HostEnd, Route};
use super::vmm::{GuestStart, HypervisorKind, MachineType, NicOptions, Transport};
use crate::networkd::UnitFile;

/// A MicroVM. Keys follow microvm.nix's options.
#[derive(Debug, Clone)]
pub struct Guest {
    /// The machine whose network namespace holds its TAPs.
    pub on: MachineName,
    /// Virtual CPUs.
    pub vcpu: u8,
    /// Memory in MiB.
    pub mem: u32,
    /// Image under `images/`.
    pub image: String,
    /// VMM program that runs it.
    pub hypervisor: HypervisorKind,
    /// QEMU machine type asked for.
    pub machine_type: MachineType,
    /// Bus of its virtio devices.
    pub transport: Transport,
    /// When it is started.
    pub start: GuestStart,
    /// NICs, in order.
    pub interfaces: Vec<GuestInterface>,
    /// Unit files put into `/etc/systemd/network` before first boot.
    pub units: Vec<UnitFile>,
    /// machine-id(5); `None`: one of its own.
    pub machine_id: Option<String>,
    /// Static routes; only where the image has no networkd.
    pub routes: Vec<Route>,
    /// DNS servers for `/etc/resolv.conf`; only where the image has no networkd.
    pub dns: Vec<IpAddr>,
    /// Files laid over its root file system before first boot.
    pub files: Arc<[GuestFile]>,
    /// Sysctls below `net.`, set at its boot; key in dotted form.
    pub sysctls: BTreeMap<String, String>,
    /// Content of `/etc/docker/daemon.json`; `None`: there is none.
    pub docker: Option<serde_json::Map<String, serde_json::Value>>,
    /// Containers started by Docker in the guest, by name.
    pub containers: BTreeMap<MachineName, Container>,
}

/// A NIC of a MicroVM (`microvm.interfaces.*` of microvm.nix).
#[derive(Debug, Clone)]
pub struct GuestInterface {
    /// How it reaches the host.
    pub kind: Arc<dyn NicKind>,
    /// Name of the interface on the host side.
    pub id: IfName,
    /// The guest's MAC address.
    pub mac: Mac,
    /// What is done to the host's end.
    pub host: HostEnd,
    /// Addresses inside the guest; only where the image has no networkd.
    pub addresses: Vec<IpNet>,
    /// Whether the guest's kernel accepts router advertisements; only where the image has no networkd.
    pub accept_ra: bool,
    /// What the VMM is told about the NIC.
    pub nic: NicOptions,
}
