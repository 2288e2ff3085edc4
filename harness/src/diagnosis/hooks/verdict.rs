//! What the chains of a machine do with a packet.

use super::rule::{Chain, Rule, Verdict};
use super::{iptables, nft};
use crate::diagnosis::code::Code;
use crate::diagnosis::found::{Found, point};
use crate::diagnosis::point::Station;
use crate::diagnosis::state::State;
use crate::diagnosis::walk::Packet;

pub(in crate::diagnosis) use super::rule::Way;

/// Most jumps from chain to chain: a ruleset that jumps in a circle is refused by the kernel.
const DEEPEST: usize = 16;

/// How a packet comes out of a chain.
enum Fate<'c> {
    Accepted,
    Dropped {
        rule: &'c Rule,
        sure: bool,
    },
    /// At its end, or returned; whether all of that is known.
    Through {
        sure: bool,
    },
}

/// All chains of a machine. Those that iptables-save prints are taken from there: nft prints their matches not in full.
fn chains(state: &State) -> Vec<Chain> {
    let own = iptables::chains(&state.iptables);
    let ruled = own
        .iter()
        .any(|chain| chain.drops || !chain.rules.is_empty());
    let theirs = |chain: &Chain| ruled && own.iter().any(|one| one.table == chain.table);
    let mut all: Vec<Chain> = nft::chains(&state.firewall);
    all.retain(|chain| !theirs(chain));
    all.extend(own.into_iter().filter(|_| ruled));
    all.sort_by_key(|chain| chain.priority);
    all
}

/// Whether a table sees packets of this family.
fn sees(chain: &Chain, v6: bool) -> bool {
    let family = chain.table.split(' ').next().unwrap_or_default();
    family == "inet" || family == if v6 { "ip6" } else { "ip" }
}

fn through<'c>(
    all: &'c [Chain],
    chain: &'c Chain,
    packet: &Packet,
    way: Way<'_>,
    depth: usize,
) -> Fate<'c> {
    let mut sure = true;
    for rule in &chain.rules {
        let matches = rule.matches(packet, way);
        if matches == Some(false) {
            continue;
        }
        let certain = sure && matches == Some(true);
        match &rule.verdict {
            Some(Verdict::Accept) if certain => return Fate::Accepted,
            Some(Verdict::Drop) if matches == Some(true) => {
                return Fate::Dropped {
                    rule,
                    sure: certain,
                };
            }
            Some(Verdict::Return) if certain => return Fate::Through { sure },
            Some(Verdict::Jump(name) | Verdict::Goto(name)) if depth < DEEPEST => {
                let mut chains = all.iter();
                let next = chains.find(|one| one.table == chain.table && one.name == *name);
                let fate = next.map(|next| through(all, next, packet, way, depth + 1));
                match fate {
                    Some(Fate::Accepted) if certain => return Fate::Accepted,
                    Some(Fate::Dropped { rule, sure: inner }) => {
                        return Fate::Dropped {
                            rule,
                            sure: certain && inner,
                        };
                    }
                    Some(Fate::Through { sure: inner }) => sure &= inner,
                    Some(Fate::Accepted) | None => sure = false,
                }
            }
            None | Some(Verdict::ReplaceSource | Verdict::ReplaceDestination) => {}
            _ => sure = false,
        }
    }
    Fate::Through { sure }
}

/// The rule or the policy that drops a packet there.
pub(in crate::diagnosis) fn dropped(
    state: &State,
    machine: &str,
    packet: &Packet,
    way: Way<'_>,
) -> Option<Found> {
    let all = chains(state);
    let v6 = packet.to.is_ipv6();
    let here = all
        .iter()
        .filter(|chain| chain.hook.as_deref() == Some(way.hook) && !chain.nat && sees(chain, v6));
    for chain in here {
        let place = format!("{} {}", chain.table, chain.name);
        let (code, text, sure, statement) = match through(&all, chain, packet, way, 0) {
            Fate::Dropped { rule, sure } => {
                let text = &rule.text;
                let statement = format!("a rule of {place} on {machine} drops the packet: {text}");
                (Code::HookRule, text.clone(), sure, statement)
            }
            Fate::Through { sure } if chain.drops => {
                let statement = format!("the policy of {place} on {machine} drops the packet");
                (Code::HookPolicy, "policy drop".to_owned(), sure, statement)
            }
            Fate::Through { .. } | Fate::Accepted => continue,
        };
        let station = match way.hook {
            "forward" => (Station::InetPrerouting, Station::InetForward),
            "input" => (Station::InetInput, Station::Receiver),
            _ => (Station::Sender, Station::InetPostrouting),
        };
        let found = Found::at(code, machine, statement)
            .is(text)
            .key(place)
            .seen("the ruleset", "nft -a list ruleset")
            .between(point(machine, station.0), point(machine, station.1));
        return Some(if sure { found } else { found.maybe() });
    }
    None
}

/// As [`dropped`], for a frame that a bridge passes and br_netfilter hands to the firewall for IP.
pub(in crate::diagnosis) fn bridged(
    state: &State,
    machine: &str,
    bridge: &str,
    packet: &Packet,
) -> Option<Found> {
    let key = match packet.to.is_ipv6() {
        true => "bridge/bridge-nf-call-ip6tables",
        false => "bridge/bridge-nf-call-iptables",
    };
    let name = format!("net.{}", key.replace('/', "."));
    (state.sysctls.get(key)? == "1").then_some(())?;
    let way = Way {
        hook: "forward",
        iif: Some(bridge),
        oif: Some(bridge),
    };
    let mut found = dropped(state, machine, packet, way)?;
    found.gap.statement = format!(
        "{name} is 1, and so the firewall for IP sees what {bridge} of {machine} passes: {}",
        found.gap.statement
    );
    found.gap.code = Code::HookBridgeNf;
    found.gap.link = Some(bridge.to_owned());
    Some(
        found
            .is("1")
            .needed("0")
            .seen(format!("{name} = 1"), format!("sysctl {name}"))
            .key(name),
    )
}

/// Whether the packet leaves with the machine's own address as its source.
pub(in crate::diagnosis) fn replaces_source(state: &State, packet: &Packet, way: Way<'_>) -> bool {
    let all = chains(state);
    let v6 = packet.to.is_ipv6();
    all.iter()
        .filter(|chain| {
            chain.nat && chain.hook.as_deref() == Some("postrouting") && sees(chain, v6)
        })
        .flat_map(|chain| with_jumps(&all, chain))
        .any(|rule| {
            rule.verdict == Some(Verdict::ReplaceSource) && rule.matches(packet, way) != Some(false)
        })
}

/// A firewall that replaces sources, but not that of this packet: by the rule that is nearest to it, or the chain where none is left.
pub(in crate::diagnosis) fn leaves_source(
    state: &State,
    machine: &str,
    packet: &Packet,
    way: Way<'_>,
) -> Option<Found> {
    if replaces_source(state, packet, way) {
        return None;
    }
    let all = chains(state);
    let v6 = packet.to.is_ipv6();
    let chain = all.iter().find(|chain| {
        chain.nat && chain.hook.as_deref() == Some("postrouting") && sees(chain, v6)
    })?;
    let place = format!("{} {}", chain.table, chain.name);
    let rules = with_jumps(&all, chain).into_iter();
    let rule = rules
        .filter(|rule| rule.verdict == Some(Verdict::ReplaceSource))
        .min_by_key(|rule| rule.misses(packet, way));
    let statement = match rule {
        Some(rule) => format!(
            "{place} on {machine} leaves the source as it is: `{}` does not match the packet",
            rule.text
        ),
        None => format!("{place} on {machine} has no rule that replaces the source"),
    };
    let found = Found::at(Code::HookNoNat, machine, statement)
        .key(place)
        .seen("the ruleset", "nft -a list ruleset")
        .between(
            point(machine, Station::InetForward),
            point(machine, Station::InetPostrouting),
        );
    Some(match rule {
        Some(rule) => found.is(&rule.text),
        None => found,
    })
}

/// Whether a machine has rules that send packets to another destination.
pub(in crate::diagnosis) fn changes_destination(state: &State) -> bool {
    let all = chains(state);
    let mut rules = all.iter().flat_map(|chain| &chain.rules);
    rules.any(|rule| rule.verdict == Some(Verdict::ReplaceDestination))
}

fn with_jumps<'c>(all: &'c [Chain], chain: &'c Chain) -> Vec<&'c Rule> {
    let mut rules: Vec<&Rule> = chain.rules.iter().collect();
    for rule in &chain.rules {
        if let Some(Verdict::Jump(name)) = &rule.verdict {
            let mut chains = all.iter();
            let next = chains.find(|one| one.table == chain.table && one.name == *name);
            rules.extend(next.into_iter().flat_map(|next| &next.rules));
        }
    }
    rules
}
