//! What a machine does with a packet that is for itself.

use std::net::IpAddr;

use super::packet::{Carries, Packet};
use super::walked::Walked;
use crate::diagnosis::code::Code;
use crate::diagnosis::found::{Found, point};
use crate::diagnosis::net::Net;
use crate::diagnosis::point::Station;
use crate::diagnosis::state::State;

/// An address that may not be used.
pub(super) fn address(machine: &str, state: &State, packet: &Packet, found: &mut Vec<Found>) {
    found.extend(unusable(machine, state, packet.to));
}

/// An address that is tentative, or that duplicate address detection refused; or one of a link that is down.
pub(in crate::diagnosis) fn unusable(
    machine: &str,
    state: &State,
    address: IpAddr,
) -> Option<Found> {
    let (link, known) = state.owner(address)?;
    let (code, is, why) = if known.dadfailed {
        let why = "duplicate address detection found it in use";
        (Code::AddressDadFailed, "dadfailed", why)
    } else if known.tentative {
        let why = "duplicate address detection has not finished";
        (Code::AddressTentative, "tentative", why)
    } else {
        return None;
    };
    let name = &link.name;
    let statement = format!("{machine} does not use its address {address} on {name}: {why}");
    let found = Found::at(code, machine, statement)
        .on(Some(name))
        .is(address.to_string())
        .needed("usable")
        .seen(
            format!("{address} is {is}"),
            format!("ip address show dev {name}"),
        );
    Some(found.between(
        point(machine, Station::Ingress),
        point(machine, Station::InetInput),
    ))
}

/// Who answers there.
pub(super) fn service(net: &Net<'_>, machine: &str, packet: &Packet, walked: &mut Walked) {
    let Some(state) = net.state(machine) else {
        return;
    };
    let between = |found: Found| {
        found.between(
            point(machine, Station::InetInput),
            point(machine, Station::Receiver),
        )
    };
    match packet.carries {
        Carries::Echo => walked
            .found
            .extend(hushed(machine, state, packet).map(between)),
        Carries::Udp(port) | Carries::Tcp(port) => {
            let udp = matches!(packet.carries, Carries::Udp(_));
            let Some(listeners) = &state.listeners else {
                return;
            };
            if listeners.iter().any(|one| one.takes(udp, packet.to, port)) {
                return;
            }
            let what = if udp { "UDP" } else { "TCP" };
            let statement = format!("no program of {machine} listens on {what} port {port}");
            let mut found = Found::at(Code::SocketNone, machine, statement)
                .needed(format!("{what} {port}").to_lowercase())
                .key("port")
                .seen(
                    format!("no socket takes {what} to {} port {port}", packet.to),
                    "ss -l -n -t -u",
                );
            // Docker's proxy or rules may take what no socket does.
            if crate::diagnosis::hooks::changes_destination(state) {
                found = found.maybe();
            }
            walked.found.push(between(found));
        }
    }
}

/// Sysctls by which a kernel does not answer echoes (`icmp_echo`, `icmpv6_rcv`).
fn hushed(machine: &str, state: &State, packet: &Packet) -> Option<Found> {
    let path = match packet.to {
        IpAddr::V4(_) => "ipv4/icmp_echo_ignore_all",
        IpAddr::V6(_) => "ipv6/icmp/echo_ignore_all",
    };
    let key = format!("net.{}", path.replace('/', "."));
    let value = state.sysctls.get(path).filter(|value| *value != "0")?;
    let statement = format!("{machine} answers no echo requests: {key} is {value}");
    let found = Found::at(Code::SysctlIgnores, machine, statement)
        .is(value)
        .needed("0")
        .seen(format!("{key} = {value}"), format!("sysctl {key}"));
    Some(found.key(key))
}
