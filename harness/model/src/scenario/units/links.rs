//! The links that a machine or a guest has, or that a step makes there: what a `[Match]` can find.

use crate::networkd::{Link, LinkKind, LinkName, Links};
use crate::scenario::action::{Action, Change};
use crate::scenario::names::MachineName;
use crate::scenario::net::Mac;
use crate::scenario::provides::Provides;
use crate::scenario::{Guest, Machine, Scenario, UnitFile, VantagePoint};

/// Of a machine that runs networkd.
pub(super) fn of_machine(
    scenario: &Scenario,
    name: &MachineName,
    machine: &Machine,
    units: &[UnitFile],
) -> Links {
    let mut links = Links::default();
    links.add("lo", LinkKind::Loopback, None);
    for interface in &machine.interfaces {
        let mac = interface.mac;
        let mac = mac.unwrap_or_else(|| Mac::derived(name, &interface.name));
        links.add(
            &interface.name,
            LinkKind::made("veth"),
            Some(mac.to_string()),
        );
    }
    for bridge in machine.bridges.keys() {
        links.add(bridge, LinkKind::made("bridge"), None);
    }
    for link in &machine.links {
        links.add(link.name(), LinkKind::made(link.kind()), None);
    }
    for guest in scenario.guests.values().filter(|guest| guest.on == *name) {
        for nic in &guest.interfaces {
            let mac = nic.kind.is_the_guests().then(|| nic.mac.to_string());
            links.add(&nic.id, LinkKind::made(nic.kind.word()), mac);
        }
    }
    links.add_netdevs(units);
    let holds = |guest| {
        scenario
            .guests
            .get(guest)
            .is_some_and(|one| one.on == *name)
    };
    for change in changes(scenario) {
        match change {
            Change::Plugs {
                guest, interface, ..
            } if holds(guest) => links.add(interface, LinkKind::made("tap"), None),
            Change::MakesBridge { on, name: bridge } if on == name => {
                links.add(bridge, LinkKind::made("bridge"), None);
            }
            _ => {}
        }
    }
    add_made(&mut links, scenario, &VantagePoint::Machine(name.clone()));
    links
}

/// Of a guest whose image has networkd.
pub(super) fn of_guest(scenario: &Scenario, name: &MachineName, guest: &Guest) -> Links {
    let mut links = Links {
        udev: true,
        ..Links::default()
    };
    links.add("lo", LinkKind::Loopback, None);
    let plugged = changes(scenario).filter_map(|change| match change {
        Change::Plugs { guest: to, mac, .. } if to == name => Some(mac),
        _ => None,
    });
    let own = guest.interfaces.iter().map(|nic| nic.mac);
    for (index, mac) in own.chain(plugged).enumerate() {
        links.all.push(Link {
            name: LinkName::Nic(index),
            mac: Some(mac.to_string()),
            kind: LinkKind::Nic,
        });
    }
    if Provides::of(&guest.image).docker {
        links.add("docker0", LinkKind::made("bridge"), None);
        for container in guest.containers.values() {
            if let Some(network) = container.own_network() {
                links.add(network, LinkKind::made("bridge"), None);
            }
        }
        for (beginning, kind) in [("veth", "veth"), ("br-", "bridge")] {
            links.all.push(Link {
                name: LinkName::Beginning(beginning),
                mac: None,
                kind: LinkKind::made(kind),
            });
        }
    }
    links.add_netdevs(&guest.units);
    add_made(&mut links, scenario, &VantagePoint::Guest(name.clone()));
    links
}

/// What steps make at a place.
fn add_made(links: &mut Links, scenario: &Scenario, place: &VantagePoint) {
    links.add_netdevs(written(scenario, place));
    links.open |= changes(scenario)
        .any(|change| matches!(change, Change::MayChangeAnything { on } if on == place));
}

/// What is otherwise by the steps of a scenario.
pub(super) fn changes(scenario: &Scenario) -> impl Iterator<Item = Change<'_>> {
    let actions = scenario.steps.iter();
    let actions = actions.filter_map(|step| step.action.as_deref());
    actions.flat_map(Action::changes)
}

/// The unit files that steps write at a place.
pub(super) fn written<'s>(
    scenario: &'s Scenario,
    place: &VantagePoint,
) -> impl Iterator<Item = &'s UnitFile> {
    changes(scenario).filter_map(move |change| match change {
        Change::WritesUnit { on, unit } if on == place => Some(unit),
        _ => None,
    })
}
