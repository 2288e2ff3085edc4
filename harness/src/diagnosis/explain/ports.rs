//! Ports of bridges: `bridge_port`, `bridge_vlan`, `fdb`, `mdb`.

use super::at::{At, Explained};
use super::carrier::not_up;
use super::managed;
use super::missing::{absent_link, not_watched};
use crate::check::kinds::{BridgePort, BridgeVlan, Fdb, Mdb};
use crate::diagnosis::code::Code;
use crate::diagnosis::found::Found;
use crate::diagnosis::net::{End, Hop, Join};
use crate::diagnosis::walk::{by_stp, membership};

/// `bridge_port`.
pub(super) fn explain(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<BridgePort>()?;
    let port = at.end(asked.interface.as_str());
    let bridge = at.end(asked.bridge.as_str());
    Some(of_bridge(at, &port, &bridge))
}

/// Why a link is no forwarding port of a bridge.
pub(super) fn of_bridge(at: &At<'_>, port: &End, bridge: &End) -> Explained {
    if at.state().is_none() {
        return not_watched(port.machine.clone());
    }
    let Some(link) = at.net.link(port) else {
        // A bridge that is not there is the lower one.
        let both = [bridge, port].into_iter();
        let absent = both.filter(|end| at.net.link(end).is_none());
        return Explained::of(
            absent
                .map(|end| {
                    let found = absent_link(end);
                    if end == bridge {
                        found.needed("bridge")
                    } else {
                        found
                    }
                })
                .collect(),
        );
    };
    let is = link.master.as_deref() == Some(&bridge.link)
        && at.net.link(bridge).is_some_and(|bridge| bridge.is_bridge());
    let hop = Hop {
        from: port.clone(),
        to: bridge.clone(),
        join: Join::ToBridge,
        is,
    };
    let mut found: Vec<Found> = membership(at.net, &hop, false).into_iter().collect();
    if !is {
        found.extend(managed::not_done(at.net, &port.machine, Some(&port.link)));
    }
    found.extend(not_up(at.net, port));
    let state = link.port_state().filter(|state| *state != "forwarding");
    if let Some(state) = state.filter(|_| found.is_empty()) {
        let End { machine, link } = port;
        let statement = format!("the port {link} of {machine} is {state}, and does not forward");
        let blocking = Found::link(Code::PortBlocking, port, statement)
            .is(state)
            .needed("forwarding")
            .seen(
                format!("{link} has state {state}"),
                format!("bridge -d link show dev {link}"),
            );
        found.push(blocking);
    }
    if found.is_empty() {
        found.extend(by_stp(at.net, port, bridge));
    }
    Explained::of(found)
}

/// `bridge_vlan`.
pub(super) fn vlan(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<BridgeVlan>()?;
    let port = at.end(asked.interface.as_str());
    let Some(state) = at.state() else {
        return Some(not_watched(port.machine));
    };
    if at.net.link(&port).is_none() {
        return Some(Explained::of(vec![absent_link(&port)]));
    }
    let vlans = state.vlans.get(&port.link).map_or(&[][..], Vec::as_slice);
    let said: Vec<String> = vlans.iter().map(|vlan| vlan.first.to_string()).collect();
    let is = match said.is_empty() {
        true => "no VLAN".to_owned(),
        false => format!("VLAN {}", said.join(", ")),
    };
    let End { machine, link } = &port;
    let statement = format!(
        "{link} of {machine} is in {is}, and VLAN {} is asked for",
        asked.vlan
    );
    let found = Found::link(Code::PortVlan, &port, statement)
        .is(&is)
        .needed(format!("VLAN {}", asked.vlan))
        .key("VLAN")
        .seen(
            format!("{link} is in {is}"),
            format!("bridge vlan show dev {link}"),
        );
    Some(Explained::of(vec![found]))
}

/// `fdb`.
pub(super) fn fdb(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<Fdb>()?;
    let machine = at.machine();
    let Some(state) = at.state() else {
        return Some(not_watched(machine));
    };
    let mac = asked.mac.to_string();
    let entry = state
        .fdb
        .iter()
        .find(|entry| entry.mac.eq_ignore_ascii_case(&mac) && entry.master.is_some());
    let mut found = Vec::new();
    let port = asked.interface.as_ref().map(|port| at.end(port.as_str()));
    if let Some(port) = &port {
        // Nothing is learnt behind a port to which no frame comes.
        found.extend(
            at.net
                .bridge(port)
                .and_then(|hop| membership(at.net, &hop, false)),
        );
        found.extend(not_up(at.net, port));
    }
    let is = entry.map_or("nowhere", |entry| entry.port.as_str());
    let needed = port.as_ref().map_or("any port", |port| port.link.as_str());
    let needed = if asked.absent { "nowhere" } else { needed };
    let vlan = entry.and_then(|entry| entry.vlan);
    let (code, is, needed, key) = match (asked.vlan, vlan) {
        (Some(wanted), Some(vlan)) if wanted != vlan => (
            Code::PortVlan,
            format!("VLAN {vlan}"),
            format!("VLAN {wanted}"),
            "VLAN".to_owned(),
        ),
        _ => (
            Code::FdbWrongPort,
            is.to_owned(),
            needed.to_owned(),
            mac.clone(),
        ),
    };
    let statement =
        format!("a bridge of {machine} has {mac} behind {is}, and {needed} is asked for");
    let last = Found::at(code, &machine, statement)
        .on(port.as_ref().map(|port| port.link.as_str()))
        .is(is.clone())
        .needed(needed)
        .key(key)
        .seen(format!("{mac} is behind {is}"), "bridge fdb show");
    // An address that is not learnt says nothing about who keeps its frames away.
    found.push(if entry.is_none() { last.maybe() } else { last });
    Some(Explained::of(found))
}

/// `mdb`.
pub(super) fn mdb(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<Mdb>()?;
    let machine = at.machine();
    if at.state().is_none() {
        return Some(not_watched(machine));
    }
    let port = asked.interface.as_ref().map(|port| at.end(port.as_str()));
    let mut found = Vec::new();
    if let Some(port) = &port {
        found.extend(
            at.net
                .bridge(port)
                .and_then(|hop| membership(at.net, &hop, false)),
        );
        found.extend(not_up(at.net, port));
    }
    let link = port.as_ref().map(|port| port.link.as_str());
    let behind = link.map_or_else(String::new, |link| format!(" behind {link}"));
    let statement = format!("{} has no member{behind} of {machine}", asked.group);
    let last = Found::at(Code::MdbNotMember, &machine, statement)
        .on(link)
        .needed(asked.group.to_string())
        .key(asked.group.to_string())
        .seen(at.unheld.got, "bridge -d mdb show");
    found.push(last);
    Some(Explained::of(found))
}
