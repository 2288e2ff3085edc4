//! What is connected: cables and switches, TAPs and the NICs of their guests, containers, bridges and what is put on links.

use std::collections::BTreeMap;

use super::graph::{End, Join, Net};
use super::nics::nics;
use crate::diagnosis::state::{Link, State};
use crate::plan::{FABRIC, GuestKind, Operation, TopologyPlan};
use crate::scenario::{Scenario, Segment};

/// Kinds of links that are put on another one.
const UPON: [&str; 6] = ["macvlan", "macvtap", "ipvlan", "ipvtap", "vlan", "ipoib"];

pub(super) fn join(net: &mut Net<'_>) {
    switches(net);
    cables(net);
    guests(net);
    containers(net);
    within(net);
}

/// What is plugged into which socket of the lab's switches: in the order of the plan.
fn sockets(scenario: &Scenario) -> BTreeMap<End, (String, String)> {
    let plan = TopologyPlan::with_guests(scenario, GuestKind::Ghost);
    let sockets = plan.steps().iter().filter_map(|step| match step {
        Operation::Master {
            machine,
            port,
            bridge,
        } if machine == FABRIC => Some((port.clone(), bridge.clone())),
        _ => None,
    });
    let switches = scenario.segments.iter();
    let switches = switches.filter(|(_, kind)| matches!(kind, Segment::Switch(_)));
    let plugged = switches.flat_map(|(segment, _)| {
        let all = scenario.machines.iter();
        all.flat_map(move |(name, machine)| {
            let here = machine.interfaces.iter();
            let here = here.filter(move |interface| interface.segment == *segment);
            here.map(move |interface| End::new(name.as_str(), interface.name.as_str()))
        })
    });
    plugged.zip(sockets).collect()
}

/// What is plugged into a socket of the lab's switches, as `MACHINE/INTERFACE`.
pub(in crate::diagnosis) fn plugged(scenario: &Scenario, socket: &str) -> Option<String> {
    let all = sockets(scenario).into_iter();
    let mut own = all.filter(|(_, (name, _))| name == socket);
    let (end, _) = own.next()?;
    Some(format!("{}/{}", end.machine, end.link))
}

/// The lab's switches. Where they were not asked, they are as the scenario has them.
fn switches(net: &mut Net<'_>) {
    let sockets = sockets(net.scenario);
    if !net.states.contains_key(FABRIC) {
        let state = as_planned(net.scenario, &sockets);
        net.states.insert(FABRIC.to_owned(), state);
    }
    for (end, (socket, _)) in sockets {
        net.add(end, End::new(FABRIC, socket), Join::Wire, true);
    }
}

fn as_planned(scenario: &Scenario, sockets: &BTreeMap<End, (String, String)>) -> State {
    let up = || ["UP", "LOWER_UP"].map(str::to_owned).to_vec();
    let mut state = State::default();
    for (segment, kind) in &scenario.segments {
        let Segment::Switch(switch) = kind else {
            continue;
        };
        let mut bridge = Link {
            name: segment.to_string(),
            flags: up(),
            mtu: switch.mtu.unwrap_or_default(),
            ..Link::default()
        };
        bridge.linkinfo.kind = Some("bridge".to_owned());
        state.links.insert(bridge.name.clone(), bridge);
        for (end, (socket, of)) in sockets {
            if *of != segment.as_str() {
                continue;
            }
            let machine = scenario.machines.iter();
            let interface = machine
                .filter(|(name, _)| name.as_str() == end.machine)
                .flat_map(|(_, machine)| &machine.interfaces)
                .find(|interface| interface.name.as_str() == end.link);
            let mut port = Link {
                name: socket.clone(),
                flags: up(),
                master: Some(of.clone()),
                mtu: switch
                    .mtu
                    .or(interface.and_then(|one| one.mtu))
                    .unwrap_or(1500),
                ..Link::default()
            };
            let mut said = serde_json::Map::new();
            said.insert("state".to_owned(), "forwarding".into());
            let mut options = switch.ports.iter();
            let options = options.find(|((machine, link), _)| {
                machine.as_str() == end.machine && link.as_str() == end.link
            });
            for (flag, value) in options.iter().flat_map(|(_, port)| &port.flags) {
                let word = crate::scenario::PortFlag::ALL
                    .iter()
                    .find(|(one, _)| one == flag);
                said.extend(word.map(|(_, word)| ((*word).to_owned(), (*value).into())));
            }
            port.linkinfo.port = said.into();
            state.links.insert(socket.clone(), port);
        }
    }
    state
}

/// Cables between two machines.
fn cables(net: &mut Net<'_>) {
    let scenario = net.scenario;
    for (segment, kind) in &scenario.segments {
        if *kind != Segment::Cable {
            continue;
        }
        let all = scenario.machines.iter();
        let ends: Vec<End> = all
            .flat_map(|(name, machine)| {
                let here = machine.interfaces.iter();
                let here = here.filter(|interface| interface.segment == *segment);
                here.map(|interface| End::new(name.as_str(), interface.name.as_str()))
            })
            .collect();
        if let [one, other] = ends.as_slice() {
            net.add(one.clone(), other.clone(), Join::Wire, true);
        }
    }
}

/// TAPs and NICs. A macvtap is the guest's NIC put on a link of the host; a ghost's is one with no other link between.
fn guests(net: &mut Net<'_>) {
    let scenario = net.scenario;
    for (name, guest) in &scenario.guests {
        for (index, (id, mac)) in nics(scenario, name).into_iter().enumerate() {
            let state = net.state(name.as_str());
            let inside = state.and_then(|state| state.with_mac(&mac.to_string()));
            let inside = inside.map_or_else(|| format!("eth{index}"), |link| link.name.clone());
            let nic = End::new(name.as_str(), inside);
            let host = End::new(guest.on.as_str(), id.as_str());
            let kind = guest.interfaces.iter().find(|nic| nic.id == id);
            let kind = kind.or(guest.interfaces.first());
            let carrier = kind.and_then(|nic| nic.kind.carrier());
            match carrier {
                Some(carrier) if net.link(&host).is_none() => {
                    let below = End::new(guest.on.as_str(), carrier.as_str());
                    net.add(nic, below, Join::Down, true);
                }
                _ => net.add(host, nic, Join::Wire, true),
            }
        }
    }
}

/// Containers: the other end of a container's link is one of its guest's, by its index.
fn containers(net: &mut Net<'_>) {
    let mut found = Vec::new();
    for (name, state) in &net.states {
        let Some((guest, _)) = name.split_once('/') else {
            continue;
        };
        let Some(of) = net.states.get(guest) else {
            continue;
        };
        for link in state.links.values() {
            let mut others = of.links.values();
            let other = others.find(|other| Some(other.index) == link.link_index);
            if let Some(other) = other.filter(|_| link.kind() == "veth") {
                found.push((End::new(guest, &other.name), End::new(name, &link.name)));
            }
        }
    }
    for (outside, inside) in found {
        net.add(outside, inside, Join::Wire, true);
    }
}

/// What is joined inside of each machine.
fn within(net: &mut Net<'_>) {
    let mut found = Vec::new();
    for (name, state) in &net.states {
        for link in state.links.values() {
            let here = End::new(name, &link.name);
            let bridge = link.master.as_ref().and_then(|name| state.links.get(name));
            if let Some(bridge) = bridge.filter(|master| master.is_bridge()) {
                found.push((here.clone(), End::new(name, &bridge.name), Join::ToBridge));
            }
            if let Some(other) = link
                .link
                .as_ref()
                .filter(|other| state.links.contains_key(*other))
            {
                let other = End::new(name, other);
                match link.kind() {
                    "veth" => found.push((here, other, Join::Wire)),
                    kind if UPON.contains(&kind) => found.push((here, other, Join::Down)),
                    _ => {}
                }
            }
        }
    }
    for (from, to, join) in found {
        net.add(from, to, join, true);
    }
}
