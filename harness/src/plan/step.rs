//! One kernel or process action each.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::scenario::names::IfName;
use crate::scenario::net::Mac;
use crate::scenario::{Dnsmasq, GuestStart, HttpServer, UnitFile};

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
pub enum Step {
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
    /// An address.
    Address {
        /// Machine.
        machine: String,
        /// Interface.
        interface: String,
        /// Address with prefix length.
        address: IpNet,
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
        /// Destination.
        to: IpNet,
        /// Next hop.
        via: IpAddr,
    },
    /// A web server.
    Http {
        /// Machine.
        machine: String,
        /// What it serves.
        config: HttpServer,
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
    },
    /// A guest's TAP, as microvm.nix's `tap-up` makes it. Its bridge is networkd's business.
    Tap {
        /// Machine.
        machine: String,
        /// Guest it is for.
        guest: String,
        /// Name on the host side.
        id: IfName,
        /// Whether the lab holds it open for the VMM, to hand down its descriptor. Otherwise it has no carrier until
        /// the VMM opens it by name, or until it is made anew for a start.
        held: bool,
    },
    /// Starts a guest.
    Guest {
        /// Its name.
        name: String,
        /// When.
        start: GuestStart,
    },
}
