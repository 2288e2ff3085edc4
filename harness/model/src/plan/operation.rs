//! One kernel or process action each.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::bridge::VlanChange;
use super::link::Link;
use crate::scenario::names::IfName;
use crate::scenario::{
    BridgePort, DnsFault, Dnsmasq, GuestStart, HttpServer, Route, Ruleset, UnitFile,
};

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
    /// A link of one of the kinds in `lab::links`, down.
    Link(Arc<dyn Link>),
    /// The MTU of a link.
    Mtu {
        /// Machine.
        machine: String,
        /// Link.
        link: String,
        /// In bytes.
        mtu: u32,
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
