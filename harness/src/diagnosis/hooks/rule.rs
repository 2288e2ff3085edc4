//! Chains and rules.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::diagnosis::walk::Packet;

/// A chain.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Chain {
    /// Its table with its family: `inet filter`.
    pub(super) table: String,
    /// Its name.
    pub(super) name: String,
    /// `forward`, `input`, ...; `None`: only others jump to it.
    pub(super) hook: Option<String>,
    /// Whether it is of type nat.
    pub(super) nat: bool,
    /// Of lower ones the packet comes by first.
    pub(super) priority: i64,
    /// Whether its policy is to drop.
    pub(super) drops: bool,
    /// Its rules.
    pub(super) rules: Vec<Rule>,
}

/// A rule.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Rule {
    /// All of it must match.
    pub(super) tests: Vec<Test>,
    /// What is done then; `None`: it only counts, logs or marks.
    pub(super) verdict: Option<Verdict>,
    /// As it can be looked up: its text, or its handle.
    pub(super) text: String,
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Ends the chain.
    Accept,
    /// Drops or rejects.
    Drop,
    /// To another chain, and back.
    Jump(String),
    /// To another chain.
    Goto(String),
    /// Back.
    Return,
    /// Replaces the source.
    ReplaceSource,
    /// Replaces the destination.
    ReplaceDestination,
}

/// What a rule asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Test {
    /// Whether the answer must be no.
    pub(super) not: bool,
    /// What.
    pub(super) asks: Asks,
}

/// What a test looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asks {
    /// Link that the packet came in by: one of these, each with `*` or `+` at its end for any rest.
    Iif(Vec<String>),
    /// Link that it leaves by.
    Oif(Vec<String>),
    /// Source in one of these.
    From(Vec<IpNet>),
    /// Destination in one of these.
    To(Vec<IpNet>),
    /// Protocol.
    Protocol(Vec<String>),
    /// Destination port.
    Port(Vec<u16>),
    /// State of its connection: `new`, `established`, ...
    State(Vec<String>),
    /// Whether IPv6.
    V6(bool),
    /// Nothing that is known here.
    Unknown,
}

/// Where a packet is in a machine.
#[derive(Debug, Clone, Copy)]
pub(in crate::diagnosis) struct Way<'w> {
    /// `input`, `forward`, `output`.
    pub(in crate::diagnosis) hook: &'w str,
    /// The link that it came in by.
    pub(in crate::diagnosis) iif: Option<&'w str>,
    /// The link that it leaves by.
    pub(in crate::diagnosis) oif: Option<&'w str>,
}

impl Rule {
    /// Whether it matches; `None`: not known.
    pub(super) fn matches(&self, packet: &Packet, way: Way<'_>) -> Option<bool> {
        let answers = self.tests.iter().map(|test| test.holds(packet, way));
        let answers: Vec<_> = answers.collect();
        if answers.contains(&Some(false)) {
            return Some(false);
        }
        (!answers.contains(&None)).then_some(true)
    }
}

impl Rule {
    /// How many of its tests the packet does not pass.
    pub(super) fn misses(&self, packet: &Packet, way: Way<'_>) -> usize {
        let tests = self.tests.iter();
        let missed = tests.filter(|test| test.holds(packet, way) == Some(false));
        missed.count()
    }
}

impl Test {
    fn holds(&self, packet: &Packet, way: Way<'_>) -> Option<bool> {
        let v6 = packet.to.is_ipv6();
        let within = |nets: &[IpNet], address: Option<IpAddr>| {
            let address = address?;
            Some(nets.iter().any(|net| net.contains(&address)))
        };
        let named = |names: &[String], link: Option<&str>| match link {
            Some(link) => names.iter().any(|name| fits(name, link)),
            None => false,
        };
        let answer = match &self.asks {
            Asks::Iif(names) => Some(named(names, way.iif)),
            Asks::Oif(names) => Some(named(names, way.oif)),
            Asks::From(nets) => within(nets, packet.from),
            Asks::To(nets) => within(nets, Some(packet.to)),
            Asks::Protocol(names) => {
                let own = packet.carries.protocol(v6);
                let same =
                    |name: &String| name == own || (v6 && name == "icmpv6" && own == "ipv6-icmp");
                Some(names.iter().any(same))
            }
            Asks::Port(ports) => match packet.carries.port() {
                Some(port) => Some(!packet.answer && ports.contains(&port)),
                None => Some(false),
            },
            Asks::State(states) => {
                let own = if packet.answer { "established" } else { "new" };
                Some(states.iter().any(|state| state == own))
            }
            Asks::V6(wanted) => Some(*wanted == v6),
            Asks::Unknown => None,
        };
        answer.map(|answer| answer != self.not)
    }
}

fn fits(pattern: &str, link: &str) -> bool {
    match pattern.strip_suffix(['*', '+']) {
        Some(begin) => link.starts_with(begin),
        None => pattern == link,
    }
}
