//! What is behind a gap: an address that is missing because networkd has not set up its link, a route that an advertisement would
//! have brought, the MTU of a bridge that is that of one of its ports.

use super::sent::Brings;
use super::{adverts, leases, managed, sysctl};
use crate::diagnosis::code::Code;
use crate::diagnosis::found::Found;
use crate::diagnosis::net::{End, Net};
use crate::diagnosis::walk::{has_stp, membership};
use crate::networkd::Setting;

/// The same, each gap with what is behind it before it.
pub(super) fn before(net: &Net<'_>, all: Vec<Found>) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for one in all {
        let mut roots = Vec::new();
        for root in behind(net, &one) {
            roots.extend(behind(net, &root));
            roots.push(root);
        }
        roots.push(one);
        for one in roots {
            if !found.iter().any(|known| known.gap == one.gap) {
                found.push(one);
            }
        }
    }
    found
}

fn behind(net: &Net<'_>, found: &Found) -> Vec<Found> {
    let gap = &found.gap;
    let link = gap.link.as_deref();
    let v6 = |text: &Option<String>| text.as_ref().is_some_and(|text| text.contains(':'));
    let mut roots = match gap.code {
        Code::AddressAbsent => {
            let mut roots = same_id(net, &gap.machine);
            if v6(&gap.needed) || gap.key.as_deref() == Some("IPv6") {
                roots.extend(without_ipv6(net, &gap.machine, link));
            }
            roots.extend(managed::not_done(net, &gap.machine, link));
            roots.extend(managed::link_of_unit(net, found));
            if !v6(&gap.needed) {
                roots.extend(leases::in_the_way(net, &gap.machine, link));
            }
            roots
        }
        Code::RouteNone | Code::RouteNoneBack => {
            let mut roots = Vec::new();
            if v6(&gap.needed) {
                roots.extend(without_ipv6(net, &gap.machine, None));
            }
            roots.extend(managed::not_done(net, &gap.machine, None));
            if !v6(&gap.needed) {
                roots.extend(leases::in_the_way(net, &gap.machine, None));
            }
            if v6(&gap.needed) {
                let way = adverts::in_the_way(net, &gap.machine, None, Brings::Route);
                // Who has no route of IPv6 by hand was to have one by an advertisement.
                let by_hand = has_static_v6(net, &gap.machine);
                roots.extend(way.into_iter().map(|one| match one.gap.code {
                    Code::RaNotSent if !by_hand => Found {
                        certain: true,
                        ..one
                    },
                    _ => one,
                }));
            }
            roots
        }
        Code::PortBlocking => by_bridge(net, found).into_iter().collect(),
        Code::LinkNoCarrier => without_ports(net, found),
        Code::PortNotEnslaved | Code::LinkAbsent => managed::not_running(net, &gap.machine)
            .into_iter()
            .collect(),
        Code::RouteOtherLink => of_a_port(net, found).into_iter().collect(),
        Code::AddressDuplicate => same_id(net, &gap.machine),
        Code::LinkMtu => narrow_port(net, found).into_iter().collect(),
        _ => Vec::new(),
    };
    // The packet stops where the gap is, whatever is behind it.
    for root in &mut roots {
        if root.between.is_none() {
            root.between.clone_from(&found.between);
        }
    }
    roots
}

/// Whether a machine has a route of IPv6 by a next hop that no advertisement brought, or a unit that should give it one.
fn has_static_v6(net: &Net<'_>, machine: &str) -> bool {
    let Some(state) = net.state(machine) else {
        return false;
    };
    let mut by_hop = state
        .routes
        .iter()
        .filter(|route| route.hop().is_some_and(|hop| hop.is_ipv6()));
    let mut links = state.links.keys().map(|name| End::new(machine, name));
    let v6 = |one: &Setting| one.key == "Gateway" && one.value.contains(':');
    by_hop.any(|route| route.protocol != "ra")
        || links.any(|end| {
            let unit = adverts::unit_of(net, &end);
            unit.is_some_and(|unit| unit.settings.iter().any(v6))
        })
}

/// IPv6 is off on the link, or on each link of a machine.
fn without_ipv6(net: &Net<'_>, machine: &str, link: Option<&str>) -> Option<Found> {
    let state = net.state(machine)?;
    let links = state.links.keys().filter(|name| match link {
        Some(link) => *name == link,
        None => *name != "lo",
    });
    let mut off = links.map(|name| sysctl::no_ipv6(net, &End::new(machine, name)));
    let first = off.next()??;
    off.all(|one| one.is_some()).then_some(first)
}

/// A port that does not forward, at a bridge with STP: the bridge is what makes it wait.
fn by_bridge(net: &Net<'_>, found: &Found) -> Option<Found> {
    let port = End::new(&found.gap.machine, found.gap.link.clone()?);
    let bridge = net.bridge(&port).filter(|hop| hop.is)?.to;
    let root = has_stp(net, &bridge, &port.link)?;
    Some(if found.certain { root } else { root.maybe() })
}

/// A bridge without carrier: its ports wait for STP, or there is none.
fn without_ports(net: &Net<'_>, found: &Found) -> Vec<Found> {
    let gap = &found.gap;
    let Some(bridge) = gap.link.as_ref().map(|link| End::new(&gap.machine, link)) else {
        return Vec::new();
    };
    let (Some(link), Some(state)) = (net.link(&bridge), net.state(&gap.machine)) else {
        return Vec::new();
    };
    if !link.is_bridge() {
        return Vec::new();
    }
    let mut ports = state.links.values();
    if let Some(port) = ports.find(|port| port.master.as_deref() == Some(&bridge.link)) {
        return has_stp(net, &bridge, &port.name).into_iter().collect();
    }
    let ends = state.links.keys().map(|name| End::new(&gap.machine, name));
    let meant = ends.filter_map(|end| net.bridge(&end).filter(|hop| !hop.is));
    meant
        .filter_map(|hop| membership(net, &hop, false))
        .collect()
}

/// A port that has taken an address of its own, and with it a route.
fn of_a_port(net: &Net<'_>, found: &Found) -> Option<Found> {
    let gap = &found.gap;
    let end = End::new(&gap.machine, gap.link.clone()?);
    let link = net.link(&end).filter(|link| link.master.is_some())?;
    let mut all = link.addresses.iter();
    let own = all
        .find(|one| one.dynamic && one.scope == "global")?
        .net()?;
    let (machine, name) = (&end.machine, &link.name);
    let is = format!("{}/{}", own.addr(), own.prefix_len());
    let statement =
        format!("{name} of {machine} is a port of a bridge, and has the address {is} of its own");
    let root = Found::link(Code::AddressOther, &end, statement)
        .is(is)
        .needed("absent");
    Some(root.seen("it has an address", format!("ip address show dev {name}")))
}

/// A bridge has the smallest MTU of its ports where nobody set it.
fn narrow_port(net: &Net<'_>, found: &Found) -> Option<Found> {
    let gap = &found.gap;
    let end = End::new(&gap.machine, gap.link.clone()?);
    let state = net.state(&end.machine)?;
    let bridge = net.link(&end).filter(|link| link.is_bridge())?;
    let ports = || {
        let all = state.links.values();
        all.filter(|port| port.master.as_deref() == Some(&bridge.name))
    };
    let widest = ports().map(|port| port.mtu).max()?;
    let port = ports().find(|port| port.mtu == bridge.mtu && port.mtu < widest)?;
    let (machine, name, mtu) = (&end.machine, &port.name, port.mtu);
    let statement = format!(
        "{name} of {machine} bears {mtu} bytes, and so does its bridge {}",
        bridge.name
    );
    let root = Found::link(Code::LinkMtu, &End::new(machine, name), statement)
        .is(mtu.to_string())
        .needed(gap.needed.clone().unwrap_or_default())
        .key("mtu");
    Some(root.seen(
        format!("{name} has mtu {mtu}"),
        format!("ip link show dev {name}"),
    ))
}

/// Guests with one machine-id are one client to a DHCP server (RFC 4361).
pub(super) fn same_id(net: &Net<'_>, machine: &str) -> Vec<Found> {
    let guests = || net.scenario.guests.iter();
    let own = guests().find(|(name, _)| name.as_str() == machine);
    let Some((own, id)) = own.and_then(|(name, guest)| Some((name, guest.machine_id.as_ref()?)))
    else {
        return Vec::new();
    };
    let same = guests().find(|(name, guest)| *name != own && guest.machine_id.as_ref() == Some(id));
    let twice = same.map(|(other, _)| {
        let (first, second) = if own < other {
            (own, other)
        } else {
            (other, own)
        };
        let statement = format!("{first} and {second} have the same machine-id {id}");
        Found::at(Code::MachineSameId, first.as_str(), statement)
            .is(id)
            .key("machine_id")
            .seen(format!("{first} has {id}"), "cat /etc/machine-id")
            .seen_at(
                second.as_str(),
                format!("{second} has {id}"),
                "cat /etc/machine-id",
            )
    });
    twice.into_iter().collect()
}
