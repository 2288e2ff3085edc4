//! What a machine decides about a packet that it sends or routes.

use std::net::IpAddr;

use super::packet::Packet;
use super::walked::Place;
use crate::diagnosis::code::Code;
use crate::diagnosis::found::{Found, point, point_at};
use crate::diagnosis::net::{End, Net};
use crate::diagnosis::point::Station;
use crate::diagnosis::state::{Lookup, Route, State};

/// A machine that does not forward.
pub(super) fn not_forwarding(
    machine: &str,
    state: &State,
    by: &End,
    packet: &Packet,
) -> Option<Found> {
    let v6 = packet.to.is_ipv6();
    let path = match v6 {
        true => "ipv6/conf/all/forwarding".to_owned(),
        false => format!("ipv4/conf/{}/forwarding", by.link),
    };
    let key = match v6 {
        true => "net.ipv6.conf.all.forwarding",
        false => "net.ipv4.ip_forward",
    };
    let value = state.sysctls.get(&path).or(state.sysctls.dotted(key))?;
    (value == "0").then(|| {
        Found::at(
            Code::ForwardOff,
            machine,
            format!("{machine} does not forward packets: {key} is 0"),
        )
        .is("0")
        .needed("1")
        .key(key)
        .seen(format!("{key} = 0"), format!("sysctl {key}"))
        .between(
            point_at(by, Station::InetPrerouting),
            point_at(by, Station::InetForward),
        )
    })
}

/// The reverse path filter, which is strict where it is 1 (`ip-sysctl.rst`: the larger of `all` and the link's).
pub(super) fn reverse_path(by: &End, state: &State, packet: &Packet) -> Option<Found> {
    let from = packet.from.filter(IpAddr::is_ipv4)?;
    let value = |name: &str| {
        let path = format!("ipv4/conf/{name}/rp_filter");
        state.sysctls.number(&path).unwrap_or(0)
    };
    let filter = value("all").max(value(&by.link));
    let back = state.lookup(from, None, None);
    let (link, fact) = match (&back, filter) {
        (Lookup::By(route), 1) if route.link() != Some(&by.link) => (route.link(), route.words()),
        (Lookup::None | Lookup::Refused(_), 1 | 2) => (None, format!("no route to {from}")),
        _ => return None,
    };
    let End {
        machine,
        link: came,
    } = by;
    let statement = format!(
        "{machine} drops packets from {from} that come in by {came}: it would answer by {}",
        link.unwrap_or("no link")
    );
    let key = format!("net.ipv4.conf.{came}.rp_filter");
    Some(
        Found::link(Code::RouteRpFilter, by, statement)
            .is(filter.to_string())
            .needed("0")
            .seen(format!("{key} = {filter}"), format!("sysctl {key}"))
            .key(key)
            .seen(fact, format!("ip route get {from}"))
            .between(
                point_at(by, Station::InetPrerouting),
                point_at(by, Station::InetInput),
            ),
    )
}

/// Key of a gap that is about the length of a prefix.
pub(super) const PREFIX: &str = "prefix length";

/// An address whose prefix is too long for its link: what has the destination is on that link, and takes the address to be near, but
/// the machine itself has no route there, or one by a router.
pub(super) fn narrow(
    net: &Net<'_>,
    machine: &str,
    to: IpAddr,
    route: Option<&Route>,
) -> Option<Found> {
    if route.is_some_and(|route| route.hop().is_none()) {
        return None;
    }
    let owners = net.owners(to).into_iter();
    let owner = owners.into_iter().find(|owner| owner.machine != machine)?;
    let mut theirs = net.link(&owner)?.addresses.iter();
    let theirs = theirs.find(|one| one.local == Some(to))?.net()?;
    let mut links = net.state(machine)?.links.values();
    let (link, own) = links.find_map(|link| {
        let near = net.around(&End::new(machine, &link.name)).contains(&owner);
        let mut all = link.addresses.iter().filter(|_| near);
        let own = all.find(|one| {
            let near = one.local.is_some_and(|local| theirs.contains(&local));
            near && one.net().is_some_and(|net| !net.contains(&to))
        })?;
        Some((link, own.local.zip(own.net())?))
    })?;
    let (address, net) = own;
    let name = &link.name;
    let statement = format!(
        "{machine} has {address}/{} on {name}, and so takes {to} to be elsewhere, which is on the same link with a prefix of {}",
        net.prefix_len(),
        theirs.prefix_len()
    );
    let found = Found::link(Code::AddressOther, &End::new(machine, name), statement)
        .is(format!("{address}/{}", net.prefix_len()))
        .needed(format!("{address}/{}", theirs.prefix_len()))
        .key(PREFIX)
        .seen(
            format!("{name} has {address}/{}", net.prefix_len()),
            format!("ip address show dev {name}"),
        )
        .seen_at(
            &owner.machine,
            format!("{} has {to}/{}", owner.link, theirs.prefix_len()),
            format!("ip address show dev {}", owner.link),
        );
    Some(found.between(
        point(machine, Station::Sender),
        point(machine, Station::InetOutput),
    ))
}

/// A packet that is longer than the link that it leaves by, and must not be cut.
pub(super) fn too_long(net: &Net<'_>, out: &End, packet: &Packet, own: bool) -> Option<Found> {
    let mtu = net.link(out)?.mtu;
    let cut = !packet.whole && (own || !packet.to.is_ipv6());
    (mtu > 0 && packet.length > mtu && !cut).then(|| {
        let End { machine, link } = out;
        let statement = format!(
            "{link} of {machine} bears {mtu} bytes, the packet has {}",
            packet.length
        );
        Found::link(Code::LinkMtu, out, statement)
            .is(mtu.to_string())
            .needed(packet.length.to_string())
            .key("mtu")
            .seen(
                format!("{link} has mtu {mtu}"),
                format!("ip link show dev {link}"),
            )
            .between(
                point(
                    machine,
                    if own {
                        Station::Sender
                    } else {
                        Station::InetPrerouting
                    },
                ),
                point_at(out, Station::InetPostrouting),
            )
    })
}

/// The source address that the kernel takes (RFC 6724, as far as a lab needs it).
pub(super) fn source(
    state: &State,
    route: &Route,
    link: &str,
    to: IpAddr,
    via: IpAddr,
) -> Option<IpAddr> {
    if let Some(own) = route.prefsrc {
        return Some(own);
    }
    let v6 = to.is_ipv6();
    let near = |address: IpAddr| match address {
        IpAddr::V6(address) if address.is_unicast_link_local() => None,
        _ => Some(address),
    };
    let local = matches!(to, IpAddr::V6(to) if to.is_unicast_link_local());
    let here = state.links.get(link)?;
    let all = here.addresses.iter().filter(|one| one.is_usable());
    let mut all: Vec<IpAddr> = all
        .filter_map(|one| one.local)
        .filter(|one| one.is_ipv6() == v6 && (local || near(*one).is_some()))
        .collect();
    // One of the next hop's own prefix first.
    all.sort_by_key(|address| {
        let net = here
            .addresses
            .iter()
            .find(|one| one.local == Some(*address));
        let near = net.and_then(|one| one.net());
        let near = near.is_some_and(|net| net.contains(&via));
        // Of the others one that changes, where there are such (RFC 8981).
        (!near, !net.is_some_and(|one| one.temporary))
    });
    all.first().copied().or_else(|| {
        let others = state.links.keys().filter(|other| *other != link);
        let mut found = others.filter_map(|other| own_address(state, other, v6));
        found.find(|address| !address.is_loopback())
    })
}

/// An address of a link that is not one of that link alone.
pub(super) fn own_address(state: &State, link: &str, v6: bool) -> Option<IpAddr> {
    let here = state.links.get(link)?;
    let mut all = here.addresses.iter().filter(|one| one.scope == "global");
    all.find(|one| one.is_usable() && one.local.is_some_and(|ip| ip.is_ipv6() == v6))?
        .local
}

/// A machine that cannot send from an address that it has not got, or not yet.
pub(super) fn source_missing(machine: &str, state: &State, packet: &Packet) -> Option<Found> {
    let between = |found: Found| {
        found.between(
            point(machine, Station::Sender),
            point(machine, Station::InetOutput),
        )
    };
    let Some(from) = packet.from else {
        let family = if packet.to.is_ipv6() { "IPv6" } else { "IPv4" };
        let statement = format!("{machine} has no usable {family} address to send from");
        let found = Found::at(Code::AddressAbsent, machine, statement).key(family);
        return Some(between(found.seen("no address", "ip address show")));
    };
    match state.owner(from) {
        None => {
            let statement = format!("{machine} has no address {from} to send from");
            let found = Found::at(Code::AddressAbsent, machine, statement).needed(from.to_string());
            Some(between(found.seen(
                format!("no link has {from}"),
                format!("ip address show to {from}"),
            )))
        }
        Some(_) => super::arrive::unusable(machine, state, from).map(between),
    }
}

/// Where a packet would go on a machine without a route: to the router that another of its routes names, or to whoever is on one
/// of its links.
pub(super) fn meant(net: &Net<'_>, machine: &str, packet: &Packet) -> Option<Place> {
    let state = net.state(machine)?;
    let owner = net.owners(packet.to).into_iter().next()?;
    let near = state.links.values().filter(|link| link.name != "lo");
    for link in near {
        let here = End::new(machine, &link.name);
        let around = net.around(&here);
        if around.contains(&owner) {
            return Some(Place {
                sends: false,
                machine: owner.machine.clone(),
                came_by: Some(owner),
            });
        }
        // A machine that forwards and is beside it.
        let router = around.iter().find(|end| {
            let other = net.state(&end.machine).filter(|_| end.machine != machine);
            let forwards = other.is_some_and(|other| {
                let key = if packet.to.is_ipv6() {
                    "ipv6/conf/all/forwarding"
                } else {
                    "ipv4/ip_forward"
                };
                other.sysctls.get(key) == Some("1")
                    && matches!(other.lookup(packet.to, None, None), Lookup::By(_))
            });
            let addressed = net.link(end).is_some_and(|link| !link.addresses.is_empty());
            forwards && addressed
        });
        if let Some(router) = router {
            return Some(Place {
                sends: false,
                machine: router.machine.clone(),
                came_by: Some(router.clone()),
            });
        }
    }
    None
}
