//! What a ghost guest cannot show. Pure: decided from the scenario, before anybody looks.

use std::net::IpAddr;

use crate::scenario::check_kind;
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::provides::Provides;
use crate::scenario::step::{Action, Daemon};
use crate::scenario::{
    Check, CheckKind, Guest, GuestInterface, Networkctl, Scenario, VantagePoint,
};

/// Operational states of a TAP that depend on its VMM; a veth has them when its other end is down.
const CARRIERLESS: [&str; 3] = ["off", "no-carrier", "dormant"];

/// Why ghosts cannot show what `check` asks; `None` when they can.
pub fn unshown(scenario: &Scenario, check: &Check) -> Option<String> {
    if let VantagePoint::Container(guest, _) = &check.from {
        return Some(no_docker(guest));
    }
    let mut looked_at = links_of(&check.kind).into_iter();
    if let Some(interface) = looked_at.find(|it| is_macvtap(scenario, &check.from, it)) {
        return Some(no_macvtap(&interface));
    }
    match &check.kind {
        CheckKind::ContainerVeth(_) | CheckKind::Container(_) => match &check.from {
            VantagePoint::Guest(guest) => Some(no_docker(guest)),
            VantagePoint::Machine(_) | VantagePoint::Container(..) => None,
        },
        CheckKind::Ssh(check_kind::Ssh { guest, .. }) => Some(no_server(guest.as_ref())),
        CheckKind::Vmm(check_kind::Vmm { guest, .. }) => {
            Some(format!("{guest} is a ghost: it has no VMM"))
        }
        CheckKind::Tcp(check_kind::Tcp { to, .. })
        | CheckKind::Http(check_kind::Http { to, .. }) => {
            let owner = scenario.guests.iter().find(|(_, guest)| has(guest, *to));
            owner.map(|(name, _)| no_server(name.as_ref()))
        }
        CheckKind::Networkctl(wanted) if needs_no_carrier(wanted) => {
            let interface = &wanted.interface;
            is_tap(scenario, &check.from, interface).then(|| carrier_of_a_veth(interface))
        }
        CheckKind::Link(wanted) => {
            let interface = &wanted.interface;
            let of_a_tun =
                wanted.kind.is_some() || wanted.multi_queue.is_some() || wanted.vnet_hdr.is_some();
            let down = wanted.carrier == Some(false)
                || wanted
                    .operstate
                    .as_ref()
                    .is_some_and(|state| state != "up" && state != "unknown");
            match is_tap(scenario, &check.from, interface) {
                true if of_a_tun => Some(format!("{interface} is a veth here, not a TAP")),
                true if down => Some(carrier_of_a_veth(interface)),
                _ => None,
            }
        }
        CheckKind::Packet(wanted)
            if !wanted.says.is_empty()
                && !about_checksums(&wanted.says)
                && is_tap(scenario, &check.from, &wanted.interface) =>
        {
            let interface = &wanted.interface;
            Some(format!(
                "{interface} is a veth, and what tcpdump says of frames there is not what it says at a TAP"
            ))
        }
        CheckKind::Dns(check_kind::Dns { server: None, .. }) => {
            let VantagePoint::Guest(name) = &check.from else {
                return None;
            };
            let plain = |guest: &&Guest| !Provides::of(&guest.image).networkd;
            let guest = scenario.guests.get(name).filter(plain);
            guest.map(|_| {
                format!("{name} is a ghost without networkd: it has no resolver of its own")
            })
        }
        CheckKind::Command(_) | CheckKind::Counter(_) | CheckKind::Sysctl(_) => {
            let VantagePoint::Guest(guest) = &check.from else {
                return None;
            };
            Some(format!(
                "{guest} is a ghost: its programs, sysctls and firewall are this machine's, not the image's"
            ))
        }
        CheckKind::Process(wanted) => match &check.from {
            VantagePoint::Guest(guest) => Some(format!(
                "{guest} is a ghost: systemd-networkd is the only process in it"
            )),
            VantagePoint::Machine(machine) if wanted.name.starts_with("qemu") => {
                let mut guests = scenario.guests.values();
                let holds = guests.any(|guest| guest.on == *machine);
                holds.then(|| "ghosts have no VMM".to_owned())
            }
            VantagePoint::Machine(_) | VantagePoint::Container(..) => None,
        },
        _ => None,
    }
}

/// The links whose state the check is about, as it names them; not the wires that it watches.
fn links_of(kind: &CheckKind) -> Vec<IfName> {
    let one = match kind {
        CheckKind::Link(wanted) => Some(&wanted.interface),
        CheckKind::Networkctl(wanted) => Some(&wanted.interface),
        CheckKind::BridgeVlan(wanted) => Some(&wanted.interface),
        CheckKind::BridgePort(check_kind::BridgePort { interface, .. }) => Some(interface),
        CheckKind::Address(check_kind::Address { interface, .. })
        | CheckKind::RaAccepted(check_kind::RaAccepted { interface, .. })
        | CheckKind::WaitOnline(check_kind::WaitOnline { interface }) => interface.as_ref(),
        CheckKind::Route(check_kind::Route { dev, .. }) => dev.as_ref(),
        CheckKind::Neighbour(wanted) => wanted.interface.as_ref(),
        CheckKind::Fdb(wanted) => wanted.interface.as_ref(),
        CheckKind::Mdb(wanted) => wanted.interface.as_ref(),
        CheckKind::Sysctl(check_kind::Sysctl { key, .. }) => {
            let parts = key.split('.');
            return parts
                .filter_map(|part| IfName::try_from(part).ok())
                .collect();
        }
        _ => None,
    };
    one.into_iter().cloned().collect()
}

/// Whether a link with carrier is never as networkd must see it.
fn needs_no_carrier(wanted: &Networkctl) -> bool {
    let state = wanted.operational.as_deref();
    state.is_some_and(|state| CARRIERLESS.contains(&state))
        || wanted.online.as_deref() == Some("offline")
}

/// Whether these words of tcpdump's are about a checksum: `[bad udp cksum ...]`, `[udp sum ok]`, `cksum ... (correct)`. A veth
/// hands on one that is still to be made, as a TAP does for a NIC with its offloads; ghosts stand for no other
/// (`plan::ghost::unfit`).
fn about_checksums(words: &str) -> bool {
    words.contains("sum") || words.contains("correct")
}

/// Whether the interface is a guest's TAP, seen from the machine that holds it.
fn is_tap(scenario: &Scenario, from: &VantagePoint, interface: &IfName) -> bool {
    host_end(scenario, from, interface).is_some()
}

/// Whether it is a guest's macvtap, seen so.
fn is_macvtap(scenario: &Scenario, from: &VantagePoint, interface: &IfName) -> bool {
    host_end(scenario, from, interface).is_some_and(|nic| nic.macvtap().is_some())
}

/// The guest's NIC whose end on that machine has this name.
fn host_end<'s>(
    scenario: &'s Scenario,
    from: &VantagePoint,
    interface: &IfName,
) -> Option<&'s GuestInterface> {
    let VantagePoint::Machine(machine) = from else {
        return None;
    };
    let guests = scenario.guests.values();
    let mut nics = guests
        .filter(|guest| guest.on == *machine)
        .flat_map(|guest| &guest.interfaces);
    nics.find(|nic| nic.id == *interface)
}

fn no_macvtap(interface: &IfName) -> String {
    format!("{interface} is a macvlan of the ghost here, and not on the host")
}

fn carrier_of_a_veth(interface: &IfName) -> String {
    format!("{interface} is a veth, and its carrier is that of its other end, not a VMM's")
}

/// Programs that show and change the network of whoever runs them, and nothing else of the machine.
const NETWORK_PROGRAMS: [&str; 12] = [
    "arping",
    "bridge",
    "dig",
    "getent",
    "ip",
    "networkctl",
    "nft",
    "ping",
    "sysctl",
    "tc",
    "tcpdump",
    "traceroute",
];

/// Why a step cannot be done with ghosts; `None` when it can.
pub fn undoable(scenario: &Scenario, action: &Action) -> Option<String> {
    let in_container = |on: &VantagePoint| match on {
        VantagePoint::Container(guest, _) => Some(no_docker(guest)),
        VantagePoint::Machine(_) | VantagePoint::Guest(_) => None,
    };
    match action {
        Action::LinkUp { on, interface }
        | Action::LinkDown { on, interface }
        | Action::DeleteLink { on, interface }
            if is_macvtap(scenario, on, interface) =>
        {
            Some(no_macvtap(interface))
        }
        Action::Offload { on, interface, .. } => {
            let on = VantagePoint::Machine(on.clone());
            is_macvtap(scenario, &on, interface).then(|| no_macvtap(interface))
        }
        Action::StartDaemon { on, daemon } | Action::StopDaemon { on, daemon } => {
            match (on, daemon) {
                (VantagePoint::Guest(guest), Daemon::Docker) => Some(no_docker(guest)),
                (VantagePoint::Guest(guest), Daemon::Resolved) => Some(no_server(guest.as_ref())),
                _ => None,
            }
        }
        Action::Run { on, command, .. } => match on {
            VantagePoint::Guest(guest) => {
                let program = command.first().map_or("", String::as_str);
                let known = NETWORK_PROGRAMS.contains(&program);
                (!known).then(|| {
                    format!("{guest} is a ghost: `{program}` there would be this machine's, not the guest's")
                })
            }
            other => in_container(other),
        },
        _ => None,
    }
}

/// Why a connection to a ghost shows nothing.
pub fn no_server(guest: &str) -> String {
    format!("{guest} is a ghost: it runs systemd-networkd and no servers")
}

fn no_docker(guest: &MachineName) -> String {
    format!("{guest} is a ghost: it runs systemd-networkd and no Docker")
}

/// Whether one of the guest's unit files gives it this address.
fn has(guest: &Guest, address: IpAddr) -> bool {
    let mut texts = guest
        .units
        .iter()
        .filter_map(|unit| std::str::from_utf8(&unit.bytes).ok());
    texts.any(|text| {
        text.lines().any(|line| {
            let Some((key, value)) = line.split_once('=') else {
                return false;
            };
            let given = value.trim().split('/').next().unwrap_or_default();
            key.trim() == "Address" && given.parse() == Ok(address)
        })
    })
}
