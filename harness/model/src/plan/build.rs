//! From a scenario to its steps.

use std::collections::BTreeMap;

use super::attach;
use super::dnsmasq;
use super::ghost::{self, GuestKind};
use super::link::LinkEnd;
use super::link_kinds::kinds;
use super::operation::Operation;
use super::sysctl::link_of;
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::net::Mac;
use crate::scenario::{Change, Guest, GuestStart, Machine, MachineInterface, Scenario, Segment};

/// Machine that holds the switches of all segments. No scenario can name one so: names have no dot.
pub const FABRIC: &str = "lab.fabric";

/// Sysctls under which the kernel's default would falsify a lab (all of them set and recorded).
///
/// `bridge-nf-call-*` is per namespace and defaults to on where `br_netfilter` is loaded: bridged frames would
/// run through iptables. (Linux `net/bridge/br_netfilter_hooks.c`.)
const EVERYWHERE: [(&str, &str); 3] = [
    ("net.bridge.bridge-nf-call-iptables", "0"),
    ("net.bridge.bridge-nf-call-ip6tables", "0"),
    ("net.bridge.bridge-nf-call-arptables", "0"),
];

/// Stand-ins for what lies outside the lab are not what is tested: their addresses are static and unique by
/// construction, so they skip duplicate address detection and take no advertisements.
const STAND_IN: [(&str, &str); 3] = [
    ("net.ipv6.conf.all.accept_dad", "0"),
    ("net.ipv6.conf.default.accept_dad", "0"),
    ("net.ipv6.conf.default.accept_ra", "0"),
];

pub(super) fn steps(scenario: &Scenario, kind: GuestKind) -> Vec<Operation> {
    let mut steps = Vec::new();
    machines(scenario, &mut steps);
    let mut up = cables(scenario, &mut steps);
    for (name, machine) in &scenario.machines {
        attach::bridges(name, machine, &mut steps);
        attach::own_links(name, machine, &mut steps);
        let others = machine.links.iter().map(|link| link.name());
        let made = machine.bridges.keys().chain(others);
        up.extend(made.map(|link| (name.to_string(), link.to_string())));
    }
    for (name, machine) in &scenario.machines {
        steps.extend(machine.rulesets.iter().map(|ruleset| Operation::Ruleset {
            machine: name.to_string(),
            ruleset: ruleset.clone(),
        }));
    }
    steps.extend(
        up.into_iter()
            .map(|(machine, link)| Operation::Up { machine, link }),
    );
    for (name, machine) in &scenario.machines {
        addresses(name, machine, &mut steps);
    }
    for (name, machine) in &scenario.machines {
        services(name, machine, &mut steps);
    }
    let ghosts = || {
        let guests = scenario.guests.iter();
        guests.filter(move |_| kind == GuestKind::Ghost)
    };
    let now = |(_, guest): &(&MachineName, &Guest)| guest.start == GuestStart::Boot;
    for (name, guest) in ghosts() {
        // One that a step starts is there for the far ends of its veths: without them up, its TAPs have no carrier.
        steps.push(ghost::machine(name, guest));
        if guest.start == GuestStart::Boot {
            steps.extend(ghost::sysctls(name, guest));
        }
    }
    links(scenario, kind, true, &mut steps);
    for (name, machine) in &scenario.machines {
        if let Some(units) = &machine.networkd {
            steps.push(Operation::Networkd {
                machine: name.to_string(),
                units: units.clone(),
                udev: true,
            });
        }
    }
    links(scenario, kind, false, &mut steps);
    let booted = ghosts().filter(now);
    steps.extend(booted.flat_map(|(name, guest)| ghost::boot(name, guest)));
    if kind == GuestKind::Vm {
        steps.extend(
            scenario
                .guests
                .iter()
                .map(|(name, guest)| Operation::Guest {
                    name: name.to_string(),
                    start: guest.start,
                }),
        );
    }
    steps
}

/// The guests' links: those that are made before the machines' networkd, or those after it.
fn links(scenario: &Scenario, kind: GuestKind, before_networkd: bool, steps: &mut Vec<Operation>) {
    for (name, guest) in &scenario.guests {
        let starting = guest.start == GuestStart::Boot;
        match kind {
            GuestKind::Vm => attach::taps(scenario, name, guest, before_networkd, starting, steps),
            GuestKind::Ghost => {
                ghost::links(scenario, name, guest, before_networkd, starting, steps);
            }
        }
    }
}

/// Whether a machine stands for what lies outside: it holds no guest, has no bridge and is given none by a step, and
/// nobody configures it otherwise than the lab.
fn stands_in(scenario: &Scenario, name: &MachineName, machine: &Machine) -> bool {
    let holds = scenario.guests.values().any(|guest| guest.on == *name);
    let mut actions = scenario.steps.iter();
    let given = actions.any(|step| {
        let changes = step.action.as_ref().map(|action| action.changes());
        let mut changes = changes.into_iter().flatten();
        changes.any(|change| matches!(change, Change::MakesBridge { on, .. } if on == name))
    });
    machine.networkd.is_none() && machine.bridges.is_empty() && !holds && !given
}

fn machines(scenario: &Scenario, steps: &mut Vec<Operation>) {
    steps.push(Operation::Machine {
        name: FABRIC.to_owned(),
        private_run: false,
        machine_id: None,
    });
    for (name, machine) in &scenario.machines {
        steps.push(Operation::Machine {
            name: name.to_string(),
            private_run: machine.networkd.is_some(),
            machine_id: machine
                .networkd
                .as_ref()
                .map(|_| ghost::machine_id(name, machine.machine_id.as_ref())),
        });
    }
    let mut sysctl = |machine: &str, key: &str, value: &str, optional| {
        steps.push(Operation::Sysctl {
            machine: machine.to_owned(),
            key: key.to_owned(),
            value: value.to_owned(),
            optional,
        });
    };
    for (key, value) in EVERYWHERE {
        sysctl(FABRIC, key, value, true);
    }
    // A switch has no address of its own, link-local ones included.
    sysctl(FABRIC, "net.ipv6.conf.all.disable_ipv6", "1", false);
    sysctl(FABRIC, "net.ipv6.conf.default.disable_ipv6", "1", false);
    for (name, machine) in &scenario.machines {
        for (key, value) in EVERYWHERE {
            sysctl(name.as_ref(), key, value, true);
        }
        if stands_in(scenario, name, machine) {
            for (key, value) in STAND_IN {
                sysctl(name.as_ref(), key, value, false);
            }
        }
        if machine.forward {
            sysctl(name.as_ref(), "net.ipv4.ip_forward", "1", false);
            sysctl(name.as_ref(), "net.ipv6.conf.all.forwarding", "1", false);
        }
        let links: Vec<&str> = links_of(scenario, name, machine);
        for (key, value) in &machine.sysctls {
            if link_of(key).is_some_and(|link| links.contains(&link)) {
                continue; // set when the link is there
            }
            sysctl(name.as_ref(), key, value, false);
        }
    }
}

/// The links of a machine that the plan makes.
fn links_of<'s>(scenario: &'s Scenario, name: &MachineName, machine: &'s Machine) -> Vec<&'s str> {
    let plugged = machine.interfaces.iter().map(|one| one.name.as_str());
    let others = machine.links.iter().map(|link| link.name());
    let made = machine.bridges.keys().chain(others);
    let made = made.map(IfName::as_str);
    let guests = scenario.guests.values().filter(|guest| guest.on == *name);
    let ends = guests.flat_map(|guest| guest.interfaces.iter().map(|nic| nic.id.as_str()));
    plugged.chain(made).chain(ends).collect()
}

/// Cables and switches; returns the links to bring up.
fn cables(scenario: &Scenario, steps: &mut Vec<Operation>) -> Vec<(String, String)> {
    let mut plugged: BTreeMap<&MachineName, Vec<(&MachineName, &MachineInterface)>> =
        BTreeMap::new();
    for (name, machine) in &scenario.machines {
        for interface in &machine.interfaces {
            plugged
                .entry(&interface.segment)
                .or_default()
                .push((name, interface));
        }
    }
    let mut port = 0;
    let mut up = Vec::new();
    for (segment, kind) in &scenario.segments {
        let ends = plugged.remove(segment).unwrap_or_default();
        match (kind, ends.as_slice()) {
            (Segment::Cable, [(a, here), (b, there)]) => {
                let cable = (kinds().cable)(end(a, here), end(b, there));
                steps.push(Operation::Link(cable));
                steps.push(capture(a.as_ref(), here.name.as_ref(), a, here));
                up.push((a.to_string(), here.name.to_string()));
                up.push((b.to_string(), there.name.to_string()));
            }
            // Validation has made sure that a cable has two ends.
            (Segment::Cable, _) => {}
            (Segment::Switch(config), ends) => {
                let switch = (kinds().switch)(FABRIC, segment, config);
                steps.push(Operation::Link(switch));
                up.push((FABRIC.to_owned(), segment.to_string()));
                for (name, interface) in ends {
                    let socket = port_name(port, name);
                    port += 1;
                    let here = LinkEnd {
                        machine: FABRIC.to_owned(),
                        name: socket.clone(),
                        mac: None,
                        mtu: config.mtu.or(interface.mtu),
                    };
                    let cable = (kinds().cable)(here, end(name, interface));
                    steps.push(Operation::Link(cable));
                    steps.push(capture(FABRIC, socket.as_ref(), name, interface));
                    steps.push(Operation::Master {
                        machine: FABRIC.to_owned(),
                        port: socket.to_string(),
                        bridge: segment.to_string(),
                    });
                    let key = ((*name).clone(), interface.name.clone());
                    if let Some(options) = config.ports.get(&key) {
                        steps.push(Operation::BridgePort {
                            machine: FABRIC.to_owned(),
                            port: socket.clone(),
                            options: options.clone(),
                        });
                    }
                    up.push((FABRIC.to_owned(), socket.to_string()));
                    let networkd = scenario
                        .machines
                        .get(*name)
                        .is_some_and(|m| m.networkd.is_some());
                    if !networkd {
                        up.push((name.to_string(), interface.name.to_string()));
                    }
                }
            }
        }
    }
    up
}

fn end(machine: &MachineName, interface: &MachineInterface) -> LinkEnd {
    let derived = || Mac::derived(machine, &interface.name);
    LinkEnd {
        machine: machine.to_string(),
        name: interface.name.clone(),
        mac: Some(interface.mac.unwrap_or_else(derived)),
        mtu: interface.mtu,
    }
}

fn capture(
    machine: &str,
    link: &str,
    owner: &MachineName,
    interface: &MachineInterface,
) -> Operation {
    Operation::Capture {
        machine: machine.to_owned(),
        link: link.to_owned(),
        file: format!("{owner}-{}", interface.name),
    }
}

/// `p3-desktop`: the switch's socket that a cable of that machine is plugged into, at most 15 bytes.
fn port_name(number: usize, machine: &MachineName) -> IfName {
    let mut name = format!("p{number}-{machine}");
    name.truncate(15);
    match IfName::try_from(name.as_str()) {
        Ok(name) => name,
        Err(_) => unreachable!("a cut machine name is an interface name"),
    }
}

fn addresses(name: &MachineName, machine: &Machine, steps: &mut Vec<Operation>) {
    for interface in &machine.interfaces {
        for address in &interface.addresses {
            steps.push(Operation::Address {
                machine: name.to_string(),
                interface: interface.name.to_string(),
                address: *address,
            });
        }
    }
    let bridges = machine.bridges.iter();
    let bridges = bridges.map(|(link, bridge)| (link, &bridge.addresses[..]));
    let others = machine.links.iter();
    let others = others.map(|link| (link.name(), link.addresses()));
    for (link, addresses) in bridges.chain(others) {
        steps.extend(addresses.iter().map(|address| Operation::Address {
            machine: name.to_string(),
            interface: link.to_string(),
            address: *address,
        }));
    }
    for route in &machine.routes {
        steps.push(Operation::Route {
            machine: name.to_string(),
            route: route.clone(),
        });
    }
}

fn services(name: &MachineName, machine: &Machine, steps: &mut Vec<Operation>) {
    if let Some(config) = &machine.http {
        steps.push(Operation::Http {
            machine: name.to_string(),
            config: config.clone(),
        });
    }
    if let Some(config) = &machine.dnsmasq {
        let responses = dnsmasq::responses(config);
        if !responses.is_empty() {
            steps.push(Operation::DnsFaults {
                machine: name.to_string(),
                responses,
            });
        }
        steps.push(Operation::Dnsmasq {
            machine: name.to_string(),
            config: config.clone(),
        });
    }
}
