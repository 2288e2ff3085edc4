//! Observation points: empty chains at the beginning and at the end of each hook of nftables, whose rules trace the packets of
//! probes and nothing else.
//!
//! The rules have a comment each, which says what kind of packet the rule is for: nft(8) prints it with each packet that the rule
//! meets. The tables belong to the process that loads them (`flags owner`), so that the kernel takes them away with the process.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::mark::{Mark, Target, Way};
use super::point::Station;
use crate::check::Asks;

/// Name of the tables.
const TABLE: &str = "bridgelab";
/// UDP port, on a machine's own loopback, of the packet that shows that the trace was read up to it.
pub const CANARY: u16 = 9;

/// First and last priority of a hook.
const FIRST: &str = "-2147483648";
const LAST: &str = "2147483647";

/// Whether a chain is met before all others of its hook, or after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    /// Before.
    First,
    /// After.
    Last,
}

/// A hook that is watched: family, hook, place.
type Hook = (&'static str, &'static str, Station);

/// The hooks without a link of their own.
const HOOKS: [Hook; 12] = [
    ("inet", "prerouting", Station::InetPrerouting),
    ("inet", "input", Station::InetInput),
    ("inet", "forward", Station::InetForward),
    ("inet", "output", Station::InetOutput),
    ("inet", "postrouting", Station::InetPostrouting),
    ("bridge", "prerouting", Station::BridgePrerouting),
    ("bridge", "input", Station::BridgeInput),
    ("bridge", "forward", Station::BridgeForward),
    ("bridge", "output", Station::BridgeOutput),
    ("bridge", "postrouting", Station::BridgePostrouting),
    ("arp", "input", Station::ArpInput),
    ("arp", "output", Station::ArpOutput),
];

/// What a chain of [`TABLE`] watches; `None`: it is no chain of ours.
pub(super) fn watched(family: &str, chain: &str) -> Option<(Station, End)> {
    if family == "netdev" {
        return match chain.split('-').next() {
            Some("ingress") => Some((Station::Ingress, End::Last)),
            Some("egress") => Some((Station::Egress, End::Last)),
            _ => None,
        };
    }
    let (hook, end) = chain.split_once('-')?;
    let end = match end {
        "first" => End::First,
        "last" => End::Last,
        _ => return None,
    };
    let mut hooks = HOOKS.iter();
    let found = hooks.find(|(of, name, _)| *of == family && *name == hook);
    found.map(|(_, _, station)| (*station, end))
}

/// The lines for `nft -i` that watch a machine with these links for packets of these targets, and for the resolution of these
/// neighbours. One line for each chain: the kernel takes only so much at once from an ordinary user.
pub fn lines(links: &[String], targets: &[Target], neighbours: &BTreeSet<IpAddr>) -> Vec<String> {
    let mut lines = Vec::new();
    for family in ["inet", "bridge", "arp"] {
        lines.push(format!("add table {family} {TABLE} {{ flags owner; }}"));
    }
    for (family, hook, _) in HOOKS {
        for (end, priority) in [("first", FIRST), ("last", LAST)] {
            let chain = format!("{hook}-{end}");
            let kind = format!("type filter hook {hook} priority {priority};");
            lines.push(line(family, TABLE, &chain, &kind, targets, neighbours));
        }
    }
    // In tables of their own, since a kernel may have the one and not the other.
    for (hook, priority) in [("ingress", FIRST), ("egress", LAST)] {
        let table = format!("{TABLE}-{hook}");
        lines.push(format!("add table netdev {table} {{ flags owner; }}"));
        for (number, link) in links.iter().enumerate() {
            let chain = format!("{hook}-{number}");
            let kind = format!("type filter hook {hook} device \"{link}\" priority {priority};");
            lines.push(line("netdev", &table, &chain, &kind, targets, neighbours));
        }
    }
    lines
}

/// Whether a table is one of ours.
pub(super) fn is_ours(table: &str) -> bool {
    table == TABLE
        || table
            .strip_prefix(TABLE)
            .is_some_and(|rest| rest.starts_with('-'))
}

fn line(
    family: &str,
    table: &str,
    chain: &str,
    kind: &str,
    targets: &[Target],
    neighbours: &BTreeSet<IpAddr>,
) -> String {
    let mut line = format!("add chain {family} {table} {chain} {{ {kind} }}");
    let mut add = |of: &str, mark: Mark| {
        line += &format!(
            "; add rule {family} {table} {chain} {of} meta nftrace set 1 comment \"{mark}\""
        );
    };
    if family != "arp" {
        for (number, target) in targets.iter().enumerate() {
            for (way, of) in matches(target) {
                add(&of, Mark::Of(number, way));
            }
        }
    }
    for neighbour in neighbours {
        match neighbour {
            // ARP goes by bridges and links, and has a family of its own.
            IpAddr::V4(v4) if family != "inet" => {
                let arp = if family == "arp" {
                    ""
                } else {
                    "meta protocol arp "
                };
                let asks = format!("{arp}arp operation request arp daddr ip {v4}");
                add(&asks, Mark::WhoHas(*neighbour));
                let answers = format!("{arp}arp operation reply arp saddr ip {v4}");
                add(&answers, Mark::IsAt(*neighbour));
            }
            // The target is what follows the first eight bytes (RFC 4861, 4.3).
            IpAddr::V6(v6) if family != "arp" => {
                let target = format!("@th,64,128 {:#034x}", v6.to_bits());
                let asks = format!("icmpv6 type nd-neighbor-solicit {target}");
                add(&asks, Mark::WhoHas(*neighbour));
                let answers = format!("icmpv6 type nd-neighbor-advert {target}");
                add(&answers, Mark::IsAt(*neighbour));
            }
            _ => {}
        }
    }
    if (family, chain) == ("inet", "output-first") {
        add(
            &format!("ip daddr 127.0.0.1 udp dport {CANARY}"),
            Mark::Canary,
        );
    }
    line
}

/// What is matched of a target's packets, each way.
fn matches(target: &Target) -> Vec<(Way, String)> {
    let to = target.to;
    let address = |end: &str| match to {
        Some(IpAddr::V4(to)) => format!("ip {end} {to} "),
        Some(IpAddr::V6(to)) => format!("ip6 {end} {to} "),
        None => String::new(),
    };
    let (request, answer) = match (target.asks, to) {
        (Asks::Echo, Some(IpAddr::V6(_))) => (
            "icmpv6 type echo-request".to_owned(),
            "icmpv6 type echo-reply".to_owned(),
        ),
        (Asks::Echo, _) => (
            "icmp type echo-request".to_owned(),
            "icmp type echo-reply".to_owned(),
        ),
        (Asks::Dns, _) => (
            "meta l4proto { tcp, udp } th dport 53".to_owned(),
            "meta l4proto { tcp, udp } th sport 53".to_owned(),
        ),
        (Asks::Tcp(port), _) => (format!("tcp dport {port}"), format!("tcp sport {port}")),
    };
    let mut matches = vec![
        (Way::Request, format!("{}{request}", address("daddr"))),
        (Way::Answer, format!("{}{answer}", address("saddr"))),
    ];
    // An error has the header of the packet that it is about behind its own eight bytes (RFC 792; RFC 4443, 3).
    matches.extend(to.map(|to| {
        let of = match to {
            IpAddr::V4(to) => format!(
                "icmp type {{ destination-unreachable, time-exceeded }} @th,192,32 {:#010x}",
                to.to_bits()
            ),
            IpAddr::V6(to) => format!(
                "icmpv6 type {{ destination-unreachable, packet-too-big, time-exceeded }} @th,256,128 {:#034x}",
                to.to_bits()
            ),
        };
        (Way::Error, of)
    }));
    matches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chain_that_is_made_is_known_again() {
        let links = ["eth0".to_owned(), "br0.20".to_owned()];
        let lines = lines(&links, &[], &BTreeSet::new());
        let mut stations = BTreeSet::new();
        for line in lines.iter().filter(|line| line.starts_with("add chain")) {
            let words: Vec<&str> = line.split(' ').collect();
            let (family, table, chain) = (words[2], words[3], words[4]);
            assert!(is_ours(table), "{line}");
            let (station, _) = watched(family, chain).expect("ours");
            assert!(line.contains(&format!(
                "hook {} ",
                chain.split('-').next().expect("a hook")
            )));
            stations.insert(station);
        }
        // All but the programs at both ends.
        assert_eq!(stations.len(), 14, "{stations:?}");
        assert!(
            lines
                .iter()
                .any(|line| line.contains("ingress device \"br0.20\""))
        );
        assert_eq!(watched("inet", "FORWARD"), None);
        assert!(!is_ours("bridgelabs"));
    }

    #[test]
    fn a_machine_is_watched_for_the_probe_and_for_nothing_else() {
        let target = Target {
            asks: Asks::Echo,
            to: Some("10.0.0.2".parse().expect("an address")),
        };
        let hop = BTreeSet::from(["10.0.0.1".parse().expect("an address")]);
        let lines = lines(&[], &[target], &hop);
        let input = lines
            .iter()
            .find(|line| line.contains(" inet bridgelab input-last "));
        let input = input.expect("a chain");
        assert!(input.contains("; add rule inet bridgelab input-last ip daddr 10.0.0.2 icmp type echo-request meta nftrace set 1 comment \"0 request\""));
        assert!(!input.contains("arp"), "{input}");
        let arp = lines
            .iter()
            .find(|line| line.contains(" arp bridgelab output-first "));
        let arp = arp.expect("a chain");
        assert!(arp.contains("arp operation request arp daddr ip 10.0.0.1 meta nftrace set 1 comment \"who-has 10.0.0.1\""));
        assert!(!arp.contains("10.0.0.2"), "{arp}");
        let all = lines.concat();
        let rules = all.matches("add rule").count();
        assert_eq!(rules, all.matches(" comment \"").count());
    }
}
