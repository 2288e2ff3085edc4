//! What networkd has not done yet: links without a unit, and links that it is not through with.

use std::collections::BTreeMap;

use super::carrier::not_up;
use super::missing::absent_link;
use crate::diagnosis::code::Code;
use crate::diagnosis::found::Found;
use crate::diagnosis::net::{End, Net};
use crate::diagnosis::state::Managed;
use crate::diagnosis::walk::membership;
use crate::networkd::Unit;

/// Why networkd has not set up what its unit says for a link: it is not there, it has no unit, it is down or has no carrier, it is
/// still being configured.
pub(super) fn not_done(net: &Net<'_>, machine: &str, link: Option<&str>) -> Vec<Found> {
    let Some(networkd) = net.state(machine).and_then(|state| state.networkd.as_ref()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (name, managed) in networkd {
        if link.is_some_and(|link| link != name) {
            continue;
        }
        let end = End::new(machine, name);
        match managed.setup.as_str() {
            "unmanaged" if link.is_some() => found.push(unmatched(&end)),
            // Without a link that is asked for, one that is wired may be the one. Who has an address by other means is not.
            "unmanaged" if net.wired(&end).is_some() && !is_addressed(net, &end) => {
                found.push(unmatched(&end));
            }
            "configuring" | "failed" | "pending" | "initialized" => {
                found.extend(not_up(net, &end));
                found.extend(several(networkd, &end, managed));
                // What is missing may be missing whatever networkd still does, so this is a suspect and no more.
                found.push(setup(&end, &managed.setup, "configured").maybe());
            }
            _ if link.is_some() => {
                found.extend(not_up(net, &end));
                found.extend(several(networkd, &end, managed));
            }
            _ => {}
        }
    }
    found
}

fn is_addressed(net: &Net<'_>, end: &End) -> bool {
    let link = net.link(end);
    link.is_some_and(|link| link.addresses.iter().any(|one| one.scope == "global"))
}

/// The link that the unit with a missing address is for, by its whole name, where that link is not there.
pub(super) fn link_of_unit(net: &Net<'_>, found: &Found) -> Option<Found> {
    let gap = &found.gap;
    let needed = gap.needed.as_deref()?.split('/').next()?;
    let state = net
        .state(&gap.machine)
        .filter(|state| !state.links.is_empty())?;
    let mut machines = net.scenario.machines.iter();
    let (_, machine) = machines.find(|(name, _)| name.as_str() == gap.machine)?;
    let units = Unit::all(machine.networkd.as_deref()?);
    let gives = |unit: &&Unit| {
        let mut settings = unit.settings.iter();
        settings.any(|one| one.key == "Address" && one.value.split('/').next() == Some(needed))
    };
    let unit = units.iter().find(gives)?;
    let name = unit.last("Match", "Name")?;
    let whole = !name.contains(['*', '?', '[', '!', ' ']);
    (whole && !state.links.contains_key(name)).then(|| {
        let end = End::new(&gap.machine, name);
        absent_link(&end)
    })
}

/// Why a link's network ends at the other end of its wire, or at what stands for the network there: that end is not on the bridge that
/// it is meant for, or networkd has no unit for the bridge.
pub(super) fn cut_off(net: &Net<'_>, end: &End) -> Option<Found> {
    let other = net.wired(end)?;
    let hop = net.bridge(other)?;
    if !hop.is {
        return membership(net, &hop, false);
    }
    let networkd = net.state(&hop.to.machine)?.networkd.as_ref()?;
    let bare = networkd.get(&hop.to.link)?.setup == "unmanaged" && !is_addressed(net, &hop.to);
    bare.then(|| unmatched(&hop.to))
}

/// A unit that matches more than one link of those that have a wire, and gives each the same addresses.
pub(super) fn several(
    networkd: &BTreeMap<String, Managed>,
    end: &End,
    managed: &Managed,
) -> Option<Found> {
    let file = managed.file()?;
    let mut others = networkd.iter();
    let (other, _) = others.find(|(name, one)| **name != end.link && one.file() == Some(file))?;
    let End { machine, link } = end;
    let statement = format!("{file} of {machine} matches {link} and {other}");
    let found = Found::link(Code::UnitWrongMatch, end, statement).is(file);
    Some(
        found
            .seen(
                format!("the network file of {link} and of {other} is {file}"),
                "networkctl status --all",
            )
            .maybe(),
    )
}

/// A link that no unit matches.
pub(super) fn unmatched(end: &End) -> Found {
    let End { machine, link } = end;
    let statement = format!("no unit of {machine}'s networkd matches {link}");
    Found::link(Code::UnitNotMatched, end, statement)
        .is("unmanaged")
        .seen(
            format!("{link} has no network file"),
            format!("networkctl status {link}"),
        )
}

/// A link in another state of set-up than is needed.
pub(super) fn setup(end: &End, is: &str, needed: &str) -> Found {
    let End { machine, link } = end;
    let statement = format!("networkd of {machine} has {link} as {is}");
    Found::link(Code::UnitConfiguring, end, statement)
        .is(is)
        .needed(needed)
        .key("SETUP")
        .seen(
            format!("{link} is {is}"),
            format!("networkctl status {link}"),
        )
}

/// A machine whose networkd does not answer, although it has unit files. Whoever could not be asked at all is not meant.
pub(super) fn not_running(net: &Net<'_>, machine: &str) -> Option<Found> {
    let state = net.state(machine)?;
    let mut machines = net.scenario.machines.iter();
    let of_machine = machines.find(|(name, _)| name.as_str() == machine);
    let units = of_machine.is_some_and(|(_, machine)| machine.networkd.is_some());
    (units && state.networkd.is_none() && !state.links.is_empty()).then(|| {
        let statement = format!("networkd of {machine} does not run");
        let found = Found::at(Code::ServiceNotRunning, machine, statement);
        found
            .key("systemd-networkd")
            .seen("networkd does not answer", "networkctl status")
    })
}
