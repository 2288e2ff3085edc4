//! Router advertisements as they were on the wire (RFC 4861 section 4.2, RDNSS of RFC 8106 section 5.1).

use std::net::Ipv6Addr;

use futures_util::FutureExt;
use ipnet::Ipv6Net;

use crate::check::Verdict;
use crate::check::ghosts::Ghosts;
use crate::check::kind::{Kind, Looked};
use crate::check::looking::Looking;
use crate::scenario::check_kind::{Asked, Declared, Looks};
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
    const HOLDS: &'static str =
        "such an advertisement passes on the wire; from a guest, `interface` is an `id`";
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

impl Kind for RouterAdvert {
    fn expected(&self) -> String {
        format!(
            "a router advertisement for {} on the wire of {}",
            self.prefix, self.interface
        )
    }

    fn holds_by_lack(&self) -> bool {
        false
    }

    fn ghost_limit(&self, _: &Ghosts<'_>) -> Option<String> {
        None
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async {
            let seen = at.capture(&self.interface)?.filter_map(|frame| {
                let counts = at.around.since.is_none_or(|since| frame.at >= since);
                counts.then(|| parse(&frame.bytes)).flatten()
            });
            Ok(judge(self, &seen))
        }
        .boxed_local()
    }
}

const ETHERTYPE_IPV6: u16 = 0x86dd;
const NEXT_HEADER_ICMPV6: u8 = 58;
const ROUTER_ADVERTISEMENT: u8 = 134;
const OPTION_PREFIX: u8 = 3;
const OPTION_RDNSS: u8 = 25;

/// A router advertisement.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Advert {
    /// Who sent it; must be link-local.
    pub source: Ipv6Addr,
    /// M flag.
    pub managed: bool,
    /// O flag.
    pub other: bool,
    /// Router lifetime in seconds.
    pub lifetime: u16,
    /// Prefixes, each with its autonomous flag.
    pub prefixes: Vec<(Ipv6Net, bool)>,
    /// Recursive DNS servers.
    pub rdnss: Vec<Ipv6Addr>,
}

/// The advertisement in an Ethernet frame, if it is one that a host would accept.
fn parse(frame: &[u8]) -> Option<Advert> {
    let mut packet = frame.get(12..)?;
    let ethertype = loop {
        let (word, rest) = packet.split_first_chunk()?;
        packet = rest;
        match u16::from_be_bytes(*word) {
            // IEEE 802.1Q and 802.1ad: two bytes that name the VLAN, and the next type.
            0x8100 | 0x88a8 => packet = packet.get(2..)?,
            ethertype => break ethertype,
        }
    };
    // RFC 4861 6.1.2: a hop limit below 255 means that it was forwarded, and it is to be discarded.
    let (next_header, hop_limit) = (*packet.get(6)?, *packet.get(7)?);
    if ethertype != ETHERTYPE_IPV6 || next_header != NEXT_HEADER_ICMPV6 || hop_limit != 255 {
        return None;
    }
    let source = address(packet, 8)?;
    let payload = usize::from(u16::from_be_bytes([*packet.get(4)?, *packet.get(5)?]));
    let message = packet.get(40..40 + payload)?;
    if *message.first()? != ROUTER_ADVERTISEMENT {
        return None;
    }
    let flags = *message.get(5)?;
    let mut advert = Advert {
        source,
        managed: flags & 0x80 != 0,
        other: flags & 0x40 != 0,
        lifetime: u16::from_be_bytes([*message.get(6)?, *message.get(7)?]),
        prefixes: Vec::new(),
        rdnss: Vec::new(),
    };
    let mut options = message.get(16..)?;
    while let (Some(&kind), Some(&units)) = (options.first(), options.get(1)) {
        let len = usize::from(units) * 8;
        // RFC 4861 4.6: a length of zero makes the whole packet invalid.
        if len == 0 {
            return None;
        }
        let option = options.get(..len)?;
        match kind {
            OPTION_PREFIX if len >= 32 => {
                let prefix = Ipv6Net::new(address(option, 16)?, option[2]).ok()?;
                advert.prefixes.push((prefix, option[3] & 0x40 != 0));
            }
            OPTION_RDNSS => {
                advert
                    .rdnss
                    .extend((8..len).step_by(16).filter_map(|at| address(option, at)));
            }
            _ => {}
        }
        options = &options[len..];
    }
    Some(advert)
}

fn address(bytes: &[u8], at: usize) -> Option<Ipv6Addr> {
    let octets: [u8; 16] = bytes.get(at..at + 16)?.try_into().ok()?;
    Some(Ipv6Addr::from(octets))
}

/// Judges all advertisements seen on a wire: one must be as wanted.
fn judge(wanted: &RouterAdvert, seen: &[Advert]) -> Verdict {
    let Some(last) = seen.last() else {
        return Verdict::violated("no router advertisement on the wire");
    };
    let right = |advert: &&Advert| {
        advert.source.is_unicast_link_local()
            && advert
                .prefixes
                .contains(&(wanted.prefix, wanted.autonomous))
            && (advert.managed, advert.other) == (wanted.managed, wanted.other)
            && advert.lifetime >= wanted.min_lifetime
            && wanted
                .rdnss
                .iter()
                .all(|server| advert.rdnss.contains(server))
    };
    match seen.iter().find(right) {
        Some(advert) => Verdict::holds(advert.to_string()),
        None => Verdict::violated(last.to_string()),
    }
}

impl std::fmt::Display for Advert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "from {} lifetime {} s", self.source, self.lifetime)?;
        for (prefix, autonomous) in &self.prefixes {
            write!(
                f,
                " prefix {prefix}{}",
                if *autonomous { " autonomous" } else { "" }
            )?;
        }
        for server in &self.rdnss {
            write!(f, " rdnss {server}")?;
        }
        write!(
            f,
            "{}{}",
            if self.managed { " managed" } else { "" },
            if self.other { " other" } else { "" }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An advertisement put together from RFC 4861's figures: prefix 2001:db8::/64 (L, A), RDNSS 2001:db8::1.
    fn frame() -> Vec<u8> {
        let router: Ipv6Addr = "fe80::1".parse().expect("address");
        let all_nodes: Ipv6Addr = "ff02::1".parse().expect("address");
        let prefix: Ipv6Addr = "2001:db8::".parse().expect("address");
        let server: Ipv6Addr = "2001:db8::1".parse().expect("address");
        let mut icmp = vec![134, 0, 0, 0, 64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0];
        icmp.extend([
            3, 4, 64, 0xc0, 0, 0, 0x0e, 0x10, 0, 0, 0x0e, 0x10, 0, 0, 0, 0,
        ]);
        icmp.extend(prefix.octets());
        icmp.extend([25, 3, 0, 0, 0, 0, 0x0e, 0x10]);
        icmp.extend(server.octets());
        let mut frame = vec![0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0x86, 0xdd];
        frame.extend([0x60, 0, 0, 0, 0, icmp.len() as u8, 58, 255]);
        frame.extend(router.octets());
        frame.extend(all_nodes.octets());
        frame.extend(icmp);
        frame
    }

    fn wanted(rdnss: &[Ipv6Addr]) -> RouterAdvert {
        RouterAdvert {
            interface: "eth0".try_into().expect("a name"),
            prefix: "2001:db8::/64".parse().expect("prefix"),
            autonomous: true,
            managed: false,
            other: false,
            min_lifetime: 1,
            rdnss: rdnss.to_vec(),
        }
    }

    #[test]
    fn an_advertisement_in_a_vlan_is_read_as_well() {
        for tags in [&[0x81, 0, 0, 100][..], &[0x88, 0xa8, 0, 5, 0x81, 0, 0, 100]] {
            let mut tagged = frame();
            tagged.splice(12..12, tags.iter().copied());
            assert_eq!(parse(&tagged), parse(&frame()));
            assert!(parse(&tagged).is_some());
        }
    }

    #[test]
    fn a_right_advertisement_is_read_and_holds() {
        let advert = parse(&frame()).expect("an advertisement");
        let got = "from fe80::1 lifetime 1800 s prefix 2001:db8::/64 autonomous rdnss 2001:db8::1";
        assert_eq!(advert.to_string(), got);
        let server = ["2001:db8::1".parse().expect("address")];
        assert_eq!(judge(&wanted(&server), &[advert]), Verdict::holds(got));
    }

    #[test]
    fn a_missing_server_or_a_forwarded_packet_does_not() {
        let advert = parse(&frame()).expect("an advertisement");
        let server = ["2001:db8::53".parse().expect("address")];
        assert!(!judge(&wanted(&server), &[advert]).holds);
        assert!(!judge(&wanted(&[]), &[]).holds);
        let mut forwarded = frame();
        forwarded[21] = 254;
        assert_eq!(parse(&forwarded), None);
    }

    #[test]
    fn no_truncation_or_flipped_byte_panics() {
        let whole = frame();
        for len in 0..whole.len() {
            let _ = parse(&whole[..len]);
            for value in [0, 1, 0x7f, 0xff] {
                let mut bent = whole.clone();
                bent[len] = value;
                let _ = parse(&bent);
            }
        }
    }
}
