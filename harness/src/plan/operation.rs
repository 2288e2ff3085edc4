//! One kernel or process action each.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::bridge::VlanChange;
use crate::scenario::names::IfName;
use crate::scenario::net::Mac;
use crate::scenario::{
    Bridge, BridgePort, DnsFault, Dnsmasq, GuestStart, HostEnd, HttpServer, MacvlanMode, Macvtap,
    Route, Ruleset, Switch, UnitFile,
};

/// One end of a veth pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkEnd {
    /// Machine that holds it.
    pub machine: String,
    /// Interface name there.
    pub name: IfName,
    /// MAC address; the kernel chooses when absent.
    pub mac: Option<Mac>,
    /// MTU in bytes; 1500 when absent.
    pub mtu: Option<u32>,
}

/// A step of a [`TopologyPlan`](super::TopologyPlan); each undoes itself when its machine goes.
#[derive(Debug, Clone)]
pub enum Operation {
    /// A machine: network, mount and UTS namespace.
    Machine {
        /// Its name.
        name: String,
        /// Whether it gets a private `/run` for systemd-networkd.
        private_run: bool,
        /// Its machine-id(5); this machine's own when absent.
        machine_id: Option<String>,
    },
    /// A sysctl of a machine. `optional` ones may be missing on this kernel; what was found is recorded.
    Sysctl {
        /// Machine.
        machine: String,
        /// Dotted key.
        key: String,
        /// Value.
        value: String,
        /// Whether the key may be missing.
        optional: bool,
    },
    /// A bridge that stands for a LAN switch.
    Switch {
        /// Machine.
        machine: String,
        /// Bridge name.
        name: String,
        /// What it is told.
        config: Switch,
    },
    /// A bridge of a machine, down.
    Bridge {
        /// Machine.
        machine: String,
        /// Name.
        name: IfName,
        /// Its options. Addresses and ports are steps of their own.
        config: Bridge,
    },
    /// The MTU of a link.
    Mtu {
        /// Machine.
        machine: String,
        /// Link.
        link: String,
        /// In bytes.
        mtu: u32,
    },
    /// A cable.
    Veth {
        /// End made first.
        here: LinkEnd,
        /// The other end.
        there: LinkEnd,
    },
    /// A packet capture, running before the link goes up.
    Capture {
        /// Machine whose end is watched.
        machine: String,
        /// Link.
        link: String,
        /// Name of the capture file, for people: the machine and interface that the cable leads to.
        file: String,
    },
    /// Puts a link on a bridge.
    Master {
        /// Machine.
        machine: String,
        /// Port.
        port: String,
        /// Bridge.
        bridge: String,
    },
    /// What a bridge does with one of its ports.
    BridgePort {
        /// Machine.
        machine: String,
        /// Port.
        port: IfName,
        /// Its options; VLANs are steps of their own.
        options: BridgePort,
    },
    /// A VLAN of a bridge's port.
    Vlan {
        /// Machine.
        machine: String,
        /// Port.
        port: IfName,
        /// What changes.
        change: VlanChange,
    },
    /// An address.
    Address {
        /// Machine.
        machine: String,
        /// Interface.
        interface: String,
        /// Address with prefix length.
        address: IpNet,
    },
    /// Loads a firewall's rules. All links that the lab makes are there then, and down; those of networkd and of
    /// guests are not.
    Ruleset {
        /// Machine.
        machine: String,
        /// What is loaded.
        ruleset: Ruleset,
    },
    /// Brings a link up.
    Up {
        /// Machine.
        machine: String,
        /// Link.
        link: String,
    },
    /// A route.
    Route {
        /// Machine.
        machine: String,
        /// Where to, and how.
        route: Route,
    },
    /// A web server.
    Http {
        /// Machine.
        machine: String,
        /// What it serves.
        config: HttpServer,
    },
    /// Answers the names that a machine's dnsmasq passes on: failures, silence and lateness.
    DnsFaults {
        /// Machine.
        machine: String,
        /// For each name, what is wrong, and the right answer.
        responses: BTreeMap<String, (DnsFault, Vec<IpAddr>)>,
    },
    /// dnsmasq.
    Dnsmasq {
        /// Machine.
        machine: String,
        /// What it serves.
        config: Dnsmasq,
    },
    /// systemd-networkd with these unit files.
    Networkd {
        /// Machine.
        machine: String,
        /// The files, unmodified.
        units: Vec<UnitFile>,
        /// Whether it finds a udev that knows every link, as on a booted system. A ghost's does not: the kernel calls the
        /// link that stands for a NIC another type of device than the NIC.
        udev: bool,
    },
    /// A guest's TAP, as microvm.nix's `tap-up` makes it.
    Tap {
        /// Machine.
        machine: String,
        /// Guest it is for.
        guest: String,
        /// Which of the guest's interfaces it is, from 0.
        index: usize,
        /// Name on the host side.
        id: IfName,
        /// Owner and flags; the rest are steps of their own.
        end: HostEnd,
        /// How many of its queues the lab holds open for the VMM, to hand down the descriptors. None: it has no carrier
        /// until the VMM opens it by name, or until it is made anew for a start.
        held: usize,
    },
    /// A guest's macvtap, as microvm.nix's `macvtap-up` makes it, down.
    Macvtap {
        /// Machine.
        machine: String,
        /// Guest it is for.
        guest: String,
        /// Which of the guest's interfaces it is, from 0.
        index: usize,
        /// Name on the host side.
        id: IfName,
        /// The guest's address, which is the link's, too.
        mac: Mac,
        /// What it is put on, and how.
        macvtap: Macvtap,
        /// Flags of the descriptors; the rest are steps of their own.
        end: HostEnd,
        /// How many of its queues the lab opens for the VMM, to hand down the descriptors.
        held: usize,
    },
    /// A macvlan, down: a machine's own, or one that stands for a guest's macvtap and is born on the ghost.
    Macvlan {
        /// Machine of the link that it is put on.
        machine: String,
        /// That link.
        link: IfName,
        /// The machine that gets it, and what it is there.
        there: LinkEnd,
        /// Its mode.
        mode: MacvlanMode,
        /// With [`MacvlanMode::Source`], from whom frames come in.
        sources: Vec<Mac>,
    },
    /// All multicast frames, whether anybody has joined the group or not.
    Allmulticast {
        /// Machine.
        machine: String,
        /// Link.
        link: String,
    },
    /// Starts a guest.
    Guest {
        /// Its name.
        name: String,
        /// When.
        start: GuestStart,
    },
}
