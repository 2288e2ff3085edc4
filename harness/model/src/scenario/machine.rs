//! Machines of the lab: network namespaces, with what is plugged into them, made and served there.

use std::collections::BTreeMap;
use std::sync::Arc;

use ipnet::IpNet;

use super::dnsmasq::Dnsmasq;
use super::machine_link::MachineLink;
use super::names::{IfName, MachineName};
use super::net::Mac;
use super::topology::{Bridge, Route, Ruleset};
use crate::networkd::UnitFile;

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
