//! What is put on what: bridges with their ports, and the host's ends of the guests' NICs.

use super::bridge::vlan_changes;
use super::link_kinds::{self, NicEnd, NicLink};
use super::operation::Operation;
use super::sysctl::link_of;
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::{Guest, GuestInterface, Machine, Scenario, TapOpen};

/// The bridges that a machine without networkd has, and the interfaces that are put on them; all still down.
pub(super) fn bridges(name: &MachineName, machine: &Machine, steps: &mut Vec<Operation>) {
    for (bridge, config) in &machine.bridges {
        let made = (link_kinds::kinds().bridge)(name, bridge, config);
        steps.push(Operation::Link(made));
        // As an option of `ip link add` it would not count as the administrator's word, and ports would change it.
        mtu(name, bridge, config.mtu, steps);
        link_sysctls(name, machine, bridge.as_str(), false, steps);
    }
    for interface in &machine.interfaces {
        let master = interface.master.as_ref();
        link_sysctls(
            name,
            machine,
            interface.name.as_str(),
            master.is_some(),
            steps,
        );
        put_on(name, machine, &interface.name, master, steps);
    }
}

/// The other links that a machine without networkd has, still down.
pub(super) fn own_links(name: &MachineName, machine: &Machine, steps: &mut Vec<Operation>) {
    for own in &machine.links {
        steps.push(Operation::Link(link_kinds::of_machine(own)));
        link_sysctls(name, machine, own.name().as_str(), false, steps);
    }
}

/// Everything that is done to the host's end of a NIC once the link is there.
pub(super) fn nic_backend(
    scenario: &Scenario,
    guest: &MachineName,
    on: &MachineName,
    (nic, made): (&GuestInterface, &dyn NicLink),
    steps: &mut Vec<Operation>,
) {
    let (machine, link, end) = (on.to_string(), nic.id.to_string(), &nic.host);
    steps.push(Operation::Capture {
        machine: machine.clone(),
        link: link.clone(),
        file: format!("{guest}-{link}"),
    });
    mtu(on, &nic.id, end.mtu, steps);
    steps.extend(made.prepared());
    if let Some(holder) = scenario.machines.get(on) {
        link_sysctls(on, holder, &link, end.master.is_some(), steps);
        put_on(on, holder, &nic.id, end.master.as_ref(), steps);
    }
    if end.up {
        steps.push(Operation::Up {
            machine: machine.clone(),
            link: link.clone(),
        });
    }
    for address in &end.addresses {
        steps.push(Operation::Address {
            machine: machine.clone(),
            interface: link.clone(),
            address: *address,
        });
    }
    for route in &end.routes {
        steps.push(Operation::Route {
            machine: machine.clone(),
            route: route.clone(),
        });
    }
}

/// The NICs of a guest, each with its number, whose ends on the host are made before its machine's networkd, or after it. Those that
/// are made at the guest's start alone are among them when it is `starting`.
pub(super) fn nics(
    guest: &Guest,
    before_networkd: bool,
    starting: bool,
) -> impl Iterator<Item = (usize, &GuestInterface)> {
    let nics = guest.interfaces.iter().enumerate();
    nics.filter(move |(_, nic)| starting || !nic.host.at_start)
        .filter(move |(_, nic)| nic.host.before_networkd == before_networkd)
}

/// The TAPs and macvtaps of a guest that are made before its machine's networkd, or those after it; `starting`: its VMM is started
/// next, and not by a later step.
pub(super) fn taps(
    scenario: &Scenario,
    name: &MachineName,
    guest: &Guest,
    before_networkd: bool,
    starting: bool,
    steps: &mut Vec<Operation>,
) {
    for (index, nic) in nics(guest, before_networkd, starting) {
        let held = match (starting, nic.nic.open) {
            (true, TapOpen::Fd) => usize::from(nic.nic.queues),
            (false, _) | (_, TapOpen::Name) => 0,
        };
        let made = link_kinds::nic(nic, nic_end(name, &guest.on, (index, nic), held));
        steps.push(Operation::Link(made.clone()));
        nic_backend(scenario, name, &guest.on, (nic, &*made), steps);
    }
}

/// The host's end of that NIC of a guest, as its kind is told of it.
pub(super) fn nic_end(
    guest: &MachineName,
    on: &MachineName,
    (index, nic): (usize, &GuestInterface),
    held: usize,
) -> NicEnd {
    NicEnd {
        machine: on.to_string(),
        guest: guest.to_string(),
        index,
        id: nic.id.clone(),
        mac: nic.mac,
        end: nic.host.clone(),
        held,
    }
}

fn mtu(name: &MachineName, link: &IfName, mtu: Option<u32>, steps: &mut Vec<Operation>) {
    steps.extend(mtu.map(|mtu| Operation::Mtu {
        machine: name.to_string(),
        link: link.to_string(),
        mtu,
    }));
}

/// What the scenario sets for this link alone, which could not be set before the link was there.
///
/// A bridge's port has no IPv6 of its own: that is how networkd, NetworkManager and ifupdown make one. A scenario that
/// wants it says so by the same sysctl.
fn link_sysctls(
    name: &MachineName,
    machine: &Machine,
    link: &str,
    port: bool,
    steps: &mut Vec<Operation>,
) {
    if port {
        steps.push(no_ipv6(name.as_ref(), link));
    }
    for (key, value) in &machine.sysctls {
        if link_of(key).is_some_and(|of| of == link) {
            steps.push(Operation::Sysctl {
                machine: name.to_string(),
                key: key.clone(),
                value: value.clone(),
                optional: false,
            });
        }
    }
}

/// A link without IPv6 of its own.
pub fn no_ipv6(machine: &str, link: &str) -> Operation {
    // sysctl(8): a dot within a name is written as a slash.
    let written = link.replace('.', "/");
    Operation::Sysctl {
        machine: machine.to_owned(),
        key: format!("net.ipv6.conf.{written}.disable_ipv6"),
        value: "1".to_owned(),
        optional: false,
    }
}

/// `ip link set LINK master BRIDGE`, and what the bridge says about that port.
fn put_on(
    name: &MachineName,
    machine: &Machine,
    link: &IfName,
    master: Option<&IfName>,
    steps: &mut Vec<Operation>,
) {
    let Some(master) = master else { return };
    steps.push(Operation::Master {
        machine: name.to_string(),
        port: link.to_string(),
        bridge: master.to_string(),
    });
    let Some(bridge) = machine.bridges.get(master) else {
        return;
    };
    let Some(options) = bridge.ports.get(link) else {
        return;
    };
    if !super::bridge::port_words(options).is_empty() {
        steps.push(Operation::BridgePort {
            machine: name.to_string(),
            port: link.clone(),
            options: options.clone(),
        });
    }
    for change in vlan_changes(bridge, options) {
        steps.push(Operation::Vlan {
            machine: name.to_string(),
            port: link.clone(),
            change,
        });
    }
}
