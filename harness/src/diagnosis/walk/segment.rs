//! From a link to the next hop's: wires, bridges and what is put on links.

use super::bridge;
use super::frame::Frame;
use crate::diagnosis::code::Code;
use crate::diagnosis::found::{Found, point_at};
use crate::diagnosis::net::{End, Hop, Join, Net};
use crate::diagnosis::point::Station;

/// All that keeps the frame from coming along the way, in the order in which it comes by.
pub(super) fn gaps(net: &Net<'_>, way: &[Hop], mut frame: Frame) -> Vec<Found> {
    let mut found = Vec::new();
    for (index, hop) in way.iter().enumerate() {
        let first = index == 0;
        found.extend(end_gap(net, &hop.from, first, hop));
        match hop.join {
            Join::Wire => found.extend(wire(net, hop, &frame)),
            Join::ToBridge => {
                let next = way.get(index + 1).filter(|next| next.join == Join::ToPort);
                found.extend(membership(net, hop, first));
                if hop.is {
                    found.extend(bridge::through(net, hop, next, &mut frame));
                }
            }
            Join::ToPort => {
                found.extend(membership(net, &back(hop), false));
                if hop.is {
                    found.extend(bridge::out_of(net, hop, first, &mut frame));
                }
            }
            Join::Up => {
                let before = index.checked_sub(1).and_then(|before| way.get(before));
                found.extend(up(net, hop, before));
            }
            Join::Down => {
                let last = index + 1 == way.len();
                found.extend(down(net, hop, last));
            }
        }
    }
    if let Some(last) = way.last() {
        found.extend(end_gap(net, &last.to, false, last));
    }
    found.dedup_by(|one, other| one.gap == other.gap);
    found
}

fn back(hop: &Hop) -> Hop {
    Hop {
        from: hop.to.clone(),
        to: hop.from.clone(),
        join: Join::ToBridge,
        is: hop.is,
    }
}

/// A link that is not there, or is down. `by` is the hop that leads from it or to it.
fn end_gap(net: &Net<'_>, end: &End, first: bool, by: &Hop) -> Option<Found> {
    let state = net.state(&end.machine)?;
    let (machine, link) = (&end.machine, &end.link);
    let between = |found: Found| match (first, by.from == *end) {
        (true, _) => found.between(
            point_at(end, Station::InetPostrouting),
            point_at(end, Station::Egress),
        ),
        (false, true) => found.between(
            point_at(end, Station::BridgePostrouting),
            point_at(end, Station::Egress),
        ),
        (false, false) => found.between(
            point_at(&by.from, Station::Egress),
            point_at(end, Station::Ingress),
        ),
    };
    let Some(known) = state.links.get(link) else {
        let kind = match by.join {
            Join::ToBridge if by.to == *end => "bridge",
            Join::ToPort if by.from == *end => "bridge",
            _ => "link",
        };
        let found = Found::link(
            Code::LinkAbsent,
            end,
            format!("{machine} has no link {link}"),
        );
        let found = found.needed(kind).seen(
            format!("there is no {link}"),
            format!("ip link show dev {link}"),
        );
        return Some(between(found));
    };
    (!known.is_up()).then(|| {
        let statement = format!("{link} of {machine} is down");
        let found = Found::link(Code::LinkDown, end, statement)
            .is("down")
            .needed("up");
        between(found.seen(
            format!("{link} has no flag UP"),
            format!("ip link show dev {link}"),
        ))
    })
}

/// A wire passes frames while both its ends are up, and as long ones as both bear.
fn wire(net: &Net<'_>, hop: &Hop, frame: &Frame) -> Vec<Found> {
    let mut found = Vec::new();
    let (here, there) = (net.link(&hop.from), net.link(&hop.to));
    let both_up = [here, there]
        .iter()
        .all(|link| link.is_none_or(|link| link.is_up()));
    for (end, link) in [(&hop.from, here), (&hop.to, there)] {
        if let Some(link) = link
            && both_up
            && !link.is("LOWER_UP")
        {
            let End { machine, link } = end;
            let statement =
                format!("{link} of {machine} has no carrier: nothing is at its other end");
            let gap = Found::link(Code::LinkNoCarrier, end, statement).is("no carrier");
            let gap = gap.needed("carrier").seen(
                format!("{link} has no flag LOWER_UP"),
                format!("ip link show dev {link}"),
            );
            let gap = gap.between(
                point_at(&hop.from, Station::Egress),
                point_at(&hop.to, Station::Ingress),
            );
            // Whether the other end is there, a machine that did not answer does not tell.
            let watched = here.is_some() && there.is_some();
            found.push(if watched { gap } else { gap.maybe() });
            break;
        }
    }
    for (end, link, sends) in [(&hop.from, here, true), (&hop.to, there, false)] {
        if let Some(link) = link
            && link.mtu > 0
            && frame.length > link.mtu
        {
            let End {
                machine,
                link: name,
            } = end;
            let statement = format!(
                "{name} of {machine} bears {} bytes, the packet has {}",
                link.mtu, frame.length
            );
            let gap = Found::link(Code::LinkMtu, end, statement)
                .is(link.mtu.to_string())
                .needed(frame.length.to_string())
                .key("mtu");
            let gap = gap.seen(
                format!("{name} has mtu {}", link.mtu),
                format!("ip link show dev {name}"),
            );
            found.push(match sends {
                true => gap.between(
                    point_at(end, Station::BridgePostrouting),
                    point_at(end, Station::Egress),
                ),
                false => gap.between(
                    point_at(&hop.from, Station::Egress),
                    point_at(end, Station::Ingress),
                ),
            });
            // Both ends of a veth pair drop what either cannot bear; one of them is enough to say.
            break;
        }
    }
    found
}

/// A port that is on no bridge, or on another one; a bridge that is none.
pub(in crate::diagnosis) fn membership(net: &Net<'_>, hop: &Hop, own: bool) -> Option<Found> {
    let (port, bridge) = (&hop.from, &hop.to);
    let state = net.state(&port.machine).filter(|_| !hop.is)?;
    let machine = &port.machine;
    let (last, first) = match own {
        true => (Station::InetPostrouting, Station::BridgeOutput),
        false => (Station::Ingress, Station::BridgePrerouting),
    };
    let between = |found: Found| found.between(point_at(port, last), point_at(port, first));
    if let Some(link) = state.links.get(&bridge.link)
        && !link.is_bridge()
    {
        let (name, kind) = (&bridge.link, link.kind());
        let found = Found::link(
            Code::LinkKind,
            bridge,
            format!("{name} of {machine} is no bridge but of kind {kind}"),
        );
        let found = found.is(kind).needed("bridge").key("Kind");
        return Some(between(found.seen(
            format!("{name} is of kind {kind}"),
            format!("ip -d link show dev {name}"),
        )));
    }
    if !state.links.contains_key(&bridge.link) {
        let name = &bridge.link;
        let found = Found::link(
            Code::LinkAbsent,
            bridge,
            format!("{machine} has no link {name}"),
        );
        return Some(between(found.needed("bridge").seen(
            format!("there is no {name}"),
            format!("ip link show dev {name}"),
        )));
    }
    let link = state.links.get(&port.link)?;
    let (name, needed) = (&port.link, &bridge.link);
    let found = match &link.master {
        None => Found::link(
            Code::PortNotEnslaved,
            port,
            format!("{name} of {machine} is on no bridge, and should be on {needed}"),
        ),
        Some(other) => Found::link(
            Code::PortWrongMaster,
            port,
            format!("{name} of {machine} is a port of {other}, and should be one of {needed}"),
        )
        .is(other),
    };
    let fact = match &link.master {
        None => format!("{name} has no master"),
        Some(other) => format!("{name} has master {other}"),
    };
    let found = found.needed(needed).key("Bridge");
    Some(between(
        found.seen(fact, format!("ip link show dev {name}")),
    ))
}

/// From a link to what is put on it.
fn up(net: &Net<'_>, hop: &Hop, before: Option<&Hop>) -> Option<Found> {
    let upper = net.link(&hop.to)?;
    let mode = upper.linkinfo.data["mode"].as_str().unwrap_or("none");
    let below = before.filter(|before| before.join == Join::Down);
    let shut = match below.and_then(|before| net.link(&before.from)) {
        // From one that is put on the same link: the kernel passes frames between two of mode bridge alone.
        Some(other) => {
            let other = other.linkinfo.data["mode"].as_str().unwrap_or("none");
            other != "bridge" || mode != "bridge"
        }
        None => mode == "source",
    };
    // Whoever owns the link below does not get at what is put on it.
    let from_owner = before.is_none();
    (upper.kind().starts_with("macv") && (shut || from_owner))
        .then(|| mode_gap(&hop.to, &hop.from, mode))
}

/// From what is put on a link to that link itself.
fn down(net: &Net<'_>, hop: &Hop, last: bool) -> Option<Found> {
    let upper = net.link(&hop.from)?;
    let mode = upper.linkinfo.data["mode"].as_str().unwrap_or("none");
    (last && upper.kind().starts_with("macv")).then(|| mode_gap(&hop.from, &hop.to, mode))
}

fn mode_gap(upper: &End, below: &End, mode: &str) -> Found {
    let End { machine, link } = upper;
    let statement = format!(
        "{link} of {machine} is put on {} in mode {mode}, which keeps the frame",
        below.link
    );
    let found = Found::link(Code::LinkMode, upper, statement)
        .is(mode)
        .key("mode");
    found
        .seen(
            format!("{link} has mode {mode}"),
            format!("ip -d link show dev {link}"),
        )
        .between(
            point_at(below, Station::Ingress),
            point_at(upper, Station::Ingress),
        )
}
