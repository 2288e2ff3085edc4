//! What a bridge does with a frame.

use super::frame::Frame;
use crate::diagnosis::code::Code;
use crate::diagnosis::found::{Found, point_at};
use crate::diagnosis::hooks;
use crate::diagnosis::net::{End, Hop, Net};
use crate::diagnosis::point::Station;
use crate::diagnosis::state::{Link, PortVlan, State};

/// From a port to its bridge, and, where there is a `next`, out by another port.
pub(super) fn through(
    net: &Net<'_>,
    hop: &Hop,
    next: Option<&Hop>,
    frame: &mut Frame,
) -> Vec<Found> {
    let (Some(state), Some(port)) = (net.state(&hop.from.machine), net.link(&hop.from)) else {
        return Vec::new();
    };
    let Some(bridge) = net.link(&hop.to) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    found.extend(not_forwarding(&hop.from, port, bridge, true));
    found.extend(by_stp(net, &hop.from, &hop.to));
    found.extend(locked(state, &hop.from, port));
    let into = vlan_in(state, bridge, &hop.from, frame);
    found.extend(into);
    match next {
        None => found.extend(to_itself(state, bridge, hop, frame)),
        Some(next) => {
            let isolated = |port: &Link| port.port_flag("isolated") == Some(true);
            if net
                .link(&next.to)
                .is_some_and(|out| isolated(port) && isolated(out))
            {
                found.extend(both_isolated(&hop.from, &next.to));
            }
            let (machine, bridge) = (&hop.from.machine, &bridge.name);
            found.extend(hooks::bridged(state, machine, bridge, &frame.packet));
        }
    }
    found
}

/// Out of a bridge by a port. `own`: the machine itself sends.
pub(super) fn out_of(net: &Net<'_>, hop: &Hop, own: bool, frame: &mut Frame) -> Vec<Found> {
    let (Some(state), Some(port)) = (net.state(&hop.to.machine), net.link(&hop.to)) else {
        return Vec::new();
    };
    let Some(bridge) = net.link(&hop.from) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    found.extend(not_forwarding(&hop.to, port, bridge, false));
    found.extend(by_stp(net, &hop.to, &hop.from));
    if own {
        // What the machine itself sends without a tag is in the bridge's own VLAN.
        found.extend(vlan_in(state, bridge, &hop.from, frame));
    }
    found.extend(vlan_out(state, bridge, &hop.to, frame));
    found.extend(wrong_port(state, bridge, &hop.to, frame));
    found.extend(not_flooded(state, &hop.to, port, frame));
    found
}

/// A port that forwards now, on a bridge with STP: for twice the forward delay after it came it did not (IEEE 802.1D, 8.4).
pub(in crate::diagnosis) fn by_stp(net: &Net<'_>, port: &End, bridge: &End) -> Option<Found> {
    // The uplink was there first: what comes later waits.
    let late = net.guest_beyond(port);
    let forwards = net.link(port)?.port_state() == Some("forwarding");
    let found = has_stp(net, bridge, &port.link).filter(|_| late && forwards)?;
    Some(found.maybe())
}

/// A bridge with STP, at which a port waits.
pub(in crate::diagnosis) fn has_stp(net: &Net<'_>, bridge: &End, port: &str) -> Option<Found> {
    let End { machine, link } = bridge;
    (net.link(bridge)?.linkinfo.data["stp_state"] == 1).then(|| {
        let statement = format!(
            "{link} of {machine} has STP, and {port} listens and learns before it forwards"
        );
        Found::link(Code::PortBlocking, bridge, statement)
            .is("yes")
            .needed("no")
            .key("STP")
            .seen(
                format!("{link} has stp_state 1"),
                format!("ip -d link show dev {link}"),
            )
    })
}

fn not_forwarding(end: &End, port: &Link, bridge: &Link, comes_in: bool) -> Option<Found> {
    let state = port.port_state().filter(|state| *state != "forwarding")?;
    // A port without carrier is disabled, and so is one of a bridge that is down: what that is due to is said elsewhere.
    if !port.is_up() || !port.is("LOWER_UP") || !bridge.is_up() {
        return None;
    }
    let End { machine, link } = end;
    let statement = format!("the port {link} of {machine} is {state}, and does not forward");
    let found = Found::link(Code::PortBlocking, end, statement)
        .is(state)
        .needed("forwarding")
        .seen(
            format!("{link} has state {state}"),
            format!("bridge -d link show dev {link}"),
        );
    Some(match comes_in {
        true => found.between(
            point_at(end, Station::Ingress),
            point_at(end, Station::BridgePrerouting),
        ),
        false => forward(found, end),
    })
}

/// Between prerouting and forwarding of a bridge.
fn forward(found: Found, out: &End) -> Found {
    found.between(
        point_at(out, Station::BridgePrerouting),
        point_at(out, Station::BridgeForward),
    )
}

/// Two isolated ports; either of them would have to be another.
fn both_isolated(from: &End, to: &End) -> [Found; 2] {
    let (machine, one, other) = (&from.machine, &from.link, &to.link);
    [(from, to), (to, from)].map(|(end, far)| {
        let statement = format!(
            "{one} and {other} of {machine} are both isolated: the bridge passes nothing between them"
        );
        let found = Found::link(Code::PortIsolated, end, statement)
            .is("on")
            .needed("off")
            .key("isolated");
        let found = [&end.link, &far.link].into_iter().fold(found, |found, link| {
            found.seen(
                format!("{link} has isolated on"),
                format!("bridge -d link show dev {link}"),
            )
        });
        found.between(
            point_at(from, Station::BridgePrerouting),
            point_at(to, Station::BridgeForward),
        )
    })
}

fn locked(state: &State, end: &End, port: &Link) -> Option<Found> {
    let locked = port.port_flag("locked") == Some(true);
    let known = state
        .fdb
        .iter()
        .any(|entry| entry.port == end.link && entry.master.is_some() && entry.state == "static");
    let End { machine, link } = end;
    (locked && !known).then(|| {
        let statement = format!(
            "the port {link} of {machine} is locked, and no MAC address behind it is authorised"
        );
        Found::link(Code::PortLocked, end, statement)
            .is("on")
            .needed("off")
            .key("locked")
            .seen(
                format!("{link} has locked on"),
                format!("bridge -d link show dev {link}"),
            )
            .between(
                point_at(end, Station::BridgePrerouting),
                point_at(end, Station::BridgeForward),
            )
    })
}

fn vlans<'s>(state: &'s State, link: &str) -> &'s [PortVlan] {
    state.vlans.get(link).map_or(&[], Vec::as_slice)
}

fn vlan_gap(end: &End, is: String, needed: String, statement: String) -> Found {
    let link = &end.link;
    let found = Found::link(Code::PortVlan, end, statement)
        .is(&is)
        .needed(needed)
        .key("VLAN");
    found.seen(
        format!("{link} is in {is}"),
        format!("bridge vlan show dev {link}"),
    )
}

/// The port's VLANs in words.
fn said(vlans: &[PortVlan]) -> String {
    let words: Vec<String> = vlans
        .iter()
        .map(|vlan| {
            let range = match vlan.first == vlan.last {
                true => vlan.first.to_string(),
                false => format!("{}-{}", vlan.first, vlan.last),
            };
            let pvid = if vlan.pvid { " pvid" } else { "" };
            let untagged = if vlan.untagged { " untagged" } else { "" };
            format!("{range}{pvid}{untagged}")
        })
        .collect();
    match words.is_empty() {
        true => "no VLAN".to_owned(),
        false => format!("VLAN {}", words.join(", ")),
    }
}

/// The VLAN of a frame that comes in by a port: its tag's, or that of the port for untagged ones.
fn vlan_in(state: &State, bridge: &Link, port: &End, frame: &mut Frame) -> Option<Found> {
    if !bridge.filters_vlans() {
        return None;
    }
    let vlans = vlans(state, &port.link);
    let pvid = vlans.iter().find(|vlan| vlan.pvid).map(|vlan| vlan.first);
    let vlan = frame.tag.or(pvid);
    let End { machine, link } = port;
    let Some(vlan) = vlan else {
        let statement = format!("untagged frames that come in by {link} of {machine} are dropped");
        let gap = vlan_gap(port, said(vlans), "a pvid".to_owned(), statement);
        return Some(gap.between(
            point_at(port, Station::Ingress),
            point_at(port, Station::BridgePrerouting),
        ));
    };
    let inside = vlans.iter().any(|one| one.has(vlan));
    frame.tag = Some(vlan);
    (!inside).then(|| {
        let statement = format!("{link} of {machine} is not in VLAN {vlan}, in which the frame is");
        vlan_gap(port, said(vlans), format!("VLAN {vlan}"), statement).between(
            point_at(port, Station::Ingress),
            point_at(port, Station::BridgePrerouting),
        )
    })
}

/// Whether a frame leaves by a port, and whether with its tag.
fn vlan_out(state: &State, bridge: &Link, port: &End, frame: &mut Frame) -> Option<Found> {
    if !bridge.filters_vlans() {
        return None;
    }
    let vlan = frame.tag?;
    let vlans = vlans(state, &port.link);
    let known = vlans.iter().find(|one| one.has(vlan));
    if known.is_some_and(|known| known.untagged) {
        frame.tag = None;
    }
    let End { machine, link } = port;
    known.is_none().then(|| {
        let statement = format!("{link} of {machine} is not in VLAN {vlan}, in which the frame is");
        let gap = vlan_gap(port, said(vlans), format!("VLAN {vlan}"), statement);
        frame.tag = None;
        forward(gap, port)
    })
}

/// The bridge itself, which may be in fewer VLANs than its ports.
fn to_itself(state: &State, bridge: &Link, hop: &Hop, frame: &mut Frame) -> Option<Found> {
    if !bridge.filters_vlans() {
        return None;
    }
    let vlan = frame.tag?;
    let vlans = vlans(state, &bridge.name);
    let inside = vlans.iter().any(|one| one.has(vlan));
    frame.tag = None;
    (!inside).then(|| {
        let (machine, name) = (&hop.to.machine, &bridge.name);
        let statement = format!("{name} of {machine} itself is not in VLAN {vlan}");
        vlan_gap(&hop.to, said(vlans), format!("VLAN {vlan}"), statement).between(
            point_at(&hop.from, Station::BridgePrerouting),
            point_at(&hop.to, Station::BridgeInput),
        )
    })
}

/// A forwarding entry that leads to another port. One that was learnt may be outdated; one that an administrator made, or that is
/// the bridge's own, stays.
fn wrong_port(state: &State, bridge: &Link, out: &End, frame: &Frame) -> Option<Found> {
    let mac = frame.mac.as_deref()?;
    let mut entries = state.fdb.iter();
    let entry = entries.find(|entry| {
        let same = entry.mac.eq_ignore_ascii_case(mac);
        let here = entry.master.as_deref() == Some(&bridge.name);
        same && here && entry.port != out.link
    })?;
    let fixed = !entry.state.is_empty() || entry.flags.iter().any(|flag| flag == "sticky");
    let (machine, port, name) = (&out.machine, &entry.port, &out.link);
    let statement = format!(
        "{} of {machine} has {mac} behind {port}, and it is behind {name}",
        bridge.name
    );
    let found = Found::link(Code::FdbWrongPort, out, statement)
        .is(port)
        .needed(name)
        .key(mac)
        .seen(
            format!("{mac} is behind {port} ({})", kind_of(&entry.state)),
            format!("bridge fdb show br {}", bridge.name),
        );
    let found = forward(found, out);
    Some(if fixed { found } else { found.maybe() })
}

fn kind_of(state: &str) -> &str {
    if state.is_empty() { "learnt" } else { state }
}

/// A port by which frames do not leave whose destination the bridge does not know.
fn not_flooded(state: &State, out: &End, port: &Link, frame: &Frame) -> Option<Found> {
    let off = |flag: &str| port.port_flag(flag) == Some(false);
    let behind = |mac: &str| {
        state.fdb.iter().any(|entry| {
            entry.mac.eq_ignore_ascii_case(mac) && entry.port == out.link && entry.master.is_some()
        })
    };
    let (v6, asks) = (frame.next.is_ipv6(), !frame.known);
    let End { machine, link } = out;
    let (code, flag, what) = if asks && !v6 && off("bcast_flood") {
        (Code::PortBcastOff, "bcast_flood", "broadcasts")
    } else if asks && v6 && off("mcast_flood") && !joined(state, out, frame) {
        (
            Code::PortMcastOff,
            "mcast_flood",
            "multicast that nobody there has joined",
        )
    } else if off("flood") && frame.mac.as_deref().is_some_and(|mac| !behind(mac)) {
        match off("learning") {
            true => (
                Code::PortLearningOff,
                "learning",
                "frames to addresses that it has not learnt",
            ),
            false => (
                Code::PortFloodOff,
                "flood",
                "frames to addresses that it does not know",
            ),
        }
    } else {
        return None;
    };
    let statement = format!("the bridge of {machine} does not send {what} out by {link}");
    let found = Found::link(code, out, statement)
        .is("off")
        .needed("on")
        .key(flag)
        .seen(
            format!("{link} has {flag} off"),
            format!("bridge -d link show dev {link}"),
        );
    Some(forward(found, out))
}

/// Whether the solicited-node group of the next hop is joined behind the port (RFC 4291, 2.7.1); of a group, that group.
fn joined(state: &State, out: &End, frame: &Frame) -> bool {
    let std::net::IpAddr::V6(to) = frame.next else {
        return false;
    };
    let [.., a, b, c] = to.octets();
    let group = std::net::Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c]);
    let group = if to.is_multicast() { to } else { group };
    let here = state.mdb.iter().filter(|entry| entry.port == out.link);
    here.into_iter()
        .any(|entry| entry.group.parse() == Ok(group))
}
