//! What a machine's dnsmasq serves: DNS and its faults, router advertisements, DHCP.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ipnet::Ipv6Net;

use super::names::IfName;

/// dnsmasq in a machine.
#[derive(Debug, Clone)]
pub struct Dnsmasq {
    /// Interface it serves.
    pub interface: IfName,
    /// Names it answers authoritatively; everything else is refused.
    pub records: BTreeMap<String, Vec<IpAddr>>,
    /// Names whose answers are wrong or missing.
    pub faults: BTreeMap<String, DnsFault>,
    /// Router advertisements, if it sends any.
    pub ra: Option<RouterAdvertisement>,
    /// DHCPv4 range (first, last), if it serves one.
    pub dhcp: Option<(Ipv4Addr, Ipv4Addr)>,
    /// DHCPv4 options by dnsmasq's name or number; an empty one is not sent although dnsmasq would.
    pub dhcp_options: BTreeMap<String, Vec<String>>,
}

/// What is wrong with the answer to a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DnsFault {
    /// There is no such name: NXDOMAIN (RFC 1035, RCODE 3).
    NxDomain,
    /// The server failed: SERVFAIL (RCODE 2).
    ServFail,
    /// The server does not answer this: REFUSED (RCODE 5).
    Refused,
    /// No answer comes.
    NoAnswer,
    /// The right answer comes this much later.
    Late(Duration),
}

/// What the router advertises (RFC 4861, RFC 8106).
#[derive(Debug, Clone)]
pub struct RouterAdvertisement {
    /// Prefixes; at least one.
    pub prefixes: Vec<AdvertisedPrefix>,
    /// Recursive DNS servers; empty: none advertised.
    pub rdnss: Vec<Ipv6Addr>,
    /// Router lifetime in seconds; 0: not a default router.
    pub lifetime: u16,
    /// M flag: addresses by DHCPv6, which is served then.
    pub managed: bool,
    /// O flag: other configuration by DHCPv6. Always with `managed`.
    pub other: bool,
}

/// A prefix information option (RFC 4861, 4.6.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdvertisedPrefix {
    /// The prefix; the interface has an address in it.
    pub prefix: Ipv6Net,
    /// Valid lifetime, which is the preferred lifetime, too; not looked at of a deprecated prefix.
    pub lifetime: Duration,
    /// Whether the preferred lifetime is 0, and the valid one without end: addresses are not taken for new connections.
    pub deprecated: bool,
    /// A flag: addresses by SLAAC.
    pub autonomous: bool,
    /// L flag: the prefix is on this link.
    pub on_link: bool,
}

impl AdvertisedPrefix {
    /// A prefix as home routers advertise it: SLAAC, on the link, for a day.
    pub fn usual(prefix: Ipv6Net) -> Self {
        Self {
            prefix,
            lifetime: Duration::from_secs(24 * 3600),
            deprecated: false,
            autonomous: true,
            on_link: true,
        }
    }
}
