//! Ghost guests: a network namespace with the guest's own networkd in place of a MicroVM.
//!
//! See `docs/ghost-guests.md` for what that can show.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::attach;
use super::step::{LinkEnd, Step};
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::{Guest, Scenario, TapOpen, UnitFile};

/// What stands for the guests of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuestKind {
    /// MicroVMs.
    #[default]
    Vm,
    /// Network namespaces with a real systemd-networkd and the guest's unit files.
    Ghost,
}

/// Name of a ghost's NIC inside it: the kernel's own, `eth0`, `eth1`, ... in the order of the scenario.
pub fn nic_name(index: usize) -> IfName {
    match IfName::try_from(format!("eth{index}").as_str()) {
        Ok(name) => name,
        Err(_) => unreachable!("a word and a number are an interface name"),
    }
}

/// A ghost's machine-id(5). networkd makes DHCP's client identifiers of it (RFC 4361): with this machine's own, two
/// ghosts would be one client.
fn machine_id(name: &MachineName) -> String {
    let hash = Sha256::digest(format!("ghost {name}"));
    let bytes = hash.iter().take(16);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

/// A ghost's machine, which is there from the beginning.
pub(super) fn machine(name: &MachineName) -> Step {
    Step::Machine {
        name: name.to_string(),
        private_run: true,
        machine_id: Some(machine_id(name)),
    }
}

/// The guest's sysctls. Its NICs have other names than a guest's, so those of one link may be missing.
pub(super) fn sysctls(name: &MachineName, guest: &Guest) -> Vec<Step> {
    let set = |(key, value): (&String, &String)| Step::Sysctl {
        machine: name.to_string(),
        key: key.clone(),
        value: value.clone(),
        optional: true,
    };
    guest.sysctls.iter().map(set).collect()
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
    steps: &mut Vec<Step>,
) {
    let nics = guest.interfaces.iter().enumerate();
    for (index, interface) in nics.filter(|(_, nic)| nic.host.before_networkd == before_networkd) {
        steps.push(Step::Veth {
            here: LinkEnd {
                machine: guest.on.to_string(),
                name: interface.id.clone(),
                mac: None,
                mtu: None,
            },
            there: LinkEnd {
                machine: name.to_string(),
                name: nic_name(index),
                mac: Some(interface.mac),
                mtu: interface.nic.mtu.map(u32::from),
            },
        });
        attach::host_end(scenario, name, &guest.on, interface, steps);
    }
}

/// networkd comes last, as a guest boots last.
pub(super) fn networkd(name: &MachineName, guest: &Guest) -> Step {
    Step::Networkd {
        machine: name.to_string(),
        units: guest.units.clone(),
    }
}

/// Why ghosts would mislead about this scenario, one sentence for each line of a unit file that a veth in a namespace
/// answers otherwise than a guest's NIC or a TAP. Empty: they can stand for its guests.
pub fn unfit(scenario: &Scenario) -> Vec<String> {
    let mut found = Vec::new();
    for (name, guest) in &scenario.guests {
        found.extend(vmm_alone(name, guest));
        for (unit, key, value) in matches(&guest.units) {
            let told = match key {
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
            if matches!(key, "Driver" | "Kind") && value.split_whitespace().any(tun) {
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
    found
}

/// The lines of all `[Match]` sections: file, key, value (systemd.syntax(7)).
fn matches(units: &[UnitFile]) -> Vec<(&str, &str, &str)> {
    let mut found = Vec::new();
    for unit in units {
        let Ok(text) = std::str::from_utf8(&unit.bytes) else {
            continue;
        };
        let mut inside = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                inside = line == "[Match]";
            } else if let (true, Some((key, value))) = (inside, line.split_once('=')) {
                found.push((unit.name.as_str(), key.trim(), value.trim()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(text: &str) -> UnitFile {
        UnitFile {
            name: "20-lan.network".to_owned(),
            bytes: text.as_bytes().to_vec(),
        }
    }

    #[test]
    fn only_match_sections_count() {
        let units = [unit(
            "# Kind=x\n[Match]\nType = ether\n\n[Network]\nKind=bridge\n[Match]\nName=veth*\n",
        )];
        assert_eq!(
            matches(&units),
            [
                ("20-lan.network", "Type", "ether"),
                ("20-lan.network", "Name", "veth*")
            ]
        );
    }

    #[test]
    fn machine_ids_are_apart_and_well_formed() {
        let name = |name: &str| MachineName::try_from(name).expect("a name");
        let id = machine_id(&name("test1"));
        assert_eq!(id.len(), 32);
        assert!(
            id.chars()
                .all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase())
        );
        assert_ne!(id, machine_id(&name("test2")));
    }

    #[test]
    fn nics_are_named_as_the_kernel_names_them() {
        assert_eq!(nic_name(0).as_ref(), "eth0");
        assert_eq!(nic_name(11).as_ref(), "eth11");
    }
}
