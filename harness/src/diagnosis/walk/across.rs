//! From a link to the next hop: who has its address, and what is in the way.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::arrive;
use super::frame::Frame;
use super::packet::{Carries, Packet};
use super::segment;
use crate::diagnosis::code::Code;
use crate::diagnosis::found::{Found, point_at};
use crate::diagnosis::net::{End, Net, should_own};
use crate::diagnosis::point::Station;
use crate::diagnosis::state::{Neighbour, Route, State};

/// From a link to the next hop: where it comes in there, also where something is in the way.
pub(super) fn across(
    net: &Net<'_>,
    state: &State,
    here: &End,
    via: IpAddr,
    route: &Route,
    packet: &Packet,
    found: &mut Vec<Found>,
) -> Option<End> {
    found.extend(by_a_port(net, here, via, route));
    let owners = net.owners(via);
    let others: Vec<End> = owners
        .iter()
        .filter(|end| end.machine != here.machine)
        .cloned()
        .collect();
    let entry = state.neighbour(via, &here.link);
    let mut ways: Vec<_> = others
        .iter()
        .filter_map(|owner| {
            let (cost, way) = net.way(here, &taking(net, owner, via))?;
            Some((cost, owner, way))
        })
        .collect();
    ways.sort_by_key(|(cost, ..)| *cost);
    let Some((_, owner, way)) = ways.first() else {
        if let Some((owner, link)) =
            should_own(net, via).filter(|(name, _)| net.state(name).is_none())
        {
            // Whether it has the address, nobody could ask.
            return Some(End::new(owner, link.unwrap_or_default()));
        }
        found.push(nobody(net, here, via, packet));
        return meant_owner(net, here, via, packet);
    };
    let there = way.last().map_or((*owner).clone(), |hop| hop.to.clone());
    let mac = net.link(&there).map(|link| link.mac.clone());
    let known = entry.is_some_and(|entry| entry.is_known());
    let frame = Frame {
        packet: *packet,
        next: via,
        length: packet.on_wire(net.link(here).map_or(0, |link| link.mtu)),
        mac: mac.clone(),
        known,
        tag: None,
    };
    found.extend(segment::gaps(net, way, frame));
    found.extend(same_mac(net, here, owner, mac.as_deref()));
    found.extend(
        [here, &there]
            .into_iter()
            .filter_map(|end| no_arp(net, end)),
    );
    found.extend(keeps_silent(net, &there, via));
    if let (Some(entry), Some(mac)) = (entry.filter(|entry| entry.is_known()), &mac) {
        found.extend(wrong_mac(here, &there, entry, mac, via));
    }
    if let [_, other, ..] = ways.as_slice()
        && other.0 < 1000
        && other.1.machine != owner.machine
    {
        found.push(twice(owner, other.1, via));
    }
    if via != packet.to
        && let Some(state) = net.state(&owner.machine)
    {
        found.extend(arrive::unusable(&owner.machine, state, via));
    }
    Some(there)
}

/// What is in the way of a multicast frame that is for every machine, from one end to another.
pub(in crate::diagnosis) fn to_all_nodes(net: &Net<'_>, from: &End, to: &End) -> Vec<Found> {
    frame_to(
        net,
        from,
        to,
        IpAddr::from([0xff02, 0, 0, 0, 0, 0, 0, 1]),
        None,
    )
}

/// What is in the way of a broadcast, from one end to another.
pub(in crate::diagnosis) fn broadcast(net: &Net<'_>, from: &End, to: &End) -> Vec<Found> {
    frame_to(net, from, to, IpAddr::from([255, 255, 255, 255]), None)
}

/// What is in the way of a frame to the MAC address of an end, which whoever sends knows already: a lease is given so.
pub(in crate::diagnosis) fn unicast(net: &Net<'_>, from: &End, to: &End) -> Vec<Found> {
    let mac = net.link(to).map(|link| link.mac.clone());
    frame_to(net, from, to, IpAddr::from([0, 0, 0, 0]), mac)
}

fn frame_to(net: &Net<'_>, from: &End, to: &End, group: IpAddr, mac: Option<String>) -> Vec<Found> {
    let packet = Packet {
        from: None,
        to: group,
        carries: Carries::Echo,
        length: 0,
        whole: false,
        answer: false,
    };
    let Some((_, way)) = net.way(from, std::slice::from_ref(to)) else {
        return Vec::new();
    };
    let frame = Frame {
        packet,
        next: group,
        length: 0,
        known: mac.is_some(),
        mac,
        tag: None,
    };
    segment::gaps(net, &way, frame)
}

/// Where frames for an owner come in: a port's are its bridge's.
fn taking(net: &Net<'_>, owner: &End, via: IpAddr) -> Vec<End> {
    if let Some(hop) = net.bridge(owner).filter(|hop| hop.is) {
        return vec![hop.to];
    }
    let mut all = vec![owner.clone()];
    // A machine answers for its IPv4 addresses on every link, unless `arp_ignore` says otherwise.
    if let (IpAddr::V4(_), Some(state)) = (via, net.state(&owner.machine)) {
        let loose = |link: &str| {
            let value = |name: &str| {
                let path = format!("ipv4/conf/{name}/arp_ignore");
                state.sysctls.number(&path).unwrap_or(0)
            };
            value("all").max(value(link)) == 0
        };
        let others = state.links.values().filter(|link| {
            link.name != "lo" && link.master.is_none() && link.is_up() && loose(&link.name)
        });
        all.extend(others.map(|link| End::new(&owner.machine, &link.name)));
    }
    all
}

/// A link on which nobody asks for MAC addresses, and which answers nobody who does (`IFF_NOARP`, netdevice(7)).
fn no_arp(net: &Net<'_>, end: &End) -> Option<Found> {
    let known = net.link(end).filter(|link| link.is("NOARP"))?;
    let End { machine, link } = end;
    let statement =
        format!("{link} of {machine} neither asks nor tells who has which MAC address: ARP is off");
    let found = Found::link(Code::LinkSetting, end, statement)
        .is("no")
        .needed("yes")
        .key("ARP")
        .seen(
            format!("{link} has the flags {}", known.flags.join(",")),
            format!("ip link show dev {link}"),
        );
    Some(found.between(
        point_at(end, Station::InetPostrouting),
        point_at(end, Station::ArpOutput),
    ))
}

/// A machine that answers no ARP request for its addresses: `arp_ignore` is 8 (`ip-sysctl.rst`: the larger of `all` and the link's).
fn keeps_silent(net: &Net<'_>, there: &End, via: IpAddr) -> Option<Found> {
    let state = net.state(&there.machine).filter(|_| via.is_ipv4())?;
    let End { machine, link } = there;
    let value = |name: &str| {
        let path = format!("ipv4/conf/{name}/arp_ignore");
        state.sysctls.number(&path).unwrap_or(0)
    };
    let of = ["all", link].into_iter().find(|name| value(name) >= 8)?;
    let key = format!("net.ipv4.conf.{of}.arp_ignore");
    let is = value(of);
    let statement = format!("{machine} answers no ARP requests for {via}: {key} is {is}");
    let found = Found::at(Code::SysctlIgnores, machine, statement)
        .is(is.to_string())
        .needed("0")
        .seen(format!("{key} = {is}"), format!("sysctl {key}"))
        .key(key);
    Some(found.between(
        point_at(there, Station::ArpInput),
        point_at(there, Station::ArpOutput),
    ))
}

/// A link that is a port of a bridge sends, but what comes back is the bridge's.
fn by_a_port(net: &Net<'_>, here: &End, via: IpAddr, route: &Route) -> Option<Found> {
    let bridge = net.bridge(here).filter(|hop| hop.is)?.to;
    let End { machine, link } = here;
    let statement = format!(
        "{machine} sends to {via} by {link}, which is a port of {}: answers come in by {}",
        bridge.link, bridge.link
    );
    let found = Found::link(Code::RouteOtherLink, here, statement)
        .is(link)
        .needed(&bridge.link)
        .key(&route.dst);
    Some(
        found
            .seen(route.words(), format!("ip route get {via}"))
            .seen(
                format!("{link} has master {}", bridge.link),
                format!("ip link show dev {link}"),
            )
            .between(
                point_at(here, Station::Egress),
                point_at(here, Station::InetPrerouting),
            ),
    )
}

/// The next hop's address is nobody's on this side.
fn nobody(net: &Net<'_>, here: &End, via: IpAddr, packet: &Packet) -> Found {
    let End { machine, link } = here;
    let around = net.around(here);
    let owner = should_own(net, via).filter(|(owner, _)| {
        let beside = |end: &End| end.machine == *owner && *owner != *machine;
        around.iter().any(beside)
    });
    // Where one machine alone is on the other side, it is the one that should have the address.
    let owner = owner.or_else(|| {
        let others: BTreeSet<&End> = around
            .iter()
            .filter(|end| end.machine != *machine)
            .collect();
        let mut others = others.into_iter();
        match (others.next(), others.next()) {
            (Some(only), None) => Some((only.machine.clone(), Some(only.link.clone()))),
            _ => None,
        }
    });
    let between = |found: Found| {
        found.between(
            point_at(
                here,
                if via.is_ipv6() {
                    Station::Egress
                } else {
                    Station::ArpOutput
                },
            ),
            point_at(here, Station::Ingress),
        )
    };
    let failed = net
        .state(machine)
        .and_then(|state| state.neighbour(via, link))
        .map(|entry| entry.state.join(" "));
    let words = failed.map_or_else(
        || format!("no answer from {via}"),
        |state| format!("the neighbour entry of {via} is {state}"),
    );
    if let Some((owner, at)) = owner {
        let statement = format!("{owner} has no address {via}");
        let found = Found::at(Code::AddressAbsent, &owner, statement)
            .on(at.as_deref())
            .needed(via.to_string())
            .seen(
                format!("no link has {via}"),
                format!("ip address show to {via}"),
            )
            .seen_at(machine, words, format!("ip neighbour show to {via}"));
        return between(found);
    }
    let role = if via == packet.to {
        "the destination"
    } else {
        "the next hop"
    };
    let statement = format!("nobody on {link} of {machine} has the address {via} of {role}");
    let mut found = Found::link(Code::NeighUnanswered, here, statement);
    // An address that somebody has elsewhere is not the wrong one: the way to it is missing.
    if via != packet.to && net.owners(via).is_empty() && should_own(net, via).is_none() {
        found = found.is(via.to_string());
    }
    let found = found.key(if via == packet.to {
        "destination"
    } else {
        "gateway"
    });
    between(
        found
            .seen(words, format!("ip neighbour show to {via}"))
            .seen(
                "that machine has it on another network, or none has it",
                format!("ip route get {}", packet.to),
            ),
    )
}

/// Where the packet would have come in, had the next hop the address.
fn meant_owner(net: &Net<'_>, here: &End, via: IpAddr, packet: &Packet) -> Option<End> {
    let around = net.around(here);
    let beside = |machine: &str| {
        let mut ends = around.iter();
        ends.find(|end| {
            end.machine == machine
                && machine != here.machine
                && net.link(end).is_some_and(|link| link.master.is_none())
        })
        .cloned()
    };
    if let Some((owner, _)) = should_own(net, via)
        && let Some(end) = beside(&owner)
    {
        return Some(end);
    }
    let owner = net.owners(packet.to).into_iter().next()?;
    beside(&owner.machine)
}

/// Two links of one segment with the same MAC address: a bridge sends to whoever spoke last.
pub(in crate::diagnosis) fn same_mac(
    net: &Net<'_>,
    here: &End,
    owner: &End,
    mac: Option<&str>,
) -> Option<Found> {
    let mac = mac.filter(|mac| !mac.is_empty())?;
    let around = net.around(here);
    let twin = around.iter().find(|end| {
        let same = net
            .link(end)
            .is_some_and(|link| link.mac.eq_ignore_ascii_case(mac));
        same && end.machine != owner.machine && !on_it(net, end, owner)
    })?;
    let (one, other) = if twin < owner {
        (twin, owner)
    } else {
        (owner, twin)
    };
    let statement = format!(
        "{} of {} and {} of {} have the same MAC address {mac}",
        one.link, one.machine, other.link, other.machine
    );
    Some(
        Found::link(Code::FdbDuplicateMac, one, statement)
            .is(mac)
            .seen(
                format!("{} has {mac}", one.link),
                format!("ip link show dev {}", one.link),
            )
            .seen_at(
                &other.machine,
                format!("{} has {mac}", other.link),
                format!("ip link show dev {}", other.link),
            ),
    )
}

/// Whether an end is only what carries the other: a macvtap has the address of its guest's NIC.
fn on_it(net: &Net<'_>, end: &End, owner: &End) -> bool {
    net.wired(end) == Some(owner)
}

/// A neighbour entry that is not the next hop's.
fn wrong_mac(here: &End, there: &End, entry: &Neighbour, mac: &str, via: IpAddr) -> Option<Found> {
    let known = entry.mac.as_deref()?;
    let End { machine, link } = here;
    (!known.eq_ignore_ascii_case(mac)).then(|| {
        let statement = format!(
            "{machine} sends to {via} at {known}, and {} of {} has {mac}",
            there.link, there.machine
        );
        let found = Found::link(Code::NeighWrongMac, here, statement)
            .is(known)
            .needed(mac)
            .key(via.to_string())
            .seen(
                format!("{via} lladdr {known} {}", entry.state.join(" ")),
                format!("ip neighbour show dev {link}"),
            )
            .seen_at(
                &there.machine,
                format!("{} has {mac}", there.link),
                format!("ip link show dev {}", there.link),
            )
            .between(
                point_at(there, Station::Ingress),
                point_at(there, Station::InetPrerouting),
            );
        if entry.is_permanent() {
            found
        } else {
            found.maybe()
        }
    })
}

/// Two machines with the next hop's address.
fn twice(owner: &End, other: &End, via: IpAddr) -> Found {
    let statement = format!(
        "{} and {} both have the address {via}",
        owner.machine, other.machine
    );
    let (first, second) = if owner < other {
        (owner, other)
    } else {
        (other, owner)
    };
    let show = format!("ip address show to {via}");
    Found::link(Code::AddressDuplicate, first, statement)
        .is(via.to_string())
        .seen(format!("{} has {via}", first.link), show.clone())
        .seen_at(&second.machine, format!("{} has {via}", second.link), show)
}
