//! Names: the servers that are asked, the way to them, and what they answer.

use std::net::IpAddr;

use super::adverts;
use super::at::{At, Explained};
use super::flows::{answered, flow, refused, to_port};
use super::sent::Brings;
use crate::check::kinds::Dns;
use crate::diagnosis::code::Code;
use crate::diagnosis::found::Found;
use crate::diagnosis::net::should_own;
use crate::diagnosis::walk::{Carries, Packet};
use crate::scenario::{DnsFault, VantagePoint};

/// Port of DNS.
const PORT: u16 = 53;

/// `dns`.
pub(super) fn explain(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<Dns>()?;
    let servers = match asked.server {
        Some(server) => vec![server],
        None => servers(at),
    };
    if servers.is_empty() {
        let machine = asking(at);
        let statement = format!("{machine} knows no server for names");
        let found = Found::at(Code::ServiceResolver, &machine, statement)
            .key("DNS")
            .seen(
                "no server is named",
                "networkctl status; cat /etc/resolv.conf",
            );
        let mut all = vec![found];
        // A resolver that takes its servers from advertisements has none without them.
        all.splice(
            0..0,
            adverts::in_the_way(at.net, &machine, None, Brings::Servers),
        );
        return Some(Explained::of(all));
    }
    let mut explained = Explained::default();
    for server in &servers {
        let packet = Packet {
            from: asked.source,
            ..to_port(*server, Carries::Udp(PORT))
        };
        if asked.server.is_none() {
            explained.found.extend(nobody_s(at, *server));
        }
        let mut way = flow(at, packet);
        if way.is_empty() {
            way.found.extend(refused(at, packet));
        }
        explained = explained.and(way);
    }
    if explained.is_empty() {
        explained.found.extend(fault(at, asked, &servers));
    }
    Some(explained)
}

/// A server that the machine asks of its own accord, and whose address no machine has or should have.
fn nobody_s(at: &At<'_>, server: IpAddr) -> Option<Found> {
    let known = !at.net.owners(server).is_empty() || should_own(at.net, server).is_some();
    (!known).then(|| {
        let machine = asking(at);
        let statement = format!("{machine} asks {server} for names, and nobody has that address");
        Found::at(Code::ServiceResolver, &machine, statement)
            .is(server.to_string())
            .key("DNS")
            .seen(
                format!("{server} is among its servers"),
                "networkctl status; cat /etc/resolv.conf",
            )
    })
}

/// Who asks: a container asks its guest's servers.
fn asking(at: &At<'_>) -> String {
    match &at.unheld.check.from {
        VantagePoint::Container(guest, _) => guest.to_string(),
        other => other.to_string(),
    }
}

/// The servers that the vantage asks of its own accord.
fn servers(at: &At<'_>) -> Vec<IpAddr> {
    let machine = asking(at);
    let networkd = at
        .net
        .state(&machine)
        .and_then(|state| state.networkd.as_ref());
    if let Some(links) = networkd {
        return links.values().flat_map(|link| link.servers()).collect();
    }
    let mut guests = at.net.scenario.guests.iter();
    let guest = guests.find(|(name, _)| name.as_str() == machine);
    guest.map_or_else(Vec::new, |(_, guest)| guest.dns.clone())
}

/// Whether an answer came, by what the check saw: addresses, none, or an error by its name in capitals (RFC 1035, RCODE).
fn came(name: &str, got: &str) -> bool {
    let Some(none) = got.strip_prefix(&format!("no address for {name}")) else {
        return got.starts_with(&format!("{name} is "));
    };
    let error = none.strip_prefix(": ").unwrap_or_default();
    error.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// A server that answers wrongly, or not at all: it got the question.
fn fault(at: &At<'_>, asked: &Dns, servers: &[IpAddr]) -> Option<Found> {
    let server = *servers.first()?;
    let owner = at.net.owners(server).into_iter().next()?;
    let mut machines = at.net.scenario.machines.iter();
    let machine = machines.find(|(name, _)| name.as_str() == owner.machine);
    let dnsmasq = machine.and_then(|(_, machine)| machine.dnsmasq.as_ref());
    let fault = dnsmasq.and_then(|dnsmasq| dnsmasq.faults.get(&asked.name));
    let silent = matches!(fault, Some(DnsFault::NoAnswer | DnsFault::Late(_)));
    let expected = format!("{:?}", asked.expect);
    if !silent {
        let answer = answered(at, server, &expected).key(&asked.name);
        return came(&asked.name, at.unheld.got).then_some(answer);
    }
    let statement = format!("{} does not answer for {}", owner.machine, asked.name);
    let found = Found::at(Code::ServiceSilent, &owner.machine, statement);
    Some(
        found
            .key(&asked.name)
            .needed(expected)
            .seen(at.unheld.got, format!("dig @{server} {}", asked.name)),
    )
}
