//! A packet and its answer, from machine to machine.

use std::net::IpAddr;

use super::packet::Packet;
use super::walked::{Place, Walked};
use super::{across, arrive, hop};
use crate::diagnosis::code::Code;
use crate::diagnosis::found::{Found, point, point_at};
use crate::diagnosis::hooks;
use crate::diagnosis::net::{End, Net, should_own};
use crate::diagnosis::point::Station;
use crate::diagnosis::state::{Lookup, State};

/// Most machines on the way of a packet: as many as its TTL would be in a lab with a loop.
const MOST_HOPS: usize = 16;

/// A source address that a machine on the way has replaced by its own.
struct Replaced {
    machine: String,
    from: IpAddr,
}

/// A packet from a machine and its answer.
pub(in crate::diagnosis) fn both_ways(net: &Net<'_>, start: &str, packet: Packet) -> Walked {
    let mut walked = Walked::default();
    let mut replaced = Vec::new();
    let mut sent = packet;
    let Some(end) = one_way(net, (start, true), &mut sent, &mut replaced, &mut walked) else {
        return walked;
    };
    arrive::service(net, &end, &sent, &mut walked);
    let Some(source) = sent.from else {
        return walked;
    };
    let mut answer = Packet {
        from: Some(packet.to),
        to: source,
        answer: true,
        ..packet
    };
    let mut machine = end;
    // A machine that replaced the source does not send the answer itself.
    let mut sends = true;
    // Whoever replaced the source gets the answer, and passes it on.
    while let Some(back) = replaced.pop() {
        let reached = one_way(
            net,
            (&machine, sends),
            &mut answer,
            &mut Vec::new(),
            &mut walked,
        );
        sends = false;
        if reached.as_deref() != Some(&back.machine) {
            return walked;
        }
        machine = back.machine;
        answer.to = back.from;
    }
    let before = walked.found.len();
    one_way(
        net,
        (&machine, sends),
        &mut answer,
        &mut Vec::new(),
        &mut walked,
    );
    let lost = |found: &Found| {
        matches!(found.gap.code, Code::RouteNone | Code::RouteNoneBack)
            && found.gap.needed.as_deref() == Some(&source.to_string())
    };
    if let Some(at) = walked.found.iter().skip(before).position(lost) {
        let at = before + at;
        let mut untouched = std::mem::take(&mut walked.untouched);
        for one in &mut untouched {
            one.between.clone_from(&walked.found[at].between);
        }
        walked.found.splice(at..at, untouched);
    }
    walked
}

/// A packet from a machine to its destination: the machine that it comes to, also where something is in its way.
fn one_way(
    net: &Net<'_>,
    (start, sends): (&str, bool),
    packet: &mut Packet,
    replaced: &mut Vec<Replaced>,
    walked: &mut Walked,
) -> Option<String> {
    let mut at = Place {
        // A machine that replaced the source passes the answer on.
        sends,
        machine: start.to_owned(),
        came_by: None,
    };
    for _ in 0..MOST_HOPS {
        let Some(state) = net.state(&at.machine) else {
            walked.unwatched.push(at.machine);
            return None;
        };
        if state.owner(packet.to).is_some() {
            arrive::address(&at.machine, state, packet, &mut walked.found);
            walked.found.extend(hooks::dropped(
                state,
                &at.machine,
                packet,
                hooks::Way {
                    hook: if at.came_by.is_some() {
                        "input"
                    } else {
                        "output"
                    },
                    iif: at.came_by.as_ref().map(|end| end.link.as_str()),
                    oif: None,
                },
            ));
            return Some(at.machine);
        }
        // Who should have the address and has not got it does not pass the packet on.
        let meant = at.came_by.as_ref().and_then(|_| should_own(net, packet.to));
        if meant.is_some_and(|(owner, _)| owner == at.machine) {
            return Some(at.machine);
        }
        at = next(net, state, at, packet, replaced, walked)?;
    }
    None
}

/// From a machine that routes the packet to the next.
fn next(
    net: &Net<'_>,
    state: &State,
    at: Place,
    packet: &mut Packet,
    replaced: &mut Vec<Replaced>,
    walked: &mut Walked,
) -> Option<Place> {
    let iif = at.came_by.as_ref().map(|end| end.link.clone());
    if let Some(by) = &at.came_by {
        walked
            .found
            .extend(hop::not_forwarding(&at.machine, state, by, packet));
    }
    let looked_up = state.lookup(packet.to, packet.from, iif.as_deref());
    let by = match &looked_up {
        Lookup::By(route) => Some(*route),
        Lookup::Refused(_) | Lookup::None => None,
    };
    walked
        .found
        .extend(hop::narrow(net, &at.machine, packet.to, by));
    let route = match looked_up {
        Lookup::By(route) => route.clone(),
        Lookup::Refused(words) => {
            walked.found.push(no_route(&at, packet, Some(&words)));
            return None;
        }
        Lookup::None => {
            let found = no_route(&at, packet, None);
            // What is elsewhere for a machine with too long a prefix is lost here.
            for one in &mut walked.found {
                if one.gap.key.as_deref() == Some(hop::PREFIX) {
                    one.between.clone_from(&found.between);
                }
            }
            // Nobody has the destination: whether there should be a route, is not known.
            let known = !net.owners(packet.to).is_empty() || should_own(net, packet.to).is_some();
            walked.found.push(if known { found } else { found.maybe() });
            return hop::meant(net, &at.machine, packet);
        }
    };
    let link = route.link()?.to_owned();
    let here = End::new(&at.machine, &link);
    let via = route.hop().unwrap_or(packet.to);
    if packet.from.is_none() {
        packet.from = hop::source(state, &route, &link, packet.to, via);
    }
    if at.sends {
        walked
            .found
            .extend(hop::source_missing(&at.machine, state, packet));
    }
    walked
        .found
        .extend(hop::too_long(net, &here, packet, at.came_by.is_none()));
    let hook = if at.came_by.is_some() {
        "forward"
    } else {
        "output"
    };
    let way = hooks::Way {
        hook,
        iif: iif.as_deref(),
        oif: Some(&link),
    };
    walked
        .found
        .extend(hooks::dropped(state, &at.machine, packet, way));
    if !packet.answer
        && let Some(from) = packet.from
        && hooks::replaces_source(state, packet, way)
        && let Some(own) = hop::own_address(state, &link, packet.to.is_ipv6())
        && own != from
    {
        replaced.push(Replaced {
            machine: at.machine.clone(),
            from,
        });
        packet.from = Some(own);
    } else if !packet.answer && at.came_by.is_some() {
        let untouched = hooks::leaves_source(state, &at.machine, packet, way);
        walked.untouched.extend(untouched);
    }
    let there = across::across(net, state, &here, via, &route, packet, &mut walked.found)?;
    let Some(state) = net.state(&there.machine) else {
        walked.unwatched.push(there.machine);
        return None;
    };
    walked
        .found
        .extend(hop::reverse_path(&there, state, packet));
    Some(Place {
        sends: false,
        machine: there.machine.clone(),
        came_by: Some(there),
    })
}

/// No route, or one that refuses.
fn no_route(at: &Place, packet: &Packet, refused: Option<&str>) -> Found {
    let (machine, to) = (&at.machine, packet.to);
    let (code, statement) = match (refused, packet.answer && at.came_by.is_none()) {
        (Some(words), _) => (
            Code::RouteRefused,
            format!("{machine} refuses packets to {to}: {words}"),
        ),
        (None, true) => (
            Code::RouteNoneBack,
            format!("{machine} has no route back to {to}"),
        ),
        (None, false) => (Code::RouteNone, format!("{machine} has no route to {to}")),
    };
    let family = if to.is_ipv6() { "-6 " } else { "" };
    let mut found = Found::at(code, machine, statement).needed(to.to_string());
    if let Some(words) = refused {
        found = found.is(words);
    }
    let fact = refused.map_or_else(
        || format!("no route of {machine} leads to {to}"),
        ToOwned::to_owned,
    );
    let found = found.seen(fact, format!("ip {family}route get {to}"));
    match &at.came_by {
        Some(by) => found.between(
            point_at(by, Station::InetPrerouting),
            point_at(by, Station::InetForward),
        ),
        None if packet.answer => found.between(
            point(machine, Station::InetInput),
            point(machine, Station::InetOutput),
        ),
        None => found.between(
            point(machine, Station::Sender),
            point(machine, Station::InetOutput),
        ),
    }
}
