//! What checks ask for: one structure for each kind of check.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv6Net};

pub use super::facts::{
    AddressState, BridgeVlan, Command, Counter, DnsExpect, Fdb, Link, Mdb, Neighbour, Networkctl,
    Packet, Ping, Process, RecordType,
};
use super::names::{IfName, MachineName};

/// The kinds of checks.
///
/// An `interface` is a name at the check's vantage point. From a guest, one of the guest's own `id`s means the
/// NIC with that MAC address, whatever the guest's kernel calls it.
#[derive(Debug, Clone)]
pub enum CheckKind {
    /// ICMP echoes are answered: `ping TO`.
    Ping(Ping),
    /// A name resolves, or does not in the named way: `resolvectl query NAME`, or `dig @SERVER NAME`.
    Dns(Dns),
    /// A router advertisement was seen on the wire at this vantage's interface.
    RouterAdvert(RouterAdvert),
    /// A router advertisement was accepted: an address in `prefix` beside the static ones, past duplicate
    /// address detection, and a default route with `proto ra`.
    RaAccepted(RaAccepted),
    /// A TCP connection is accepted.
    Tcp(Tcp),
    /// `GET http://TO:PORT/` answers 200 and the body contains `expect`.
    Http(Http),
    /// An SSH server answers with the host key that the harness gave that guest.
    Ssh(Ssh),
    /// `ip addr show dev INTERFACE` has the address, in that state.
    Address(Address),
    /// `ip route` has a route.
    Route(Route),
    /// `bridge link`: the interface is a port of the bridge and forwards.
    BridgePort(BridgePort),
    /// networkd's view of a link: `networkctl status`.
    Networkctl(Networkctl),
    /// `systemd-networkd-wait-online` returns success.
    WaitOnline(WaitOnline),
    /// The container's veth in the guest is a port of Docker's bridge.
    ContainerVeth(ContainerVeth),
    /// The container runs, or Docker refused to start it.
    Container(Container),
    /// The guest's VMM runs, or refused to start.
    Vmm(Vmm),
    /// `ip -d link` shows the link so.
    Link(Link),
    /// `ip neigh` has the neighbour.
    Neighbour(Neighbour),
    /// `bridge fdb` has the entry.
    Fdb(Fdb),
    /// `bridge mdb` has the entry.
    Mdb(Mdb),
    /// `bridge vlan` has the VLAN.
    BridgeVlan(BridgeVlan),
    /// `sysctl -n KEY` is the value.
    Sysctl(Sysctl),
    /// A command ends so and says that.
    Command(Command),
    /// Frames that a filter matches were seen.
    Packet(Packet),
    /// A firewall's rule has counted so many packets.
    Counter(Counter),
    /// A process runs, as that user.
    Process(Process),
}

/// A name resolves, or does not in the named way: `resolvectl query NAME`, or `dig @SERVER NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dns {
    /// Name to look up.
    pub name: String,
    /// `A` or `AAAA`.
    pub record: RecordType,
    /// Ask this server directly; `None`: the vantage's own resolver.
    pub server: Option<IpAddr>,
    /// Address to ask that server from; `None`: the kernel's choice.
    pub source: Option<IpAddr>,
    /// The answer.
    pub expect: DnsExpect,
}

/// A router advertisement was seen on the wire at this vantage's interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouterAdvert {
    /// Interface whose wire is watched: a guest's host-side `id`, or a machine's interface.
    pub interface: IfName,
    /// Advertised prefix.
    pub prefix: Ipv6Net,
    /// The prefix's autonomous (SLAAC) flag.
    pub autonomous: bool,
    /// M flag: addresses by DHCPv6.
    pub managed: bool,
    /// O flag: other configuration by DHCPv6.
    pub other: bool,
    /// Smallest acceptable router lifetime in seconds.
    pub min_lifetime: u16,
    /// Recursive DNS servers that must be in it.
    pub rdnss: Vec<Ipv6Addr>,
}

/// A router advertisement was accepted: an address in `prefix` beside the static ones, past duplicate
/// address detection, and a default route with `proto ra`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RaAccepted {
    /// Interface; `None`: any.
    pub interface: Option<IfName>,
    /// Prefix of the SLAAC address.
    pub prefix: Ipv6Net,
}

/// A TCP connection is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tcp {
    /// Destination.
    pub to: IpAddr,
    /// Port.
    pub port: u16,
    /// Address to send from; `None`: the kernel's choice.
    pub source: Option<IpAddr>,
    /// Send so many known bytes there as well, `PUT /bytes/N` to one of the lab's own web servers, which counts them: all
    /// must arrive unharmed.
    pub bytes: Option<u32>,
}

/// `GET http://TO:PORT/` answers 200 and the body contains `expect`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// Destination.
    pub to: IpAddr,
    /// Port.
    pub port: u16,
    /// Address to send from; `None`: the kernel's choice.
    pub source: Option<IpAddr>,
    /// Words in the body.
    pub expect: String,
    /// Get `/bytes/N` of one of the lab's own servers instead, whose body is exactly N known bytes.
    pub bytes: Option<u32>,
}

/// An SSH server answers with the host key that the harness gave that guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssh {
    /// Destination address.
    pub to: IpAddr,
    /// Whose host key it must be.
    pub guest: MachineName,
    /// Address to send from; `None`: the kernel's choice.
    pub source: Option<IpAddr>,
}

/// `ip addr show dev INTERFACE` has the address, in that state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Interface; `None`: any.
    pub interface: Option<IfName>,
    /// Address with prefix length, or a prefix that stands for every address in it.
    pub address: IpNet,
    /// Whether `address` is such a prefix.
    pub any_of_prefix: bool,
    /// In which state.
    pub state: AddressState,
}

/// `ip route` has a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Destination.
    pub to: IpNet,
    /// Next hop, when it matters.
    pub via: Option<IpAddr>,
    /// Routing protocol (`static`, `ra`, `kernel`), when it matters.
    pub proto: Option<String>,
    /// Interface, when it matters.
    pub dev: Option<IfName>,
    /// Metric, when it matters.
    pub metric: Option<u32>,
    /// There must be no such route.
    pub absent: bool,
}

/// `bridge link`: the interface is a port of the bridge and forwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgePort {
    /// Port.
    pub interface: IfName,
    /// Its master.
    pub bridge: IfName,
}

/// `systemd-networkd-wait-online` returns success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitOnline {
    /// Only this link (`-i`); `None`: all managed links.
    pub interface: Option<IfName>,
}

/// The container's veth in the guest is a port of Docker's bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerVeth {
    /// Container of the vantage's guest.
    pub container: MachineName,
    /// Bridge it must be a port of.
    pub bridge: IfName,
}

/// The container runs, or Docker refused to start it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Container of the vantage's guest.
    pub name: MachineName,
    /// Words of Docker's when it must have refused it; `None`: it must run.
    pub refused: Option<String>,
}

/// The guest's VMM runs, or refused to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vmm {
    /// Whose VMM.
    pub guest: MachineName,
    /// Words of its stderr when it must have refused; `None`: it must run.
    pub refused: Option<String>,
}

/// `sysctl -n KEY` is the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sysctl {
    /// Dotted key below `net.`.
    pub key: String,
    /// Value.
    pub value: String,
}
