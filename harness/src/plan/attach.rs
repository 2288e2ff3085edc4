//! What is put on what: bridges with their ports, and the host's ends of the guests' NICs.

use super::bridge::vlan_changes;
use super::operation::{LinkEnd, Operation};
use super::sysctl::link_of;
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::net::Mac;
use crate::scenario::{Guest, GuestInterface, Machine, Scenario, TapOpen};

/// The bridges that a machine without networkd has, and the interfaces that are put on them; all still down.
pub(super) fn bridges(name: &MachineName, machine: &Machine, steps: &mut Vec<Operation>) {
    for (bridge, config) in &machine.bridges {
        steps.push(Operation::Bridge {
            machine: name.to_string(),
            name: bridge.clone(),
            config: config.clone(),
        });
        // As an option of `ip link add` it would not count as the administrator's word, and ports would change it.
        mtu(name, bridge, config.mtu, steps);
        link_sysctls(name, machine, bridge, false, steps);
    }
    for interface in &machine.interfaces {
        let master = interface.master.as_ref();
        link_sysctls(name, machine, &interface.name, master.is_some(), steps);
        put_on(name, machine, &interface.name, master, steps);
    }
}

/// The macvlans that a machine without networkd has, still down.
pub(super) fn macvlans(name: &MachineName, machine: &Machine, steps: &mut Vec<Operation>) {
    for (id, macvlan) in &machine.macvlans {
        let mac = macvlan.mac.unwrap_or_else(|| Mac::derived(name, id));
        steps.push(Operation::Macvlan {
            machine: name.to_string(),
            link: macvlan.link.clone(),
            there: LinkEnd {
                machine: name.to_string(),
                name: id.clone(),
                mac: Some(mac),
                mtu: None,
            },
            mode: macvlan.mode,
            sources: Vec::new(),
        });
        link_sysctls(name, machine, id, false, steps);
    }
}

/// Everything that is done to the host's end of a NIC once the link is there.
pub(super) fn nic_backend(
    scenario: &Scenario,
    guest: &MachineName,
    on: &MachineName,
    nic: &GuestInterface,
    steps: &mut Vec<Operation>,
) {
    let (machine, link, end) = (on.to_string(), nic.id.to_string(), &nic.host);
    steps.push(Operation::Capture {
        machine: machine.clone(),
        link: link.clone(),
        file: format!("{guest}-{link}"),
    });
    mtu(on, &nic.id, end.mtu, steps);
    if let Some(macvtap) = nic.macvtap() {
        // As microvm.nix's `macvtap-up` does: the guest has its own IPv6, and the host none on this link.
        steps.push(no_ipv6(on, &nic.id));
        if macvtap.allmulticast {
            steps.push(Operation::Allmulticast {
                machine: machine.clone(),
                link: link.clone(),
            });
        }
    }
    if let Some(holder) = scenario.machines.get(on) {
        link_sysctls(on, holder, &nic.id, end.master.is_some(), steps);
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
    let nics = guest.interfaces.iter().enumerate();
    let nics = nics.filter(|(_, nic)| starting || !nic.host.at_start);
    for (index, nic) in nics.filter(|(_, nic)| nic.host.before_networkd == before_networkd) {
        let (machine, guest_name) = (guest.on.to_string(), name.to_string());
        let (id, end) = (nic.id.clone(), nic.host.clone());
        let held = match (starting, nic.nic.open) {
            (true, TapOpen::Fd) => usize::from(nic.nic.queues),
            (false, _) | (_, TapOpen::Name) => 0,
        };
        steps.push(match nic.macvtap() {
            None => Operation::Tap {
                machine,
                guest: guest_name,
                index,
                id,
                end,
                held,
            },
            Some(macvtap) => Operation::Macvtap {
                machine,
                guest: guest_name,
                index,
                id,
                mac: nic.mac,
                macvtap: macvtap.clone(),
                end,
                held,
            },
        });
        nic_backend(scenario, name, &guest.on, nic, steps);
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
    link: &IfName,
    port: bool,
    steps: &mut Vec<Operation>,
) {
    if port {
        steps.push(no_ipv6(name, link));
    }
    for (key, value) in &machine.sysctls {
        if link_of(key).is_some_and(|of| of == link.as_str()) {
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
fn no_ipv6(name: &MachineName, link: &IfName) -> Operation {
    // sysctl(8): a dot within a name is written as a slash.
    let written = link.as_str().replace('.', "/");
    Operation::Sysctl {
        machine: name.to_string(),
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
