//! Ghost guests: a network namespace with the guest's own networkd in place of a MicroVM.
//!
//! See `docs/ghost-guests.md` for what that can show.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::attach;
use super::link::LinkEnd;
use super::link_kinds;
use super::operation::Operation;
use super::sysctl::{accept_ra, for_link, link_of, nic_of};
use crate::networkd::settings;
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::provides::Provides;
use crate::scenario::units::not_applied_in_a_ghost;
use crate::scenario::{Guest, GuestInterface, Scenario, TapOpen, UnitFile};

/// What stands for the guests of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuestKind {
    /// MicroVMs.
    #[default]
    Vm,
    /// Network namespaces with a real systemd-networkd and the guest's unit files, or the guest's plain configuration.
    Ghost,
}

/// Name of a ghost's NIC inside it: the kernel's own, `eth0`, `eth1`, ... in the order of the scenario.
pub fn nic_name(index: usize) -> IfName {
    match IfName::try_from(format!("eth{index}").as_str()) {
        Ok(name) => name,
        Err(_) => unreachable!("a word and a number are an interface name"),
    }
}

/// The machine-id(5) of a namespace: the scenario's, or one of its own. networkd makes DHCP's client identifiers of it
/// (RFC 4361), and the MAC addresses of bridges: with this machine's own, two of them would be one client, and their bridges
/// one station.
pub(super) fn machine_id(name: &MachineName, given: Option<&String>) -> String {
    let derived = || {
        let hash = Sha256::digest(format!("ghost {name}"));
        let bytes = hash.iter().take(16);
        bytes.map(|byte| format!("{byte:02x}")).collect()
    };
    given.cloned().unwrap_or_else(derived)
}

/// A ghost's machine, which is there from the beginning.
pub(super) fn machine(name: &MachineName, guest: &Guest) -> Operation {
    Operation::Machine {
        name: name.to_string(),
        private_run: Provides::of(&guest.image).networkd,
        machine_id: Some(machine_id(name, guest.machine_id.as_ref())),
    }
}

/// Those of the guest's sysctls that are not one NIC's, before there is any: a NIC takes over what `default` says.
pub(super) fn sysctls(name: &MachineName, guest: &Guest) -> Vec<Operation> {
    let nics = guest.interfaces.len();
    let early = guest.sysctls.keys().filter(|key| {
        let link = link_of(key);
        nic_of(key, guest).is_none() && !(0..nics).any(|nic| link == Some(nic_name(nic).as_str()))
    });
    early.map(|key| sysctl(name, guest, key, key)).collect()
}

/// Those of one NIC, which is there and still down. A scenario names it by its `id`, or as the guest does.
fn sysctls_of_nic(name: &MachineName, guest: &Guest, index: usize) -> Vec<Operation> {
    let nic = nic_name(index);
    let mut steps = Vec::new();
    for key in guest.sysctls.keys() {
        let by_id = nic_of(key, guest).map(|(place, _)| place);
        let is_it = match by_id {
            Some(place) => place == index,
            None => link_of(key) == Some(nic.as_str()),
        };
        if is_it {
            steps.push(sysctl(name, guest, key, &for_link(key, nic.as_str())));
        }
    }
    steps
}

/// Sets what the guest's sysctls say of `key`, which is `written` in the ghost.
fn sysctl(name: &MachineName, guest: &Guest, key: &str, written: &str) -> Operation {
    Operation::Sysctl {
        machine: name.to_string(),
        key: written.to_owned(),
        value: guest.sysctls[key].clone(),
        optional: false,
    }
}

/// A veth for each TAP that is made before the host's networkd, or for each after it.
///
/// The end on the host keeps the TAP's name; where the host runs networkd it gets no master: its bridge is networkd's
/// business. Owner, queues and `vnet_hdr` are a TAP's alone.
pub(super) fn links(
    scenario: &Scenario,
    name: &MachineName,
    guest: &Guest,
    before_networkd: bool,
    starting: bool,
    steps: &mut Vec<Operation>,
) {
    for (index, interface) in attach::nics(guest, before_networkd, starting) {
        nic(scenario, name, index, interface, steps);
        steps.extend(sysctls_of_nic(name, guest, index));
    }
}

/// One NIC of a ghost, `eth` with that index.
pub(super) fn nic(
    scenario: &Scenario,
    name: &MachineName,
    index: usize,
    interface: &GuestInterface,
    steps: &mut Vec<Operation>,
) {
    let on = &scenario.guests[name].on;
    let there = LinkEnd {
        machine: name.to_string(),
        name: nic_name(index),
        mac: Some(interface.mac),
        mtu: interface.nic.mtu.map(u32::from),
    };
    let made = link_kinds::nic(interface, attach::nic_end(name, on, (index, interface), 0));
    if let Some(own) = made.ghost(there.clone()) {
        steps.push(Operation::Link(own));
        steps.push(Operation::Capture {
            machine: name.to_string(),
            link: there.name.to_string(),
            file: format!("{name}-{}", interface.id),
        });
        return;
    }
    let here = LinkEnd {
        machine: on.to_string(),
        name: interface.id.clone(),
        mac: None,
        mtu: None,
    };
    steps.push(Operation::Link((link_kinds::kinds().cable)(here, there)));
    attach::nic_backend(scenario, name, on, (interface, &*made), steps);
}

/// MTU of an Ethernet NIC whose kernel is not told another, in bytes.
pub const USUAL_MTU: u32 = 1500;

/// What the guest's own system does once it runs, last, as a guest boots last: networkd reads its unit files, or, where the
/// image has none, addresses and routes are set as its init sets them.
pub(super) fn boot(name: &MachineName, guest: &Guest) -> Vec<Operation> {
    let machine = name.to_string();
    if Provides::of(&guest.image).networkd {
        let units = guest.units.clone();
        let udev = false;
        return vec![Operation::Networkd {
            machine,
            units,
            udev,
        }];
    }
    let mut steps = Vec::new();
    for (index, interface) in guest.interfaces.iter().enumerate() {
        let link = nic_name(index).to_string();
        if accept_ra(guest, interface).is_none() {
            steps.push(Operation::Sysctl {
                machine: machine.clone(),
                key: format!("net.ipv6.conf.{link}.accept_ra"),
                value: u8::from(interface.accept_ra).to_string(),
                optional: false,
            });
        }
        let machine = || machine.clone();
        steps.push(Operation::Up {
            machine: machine(),
            link: link.clone(),
        });
        steps.extend(
            interface
                .addresses
                .iter()
                .map(|address| Operation::Address {
                    machine: machine(),
                    interface: link.clone(),
                    address: *address,
                }),
        );
    }
    steps.extend(guest.routes.iter().map(|route| Operation::Route {
        machine: machine.clone(),
        route: route.clone(),
    }));
    steps
}

/// Why ghosts would mislead about this scenario, one sentence for each line of a unit file that a veth in a namespace
/// answers otherwise than a guest's NIC or a TAP. Empty: they can stand for its guests.
pub fn unfit(scenario: &Scenario) -> Vec<String> {
    let mut found = Vec::new();
    for (name, guest) in &scenario.guests {
        found.extend(vmm_alone(name, guest));
        found.extend(too_large(scenario, name, guest));
        found.extend(refused_routes(name, guest));
        let lines = not_applied_in_a_ghost(scenario, name).into_iter();
        found.extend(lines.map(|line| format!("guest {name} has udev, which does {line}")));
        for (unit, key, value) in matches(&guest.units) {
            let told = match key.as_str() {
                "Driver"
                | "Kind"
                | "Path"
                | "Property"
                | "PermanentMACAddress"
                | "Virtualization"
                | "Host"
                | "KernelCommandLine"
                | "KernelVersion" => true,
                // The names that udev and the kernel give to NICs.
                "Name" => value
                    .split_whitespace()
                    .any(|word| word.starts_with("en") || word.starts_with("eth")),
                _ => false,
            };
            if told {
                found.push(format!("{unit} of guest {name} matches by {key}={value}"));
            }
        }
        let holder = scenario.machines.get(&guest.on);
        let units = holder.and_then(|machine| machine.networkd.as_deref());
        for (unit, key, value) in matches(units.unwrap_or_default()) {
            let tun = |word: &str| matches!(word.trim_start_matches('!'), "tun" | "tap" | "veth");
            if matches!(key.as_str(), "Driver" | "Kind") && value.split_whitespace().any(tun) {
                found.push(format!("{unit} of {} matches by {key}={value}", guest.on));
            }
        }
    }
    found
}

/// What of a guest is between a VMM, a kernel and a file system of its own.
fn vmm_alone(name: &MachineName, guest: &Guest) -> Vec<String> {
    let mut found = Vec::new();
    let mut unless = |fits: bool, why: &str| {
        if !fits {
            found.push(format!("guest {name} {why}"));
        }
    };
    let nics = || guest.interfaces.iter();
    unless(guest.files.is_empty(), "has files of its own");
    unless(
        nics().all(|nic| nic.nic.open == TapOpen::Fd),
        "has a VMM that opens its TAP by name",
    );
    unless(
        nics().all(|nic| nic.mac.is_valid()),
        "has a MAC address that no veth may have",
    );
    unless(
        nics().all(|nic| {
            nic.nic.checksum_offload && nic.nic.segmentation_offload && nic.host.vnet_hdr
        }),
        "has a NIC without offloads, which a veth has",
    );
    for why in nics().flat_map(|nic| nic.kind.unlike_a_ghost(&nic.host, &nic.nic)) {
        let told = format!("guest {name} {why}");
        if !found.contains(&told) {
            found.push(told);
        }
    }
    found
}

/// Macvtaps with an MTU that their link does not bear: a macvlan of that size cannot be made.
fn too_large(scenario: &Scenario, name: &MachineName, guest: &Guest) -> Vec<String> {
    let machine = scenario.machines.get(&guest.on);
    let bears = |link: &IfName| {
        let machine = machine?;
        let mut plugged = machine.interfaces.iter();
        match plugged.find(|one| one.name == *link) {
            Some(one) => Some(one.mtu.unwrap_or(USUAL_MTU)),
            None => machine.bridges.get(link)?.mtu,
        }
    };
    let nics = guest.interfaces.iter();
    let larger = nics.filter(|nic| {
        let link = nic.kind.carrier().and_then(bears);
        let mtu = nic.nic.mtu.map_or(USUAL_MTU, u32::from);
        link.is_some_and(|link| mtu > link)
    });
    larger
        .map(|nic| {
            format!(
                "guest {name} has an MTU on `{}` that its link has not",
                nic.id
            )
        })
        .collect()
}

/// Routes that the kernel refuses, because the guest has no way to the next hop. A guest tells that on its console and goes
/// on; a ghost is made by steps, of which each must be done.
fn refused_routes(name: &MachineName, guest: &Guest) -> Vec<String> {
    let reachable = |via: &std::net::IpAddr| {
        let mut prefixes = guest.interfaces.iter().flat_map(|nic| &nic.addresses);
        prefixes.any(|prefix| prefix.contains(via))
    };
    let routes = guest.routes.iter().filter_map(|route| route.via);
    let refused = routes.filter(|via| !reachable(via));
    refused
        .map(|via| format!("guest {name} has a route by {via}, which is in none of its prefixes"))
        .collect()
}

/// The settings of all `[Match]` sections: file, key, value.
fn matches(units: &[UnitFile]) -> impl Iterator<Item = (&str, String, String)> {
    units.iter().flat_map(|unit| {
        let settings = settings(&String::from_utf8_lossy(&unit.bytes)).into_iter();
        let matches = settings.filter(|(section, ..)| section == "Match");
        matches.map(|(_, key, value)| (unit.name.as_str(), key, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(text: &str) -> UnitFile {
        UnitFile {
            shown: "20-lan.network".into(),
            name: "20-lan.network".to_owned(),
            bytes: text.as_bytes().into(),
        }
    }

    #[test]
    fn only_match_sections_count() {
        let units = [unit(
            "\u{feff}[Match]\n# Kind=x\nType = ether\n\n[Network]\nKind=bridge\n[Match]\nName=veth* \\\neno1\n",
        )];
        let found: Vec<_> = matches(&units)
            .map(|(_, key, value)| (key, value))
            .collect();
        let expected = [("Type", "ether"), ("Name", "veth* eno1")];
        assert_eq!(
            found,
            expected.map(|(key, value)| (key.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn machine_ids_are_apart_and_well_formed() {
        let name = |name: &str| MachineName::try_from(name).expect("a name");
        let id = machine_id(&name("test1"), None);
        assert_eq!(id.len(), 32);
        assert!(
            id.chars()
                .all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase())
        );
        assert_ne!(id, machine_id(&name("test2"), None));
        assert_eq!(machine_id(&name("test2"), Some(&id)), id);
    }

    #[test]
    fn nics_are_named_as_the_kernel_names_them() {
        assert_eq!(nic_name(0).as_ref(), "eth0");
        assert_eq!(nic_name(11).as_ref(), "eth11");
    }
}
