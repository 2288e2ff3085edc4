//! What the user wrote: the validated, pure model of a scenario.
//!
//! A scenario is a folder (`scenarios/NAME/scenario.toml` beside `host/` and `guest/` folders of real
//! systemd-networkd unit files) or a single `.toml` file. [`load`] reads it into the tree of `file`, in which
//! every value knows its place, lays it over the base topology and each variant over that (`overlay`), and
//! `validate` turns the result into a [`Scenario`]: names are unique, references resolve, addresses parse, unit
//! files exist and are in memory. Everything that is wrong comes back at once, as [`ScenarioErrors`].
//! Nothing here touches the machine except to read those files.

pub mod action;
mod beneath;
mod bounds;
pub mod check_kind;
pub mod contents;
pub mod declare;
mod dnsmasq;
mod dnsmasq_words;
pub mod error;
mod faults;
pub mod file;
mod find;
pub mod instances;
pub mod keys;
mod layers;
mod limits;
mod load;
mod lookup;
pub mod machine_link;
mod macvlan;
mod matrix;
pub mod names;
pub mod needs;
pub mod net;
pub mod nic_kind;
mod one_layer;
mod overlay;
mod overrides;
pub mod parse;
mod port_flag;
pub mod provides;
mod reach;
pub mod read;
mod readme;
mod references;
mod removal;
mod schema;
pub mod step;
mod topology;
pub mod units;
pub mod validate;
mod vantage_point;
pub mod vmm;

pub use action::{Action, Change};
pub use beneath::{Beneath, EntryKind, Unread};
pub use bounds::Bounds;
pub use check_kind::CheckKind;
pub use contents::{Container, GuestFile, GuestFileKind};
pub use dnsmasq::{AdvertisedPrefix, DnsFault, Dnsmasq, RouterAdvertisement};
pub use error::{Fault, Gravity, ScenarioErrors, render};
pub use find::{FindError, ScenarioName, find, scenario_names};
pub use instances::{LoadedScenario, MatrixValue, UnknownForm};
pub use load::{FILE_NAME, file_of};
pub use load::{load, load_text, load_text_with, load_with};
pub use machine_link::MachineLink;
pub use macvlan::MacvlanMode;
pub use nic_kind::NicKind;
pub use overrides::{Overrides, OverridesError};
pub use port_flag::PortFlag;
pub use readme::{Described, action_kinds, check_kinds, readme};
pub use references::references;
pub use schema::schema;
pub use step::Step;
pub use topology::{Bridge, BridgePort, HostEnd, KERNEL_PVID, Route, Ruleset, RulesetTool};
pub use vantage_point::VantagePoint;
pub use vmm::{GuestStart, HypervisorKind, MachineType, NicOptions, TapOpen, Transport};

pub use crate::networkd::{NETWORKD_CONF, UnitFile};

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use names::{CheckId, IfName, MachineName, StepId, VariantName};
use net::Mac;

/// One runnable scenario: a scenario file with at most one variant laid over it, fully checked.
///
/// The only way to get one is [`load`]ing a file; so holding one means that every reference in it resolves.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Folder or file stem, for example `simple-network`.
    pub name: String,
    /// The variant laid over the file; `None` is the green form.
    pub variant: Option<VariantName>,
    /// One line for people.
    pub summary: String,
    /// The page or report it comes from.
    pub source: Option<String>,
    /// Free labels to filter by.
    pub tags: Vec<String>,
    /// What the machine must offer, by the names of `host::capability`; absent: the run is skipped by that name.
    pub needs: Vec<String>,
    /// The values of the file's matrix in this form; empty without a matrix.
    pub matrix: Vec<MatrixValue>,
    /// The values that stand over all that the file says, in this form; empty unless [`load_with`] was given any.
    pub overrides: Vec<MatrixValue>,
    /// File it was read from.
    pub path: PathBuf,
    /// Cables and switches that machines are plugged into.
    pub segments: BTreeMap<MachineName, Segment>,
    /// Machines that are network namespaces: internet, router, LAN machines and the MicroVM host.
    pub machines: BTreeMap<MachineName, Machine>,
    /// The MicroVMs.
    pub guests: BTreeMap<MachineName, Guest>,
    /// What should hold, in the file's order.
    pub checks: Vec<Check>,
    /// What is done one after another once the lab stands, with checks between.
    pub steps: Vec<Step>,
    /// For a variant: the checks that must fail, those of `any_of` included, each with the words its `got` must contain when it
    /// does (may be empty). Empty for the green form.
    pub must_fail: BTreeMap<CheckId, String>,
    /// Sets of checks of which at least one must fail, and each may.
    pub any_of: Vec<Vec<CheckId>>,
    /// What VMMs that the command line imposes on its guests cannot do of it, each with the VMM. With any of these it is
    /// skipped; in a file they are faults.
    pub beyond: Vec<(HypervisorKind, String)>,
    /// What is doubtful about its unit files.
    pub warnings: Vec<Fault>,
    /// Unit files that are meant to be as they are, by where they are.
    pub faulty_units: BTreeSet<(VantagePoint, String)>,
}

/// A layer-2 segment between machines of the lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// A veth pair between exactly two interfaces.
    Cable,
    /// A bridge in the lab's fabric namespace with one port for each interface.
    Switch(Switch),
}

/// What a LAN switch is told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Switch {
    /// MTU of its sockets in bytes: what is longer is lost; that of the interface plugged in when absent.
    pub mtu: Option<u32>,
    /// IGMP and MLD snooping.
    pub multicast_snooping: bool,
    /// As of a machine's bridge.
    pub group_fwd_mask: Option<u16>,
    /// Options of ports, by the machine and its interface that are plugged in.
    pub ports: BTreeMap<(MachineName, IfName), BridgePort>,
}

/// A machine that is a network namespace.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    /// Plugged interfaces, in order.
    pub interfaces: Vec<MachineInterface>,
    /// Bridges made by rtnetlink (not on machines that run networkd, which has `.netdev` files).
    pub bridges: BTreeMap<IfName, Bridge>,
    /// Other links made by rtnetlink (not on machines that run networkd, which has `.netdev` files).
    pub links: Vec<Arc<dyn MachineLink>>,
    /// Forward IPv4 and IPv6 between interfaces (`net.ipv4.ip_forward`, `net.ipv6.conf.all.forwarding`).
    pub forward: bool,
    /// Static routes beside the connected ones.
    pub routes: Vec<Route>,
    /// Sysctls below `net.`, applied after the lab's own defaults; key in dotted form.
    pub sysctls: BTreeMap<String, String>,
    /// Rulesets, loaded in this order before any link is up.
    pub rulesets: Vec<Ruleset>,
    /// Unit files for a real systemd-networkd in this machine; `None`: it is configured plainly by rtnetlink.
    pub networkd: Option<Vec<UnitFile>>,
    /// Its machine-id(5), with networkd; `None`: one that is derived from its name.
    pub machine_id: Option<String>,
    /// dnsmasq in this machine: DNS, router advertisements, DHCP.
    pub dnsmasq: Option<Dnsmasq>,
    /// A small HTTP server on every address of the machine.
    pub http: Option<HttpServer>,
}

/// An interface of a [`Machine`].
#[derive(Debug, Clone)]
pub struct MachineInterface {
    /// Name inside the machine, for example `eno1`.
    pub name: IfName,
    /// Segment it is plugged into.
    pub segment: MachineName,
    /// MAC address; a stable one is derived from machine and interface name when absent.
    pub mac: Option<Mac>,
    /// Bridge of the machine that it is put on by rtnetlink.
    pub master: Option<IfName>,
    /// Addresses set by rtnetlink (not for machines that run networkd, which has its own files).
    pub addresses: Vec<IpNet>,
    /// MTU in bytes; the kernel's 1500 when absent.
    pub mtu: Option<u32>,
}

/// A small HTTP server: `GET /` answers 200 with `body`.
#[derive(Debug, Clone)]
pub struct HttpServer {
    /// TCP port.
    pub port: u16,
    /// Response body.
    pub body: String,
}

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

/// One property of the network that should hold.
#[derive(Debug, Clone)]
pub struct Check {
    /// Unique in the scenario.
    pub id: CheckId,
    /// Where to look from.
    pub from: VantagePoint,
    /// Looked at when this step is done and before the next one; `None`: before the first.
    pub after: Option<StepId>,
    /// Whose traffic it is about; `None`: that of all other checks with the same `after`.
    pub during: Option<During>,
    /// When it must hold, and when not.
    pub times: Times,
    /// What should hold.
    pub kind: Arc<dyn CheckKind>,
}

/// Whose traffic a check is about: it begins when that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum During {
    /// That of another check with the same `after`.
    Check(CheckId),
    /// That of the step in `after`, which is over before any check begins.
    Step,
}

/// The times of a check, from when it begins. What they mean together is `check::progress`'s business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// How long it may take to become true. Stretched under TCG.
    pub within: Duration,
    /// How long it must then stay true.
    pub holds_for: Option<Duration>,
    /// Before this it must not hold. Less than `within`.
    pub fails_until: Option<Duration>,
    /// It must not hold at any time until `within`.
    pub fails: bool,
}
