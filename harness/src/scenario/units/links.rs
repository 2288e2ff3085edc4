//! The links that a machine or a guest has, or that a step makes there: what a `[Match]` can find.

use super::keys::UnitKind;
use super::link_kind::LinkKind;
use super::unit::Unit;
use crate::scenario::action::{Action, Change};
use crate::scenario::names::MachineName;
use crate::scenario::net::Mac;
use crate::scenario::provides::Provides;
use crate::scenario::{Guest, Machine, Scenario, UnitFile, VantagePoint};

/// What is known of a link's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LinkName {
    /// This one.
    Exactly(String),
    /// A NIC of a guest, by its number: the kernel's `eth0`, or whatever beginning with `en` udev makes of it.
    Nic(usize),
    /// Beginning so: Docker's.
    Beginning(&'static str),
}

/// A link.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) name: LinkName,
    /// `None`: nobody knows it beforehand.
    pub(super) mac: Option<Mac>,
    pub(super) kind: LinkKind,
}

/// The links of one place.
#[derive(Debug, Default)]
pub(super) struct Links {
    pub(super) all: Vec<Link>,
    /// Whether there may be more: a step runs a command there.
    pub(super) open: bool,
    /// Whether a `.netdev` sets a MAC address.
    pub(super) chosen_mac: bool,
    /// Whether udev runs there: it does in a guest.
    pub(super) udev: bool,
}

impl Links {
    fn add(&mut self, name: impl ToString, kind: LinkKind, mac: Option<Mac>) {
        let name = LinkName::Exactly(name.to_string());
        self.all.push(Link { name, mac, kind });
    }

    /// As a suggestion names them.
    pub(super) fn names(&self) -> Vec<String> {
        let name = |link: &Link| match &link.name {
            LinkName::Exactly(name) => name.clone(),
            LinkName::Nic(index) => format!("eth{index}"),
            LinkName::Beginning(beginning) => format!("{beginning}*"),
        };
        self.all.iter().map(name).collect()
    }

    /// What `.netdev` files make.
    fn add_netdevs<'f>(&mut self, units: impl IntoIterator<Item = &'f UnitFile>) {
        for unit in Unit::all(units) {
            if unit.kind == UnitKind::Netdev {
                self.chosen_mac |= unit.last("NetDev", "MACAddress").is_some();
                let kind = match unit.last("NetDev", "Kind") {
                    Some(kind) if !kind.is_empty() => LinkKind::Made(kind.to_owned().into()),
                    _ => LinkKind::Unknown,
                };
                if let Some(name) = unit.last("NetDev", "Name") {
                    self.add(name, kind.clone(), None);
                }
                // A veth's other end.
                if let Some(name) = unit.last("Peer", "Name") {
                    self.add(name, kind, None);
                }
            }
        }
    }

    /// Of a machine that runs networkd.
    pub(super) fn of_machine(
        scenario: &Scenario,
        name: &MachineName,
        machine: &Machine,
        units: &[UnitFile],
    ) -> Self {
        let mut links = Self::default();
        links.add("lo", LinkKind::Loopback, None);
        for interface in &machine.interfaces {
            let mac = interface.mac;
            let mac = mac.unwrap_or_else(|| Mac::derived(name, &interface.name));
            links.add(&interface.name, LinkKind::made("veth"), Some(mac));
        }
        for bridge in machine.bridges.keys() {
            links.add(bridge, LinkKind::made("bridge"), None);
        }
        for macvlan in machine.macvlans.keys() {
            links.add(macvlan, LinkKind::made("macvlan"), None);
        }
        for guest in scenario.guests.values().filter(|guest| guest.on == *name) {
            for nic in &guest.interfaces {
                // A macvtap has its guest's address, a TAP one of its own.
                let (kind, mac) = match nic.macvtap() {
                    Some(_) => ("macvtap", Some(nic.mac)),
                    None => ("tap", None),
                };
                links.add(&nic.id, LinkKind::made(kind), mac);
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
        links.add_made(scenario, &VantagePoint::Machine(name.clone()));
        links
    }

    /// Of a guest whose image has networkd.
    pub(super) fn of_guest(scenario: &Scenario, name: &MachineName, guest: &Guest) -> Self {
        let mut links = Self {
            udev: true,
            ..Self::default()
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
                mac: Some(mac),
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
        links.add_made(scenario, &VantagePoint::Guest(name.clone()));
        links
    }

    /// What steps make at a place.
    fn add_made(&mut self, scenario: &Scenario, place: &VantagePoint) {
        self.add_netdevs(written(scenario, place));
        self.open |= changes(scenario)
            .any(|change| matches!(change, Change::MayChangeAnything { on } if on == place));
    }
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
