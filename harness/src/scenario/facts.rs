//! What the kinds of checks ask for: one structure for each kind that takes more than two keys.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::error::{Fault, code};
use super::file::Place;
use super::names::IfName;
use super::net::Mac;
use super::port_flag::PortFlag;

/// How many of something there must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// At least so many.
    pub least: u64,
    /// At most so many; `None`: any number from `least` on.
    pub most: Option<u64>,
}

impl Bounds {
    /// Whether `count` is within them.
    pub fn allow(&self, count: u64) -> bool {
        count >= self.least && !self.exceeded(count)
    }

    /// Whether `count` is more than there may be.
    pub fn exceeded(&self, count: u64) -> bool {
        self.most.is_some_and(|most| count > most)
    }
}

impl std::fmt::Display for Bounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.least, self.most) {
            (least, None) => write!(f, "at least {least}"),
            (least, Some(most)) if least == most => write!(f, "exactly {least}"),
            (least, Some(most)) => write!(f, "{least} to {most}"),
        }
    }
}

/// ICMP echoes: `ping -c COUNT -s SIZE -i INTERVAL -I SOURCE -M do TO`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ping {
    /// Address to ping, v4 or v6.
    pub to: IpAddr,
    /// How many requests one look sends.
    pub count: u16,
    /// Bytes of data; ping's 56 when absent. The packet is 28 bytes longer, with IPv6 48.
    pub size: Option<u16>,
    /// Set IPv4's "don't fragment" and do not fragment at the source either.
    pub df: bool,
    /// Address to send from.
    pub source: Option<IpAddr>,
    /// Time between two requests.
    pub interval: Duration,
    /// Smallest and largest share of requests that may stay without a reply, in percent.
    pub loss: (u8, u8),
}

/// networkd's view of a link, as `networkctl status LINK` tells it; only what is said is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Networkctl {
    /// Link.
    pub interface: IfName,
    /// SETUP column of `networkctl list`: `configured`, `unmanaged`, ...
    pub setup: Option<String>,
    /// OPERATIONAL column: `routable`, `enslaved`, ...
    pub operational: Option<String>,
    /// "Online state": `online`, `partial`, `offline`.
    pub online: Option<String>,
    /// `RequiredForOnline=` as it counts (systemd.network(5)): `yes`, `no`, or the operational state that it needs.
    pub required_for_online: Option<String>,
    /// "DNS": exactly these servers, in any order, those of leases and advertisements among them.
    pub dns: Option<Vec<IpAddr>>,
    /// "Search Domains": exactly these, in any order.
    pub domains: Option<Vec<String>>,
    /// "Network File": the name of the `.network` file that applies to the link.
    pub file: Option<String>,
}

/// What a resolver must answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DnsExpect {
    /// Exactly these addresses, in any order; none: the name has no record of the kind.
    Addresses(Vec<IpAddr>),
    /// An error, by its name in RFC 1035 and the registry of `RCODE`s: `NXDOMAIN`, `SERVFAIL`, `REFUSED`, ...
    Rcode(String),
    /// Nobody answers.
    Silence,
}

/// DNS record types a check can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordType {
    /// IPv4 address.
    A,
    /// IPv6 address.
    Aaaa,
}

/// A link: `ip -d link show dev INTERFACE`. What is `None` does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Name.
    pub interface: IfName,
    /// It must not exist.
    pub absent: bool,
    /// Bridge (or bond, VRF) that it is a port of.
    pub master: Option<IfName>,
    /// It must be a port of nothing.
    pub nomaster: bool,
    /// Whether there is carrier (`LOWER_UP`).
    pub carrier: Option<bool>,
    /// `up`, `down`, `lowerlayerdown`, `dormant`, `unknown`, ...
    pub operstate: Option<String>,
    /// Bytes.
    pub mtu: Option<u32>,
    /// MAC address.
    pub mac: Option<Mac>,
    /// State of the bridge port: `disabled`, `listening`, `learning`, `forwarding`, `blocking`.
    pub state: Option<String>,
    /// Flags that must be set, as `ip` prints them: `UP`, `PROMISC`, `ALLMULTI`.
    pub flags: Vec<String>,
    /// `bridge`, `veth`, `tun`, `macvtap`, ...
    pub kind: Option<String>,
    /// Whether a TAP was made with `multi_queue` (`IFF_MULTI_QUEUE`).
    pub multi_queue: Option<bool>,
    /// Whether a TAP was made with `vnet_hdr` (`IFF_VNET_HDR`).
    pub vnet_hdr: Option<bool>,
    /// Switches of the bridge port.
    pub port_flags: BTreeMap<PortFlag, bool>,
}

/// In which state an address must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddressState {
    /// There, and past duplicate address detection.
    #[default]
    Usable,
    /// Not there.
    Absent,
    /// Duplicate address detection is under way.
    Tentative,
    /// Another machine has it (RFC 4862).
    DadFailed,
    /// There, but not for new connections.
    Deprecated,
}

/// A neighbour: `ip neigh show ADDRESS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// Interface; `None`: any.
    pub interface: Option<IfName>,
    /// Its IP address.
    pub address: IpAddr,
    /// Its MAC address, when it matters.
    pub mac: Option<Mac>,
    /// State (`reachable`, `stale`, `failed`, ...); `None`: any in which its MAC address is known.
    pub state: Option<String>,
    /// There must be no such entry.
    pub absent: bool,
}

/// An entry of a bridge's forwarding database: `bridge fdb show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fdb {
    /// MAC address.
    pub mac: Mac,
    /// Port behind which it is; `None`: any.
    pub interface: Option<IfName>,
    /// Bridge; `None`: any.
    pub bridge: Option<IfName>,
    /// VLAN, when it matters.
    pub vlan: Option<u16>,
    /// There must be no such entry.
    pub absent: bool,
}

/// An entry of a bridge's multicast database: `bridge mdb show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mdb {
    /// Multicast group.
    pub group: IpAddr,
    /// Port with members of the group; the bridge itself has entries, too. `None`: any.
    pub interface: Option<IfName>,
    /// Bridge; `None`: any.
    pub bridge: Option<IfName>,
    /// There must be no such entry.
    pub absent: bool,
}

/// A VLAN of a bridge port: `bridge vlan show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeVlan {
    /// Port, or the bridge itself.
    pub interface: IfName,
    /// VLAN.
    pub vlan: u16,
    /// Whether untagged frames that come in belong to it, when that matters.
    pub pvid: Option<bool>,
    /// Whether its frames go out untagged, when that matters.
    pub untagged: Option<bool>,
    /// The port must not be in it.
    pub absent: bool,
}

/// A command that is run at the vantage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Program and arguments; no shell.
    pub run: Vec<String>,
    /// Exit status that it must have.
    pub status: u8,
    /// Words that its standard output must contain.
    pub stdout: String,
}

/// A filter in tcpdump's language (pcap-filter(7)), and where it stands in its file.
#[derive(Debug, Clone)]
pub struct Filter {
    /// The expression.
    pub text: String,
    place: Place,
}

impl Filter {
    pub(super) fn new(text: &str, place: &Place) -> Self {
        Self {
            text: text.to_owned(),
            place: place.clone(),
        }
    }

    /// The fault to report when tcpdump refuses the expression with these words.
    pub fn refused(&self, said: &str) -> Fault {
        let message = format!("`{}` is not a filter", self.text);
        Fault::new(&self.place, code::BAD_VALUE, message, said.to_owned()).help(
            "pcap-filter(7) has the syntax, for example `icmp6 and ip6[40] == 135`".to_owned(),
        )
    }
}

/// Frames on a wire that the lab captures.
#[derive(Debug, Clone)]
pub struct Packet {
    /// Interface whose wire is watched: a guest's `id`, or a machine's interface or TAP.
    pub interface: IfName,
    /// Which frames.
    pub filter: Filter,
    /// How many.
    pub count: Bounds,
    /// Only those of so long ago; `None`: all.
    pub last: Option<Duration>,
    /// Only those since the check began, not since the link was made.
    pub since_check: bool,
    /// Only those in whose description by `tcpdump -vv` these words are; empty: all.
    pub says: String,
}

/// Who counts packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Firewall {
    /// `nft`.
    #[default]
    Nft,
    /// `iptables`.
    Iptables,
    /// `ip6tables`.
    Ip6tables,
}

/// The counter of a firewall's rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// Whose.
    pub firewall: Firewall,
    /// Table: of nft with its family, `inet filter`.
    pub table: String,
    /// Chain.
    pub chain: String,
    /// Words of the rule, as the tool lists it. Empty: with iptables the chain's policy, with nft any rule.
    pub rule: String,
    /// Packets that it must have counted.
    pub packets: Bounds,
}

/// A process at the vantage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// File name of the program, as in its first argument.
    pub name: String,
    /// User that it must run as, by name or number, when that matters.
    pub user: Option<String>,
    /// There must be none.
    pub absent: bool,
}
