//! A router advertisement was seen on the wire at this vantage's interface.

use std::net::Ipv6Addr;

use ipnet::Ipv6Net;

use super::asked::{Asked, Declared, Looks};
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::names::IfName;
use crate::scenario::parse;

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

impl Declared for RouterAdvert {
    const KEYS: TableKeys = table_keys(
        "router_advert",
        "such an advertisement passes on the wire; from a guest, `interface` is an `id`",
        &[
            must("interface", KeyType::INTERFACE, "whose wire is watched"),
            must("prefix", KeyType::IPV6_PREFIX, "advertised prefix"),
            may(
                "autonomous",
                KeyType::Flag,
                "true",
                "the prefix is for SLAAC",
            ),
            may(
                "managed",
                KeyType::Flag,
                "false",
                "M flag: addresses by DHCPv6",
            ),
            may(
                "other",
                KeyType::Flag,
                "false",
                "O flag: the rest by DHCPv6",
            ),
            may(
                "min_lifetime",
                KeyType::Integer(0, 65_535),
                "1",
                "least router lifetime, in seconds",
            ),
            may(
                "rdnss",
                KeyType::List(&KeyType::IPV6),
                "[]",
                "DNS servers in it",
            ),
        ],
    );
    const LOOKS: Looks = Looks::machine_or_guest(|_| None);

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked { reader, .. } = *asked;
        let interface = asked.captured();
        let prefix = reader.need("prefix", reader.word("prefix", parse::prefix_v6));
        let rdnss = reader.words("rdnss", parse::ipv6);
        let flags = ["autonomous", "managed", "other"].map(|key| reader.flag(key));
        let min_lifetime = reader.number::<u16>("min_lifetime");
        Some(Self {
            interface: interface?,
            prefix: prefix?.value,
            autonomous: flags[0].unwrap_or(true),
            managed: flags[1].unwrap_or(false),
            other: flags[2].unwrap_or(false),
            min_lifetime: min_lifetime.unwrap_or(1),
            rdnss: rdnss.into_iter().map(|address| address.value).collect(),
        })
    }
}
