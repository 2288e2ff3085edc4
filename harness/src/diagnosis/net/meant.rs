//! What is meant to be: the bridge of a link, and who should have an address, by what the scenario and its unit files say.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::graph::{End, Join, Net};
use crate::check::kinds::{Address as AddressCheck, BridgePort, Link as LinkCheck};
use crate::diagnosis::state::Address;
use crate::networkd::{Unit, UnitFile, UnitKind};
use crate::scenario::names::MachineName;
use crate::scenario::{Machine, VantagePoint};

/// Joins ports with the bridges that they are meant to be on.
pub(super) fn join(net: &mut Net<'_>) {
    let mut found = Vec::new();
    let scenario = net.scenario;
    for (name, machine) in &scenario.machines {
        let plugged = machine.interfaces.iter();
        let plugged = plugged.map(|one| (one.name.as_str(), one.master.as_ref()));
        let guests = scenario.guests.values().filter(|guest| guest.on == *name);
        let taps = guests.flat_map(|guest| &guest.interfaces);
        let taps = taps.filter(|nic| nic.kind.carrier().is_none());
        let taps = taps.map(|nic| (nic.id.as_str(), nic.host.master.as_ref()));
        for (link, master) in plugged.chain(taps) {
            let here = End::new(name.as_str(), link);
            let known = master.map(ToString::to_string);
            let bridge = known
                .or_else(|| bridge_of(net, &here))
                .or_else(|| by_itself(net, name, machine, link));
            let bridge = bridge.filter(|bridge| bridge != link);
            found.extend(bridge.map(|bridge| (here, End::new(name.as_str(), bridge))));
        }
    }
    for (port, bridge) in found {
        net.add(port, bridge, Join::ToBridge, false);
    }
}

/// The only bridge of a machine without networkd, for a TAP that has nothing of its own: no address, and no route leads there.
fn by_itself(net: &Net<'_>, name: &MachineName, machine: &Machine, link: &str) -> Option<String> {
    let guests = net
        .scenario
        .guests
        .values()
        .filter(|guest| guest.on == *name);
    let mut taps = guests.flat_map(|guest| &guest.interfaces);
    taps.find(|nic| nic.id.as_str() == link && nic.host.addresses.is_empty())?;
    let bare = machine.networkd.is_none();
    let state = net.state(name.as_str()).filter(|_| bare)?;
    let led_to = state.routes.iter().any(|route| {
        route.link() == Some(link) && route.kind != "local" && route.protocol != "kernel"
    });
    let mut bridges = machine.bridges.keys();
    match (bridges.next(), bridges.next()) {
        (Some(only), None) if !led_to => Some(only.to_string()),
        _ => None,
    }
}

/// The bridge that a link is meant to be on: by a check, by the unit that networkd gave it, by the only bridge that units name.
/// One that has addresses of its own or no unit at all is meant to be on none.
fn bridge_of(net: &Net<'_>, end: &End) -> Option<String> {
    if let Some(bridge) = by_check(net, end) {
        return Some(bridge);
    }
    let (name, machine) = net
        .scenario
        .machines
        .iter()
        .find(|(name, _)| name.as_str() == end.machine)?;
    let units = Unit::all(machine.networkd.as_deref()?);
    let networks = || units.iter().filter(|unit| unit.kind == UnitKind::Network);
    let state = net.state(name.as_str());
    let managed = state.and_then(|state| state.networkd.as_ref()?.get(&end.link));
    let unit = managed
        .and_then(|managed| managed.file())
        .and_then(|file| networks().find(|unit| unit.name == file));
    let only = || only_bridge(net, end, &units);
    if let Some(bridge) = unit.and_then(|unit| unit.last("Network", "Bridge")) {
        let there = state.is_some_and(|state| state.links.contains_key(bridge));
        let other = only().filter(|_| !there);
        return Some(other.unwrap_or_else(|| bridge.to_owned()));
    }
    let addresses = net.link(end).map(|link| &link.addresses);
    // What an advertisement brought, it has because it is on no bridge.
    let own = |one: &Address| one.scope == "global" && !one.dynamic;
    if addresses.is_some_and(|all| all.iter().any(own)) {
        return None;
    }
    let named: BTreeSet<&str> = networks()
        .filter_map(|unit| unit.last("Network", "Bridge"))
        .collect();
    match named.into_iter().collect::<Vec<_>>().as_slice() {
        [only] => Some((*only).to_owned()),
        // A unit that configures nothing at all on a link is there to put it somewhere.
        [] => only().filter(|_| match unit {
            Some(unit) => !addresses_it(unit),
            // A TAP that nothing configures leads nowhere else.
            None => net.guest_beyond(end),
        }),
        _ => None,
    }
}

/// The only bridge of a machine, where a unit is for it by its name.
fn only_bridge(net: &Net<'_>, end: &End, units: &[Unit]) -> Option<String> {
    let links = net.state(&end.machine)?.links.values();
    let bridges: Vec<&str> = links
        .filter(|link| link.is_bridge() && link.name != end.link)
        .map(|link| link.name.as_str())
        .collect();
    let [only] = bridges.as_slice() else {
        return None;
    };
    let mut networks = units.iter().filter(|unit| unit.kind == UnitKind::Network);
    let is_for = |unit: &Unit| {
        let mut names = unit.values("Match", "Name");
        names.any(|names| names.split_whitespace().any(|name| name == *only))
    };
    networks.any(is_for).then(|| (*only).to_owned())
}

/// Whether a unit gives its link addresses, of whichever kind.
fn addresses_it(unit: &Unit) -> bool {
    let off = |value: &str| ["no", "false", "off", "0"].contains(&value);
    let mut settings = unit.settings.iter();
    settings.any(|one| one.key == "Address" || (one.key == "DHCP" && !off(&one.value)))
}

/// The bridge that a check of the scenario wants it on.
fn by_check(net: &Net<'_>, end: &End) -> Option<String> {
    let checks = net.scenario.checks.iter();
    let mut here = checks.filter(|check| match &check.from {
        VantagePoint::Machine(name) => name.as_str() == end.machine,
        _ => false,
    });
    here.find_map(|check| {
        if let Some(port) = check.kind.downcast_ref::<BridgePort>() {
            let same = port.interface.as_str() == end.link;
            return same.then(|| port.bridge.to_string());
        }
        let link = check.kind.downcast_ref::<LinkCheck>()?;
        let same = link.interface.as_str() == end.link;
        link.master
            .as_ref()
            .filter(|_| same)
            .map(ToString::to_string)
    })
}

/// Who should have an address, and on which link where that is known: by the scenario's tables, by a check, by unit files.
pub(in crate::diagnosis) fn should_own(
    net: &Net<'_>,
    address: IpAddr,
) -> Option<(String, Option<String>)> {
    let has = |nets: &[IpNet]| nets.iter().any(|net| net.addr() == address);
    let scenario = net.scenario;
    for (name, machine) in &scenario.machines {
        let name = name.to_string();
        let plugged = machine.interfaces.iter();
        let mut plugged = plugged.map(|one| (one.name.to_string(), one.addresses.as_slice()));
        if let Some((link, _)) = plugged.find(|(_, nets)| has(nets)) {
            return Some((name, Some(link)));
        }
        if let Some((link, _)) = machine.bridges.iter().find(|(_, one)| has(&one.addresses)) {
            return Some((name, Some(link.to_string())));
        }
        if let Some(link) = machine.links.iter().find(|one| has(one.addresses())) {
            return Some((name, Some(link.name().to_string())));
        }
    }
    for (name, guest) in &scenario.guests {
        for nic in &guest.interfaces {
            if has(&nic.addresses) {
                let at = VantagePoint::Guest(name.clone());
                return Some((name.to_string(), Some(net.link_name(&at, nic.id.as_str()))));
            }
            if has(&nic.host.addresses) {
                return Some((guest.on.to_string(), Some(nic.id.to_string())));
            }
        }
    }
    by_address_check(net, address).or_else(|| by_units(net, address))
}

fn by_address_check(net: &Net<'_>, address: IpAddr) -> Option<(String, Option<String>)> {
    let mut checks = net.scenario.checks.iter();
    checks.find_map(|check| {
        let asked = check.kind.downcast_ref::<AddressCheck>()?;
        let same = !asked.any_of_prefix && asked.address.addr() == address;
        let usable = asked.state == crate::check::kinds::address::AddressState::Usable;
        let link = asked.interface.as_ref();
        (same && usable).then(|| {
            let link = link.map(|link| net.link_name(&check.from, link.as_str()));
            (check.from.to_string(), link)
        })
    })
}

fn by_units(net: &Net<'_>, address: IpAddr) -> Option<(String, Option<String>)> {
    let machines = net.scenario.machines.iter();
    let machines = machines.map(|(name, one)| (name, one.networkd.as_deref().unwrap_or_default()));
    let guests = net.scenario.guests.iter();
    let guests = guests.map(|(name, one)| (name, one.units.as_slice()));
    let found = machines
        .chain(guests)
        .find(|(_, units)| says_address(units, address));
    found.map(|(name, _)| (name.to_string(), None))
}

/// Whether a unit gives a link the address.
fn says_address(units: &[UnitFile], address: IpAddr) -> bool {
    let units = Unit::all(units);
    let mut settings = units.iter().flat_map(|unit| &unit.settings);
    settings.any(|setting| {
        let text = setting.value.split('/').next().unwrap_or_default();
        setting.key == "Address" && text.parse() == Ok(address)
    })
}
