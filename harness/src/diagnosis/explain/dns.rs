//! Names: the servers that are asked, the way to them, and what they answer.

use std::net::IpAddr;

use super::adverts;
use super::at::{At, Explained};
use super::flows::{answered, flow, to_port};
use crate::check::kinds::Dns;
use crate::diagnosis::code::Code;
use crate::diagnosis::found::Found;
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
        all.splice(0..0, adverts::in_the_way(at.net, &machine, None));
        return Some(Explained::of(all));
    }
    let mut explained = Explained::default();
    for server in &servers {
        let packet = Packet {
            from: asked.source,
            ..to_port(*server, Carries::Udp(PORT))
        };
        explained = explained.and(flow(at, packet));
    }
    if explained.is_empty() {
        explained.found.extend(fault(at, asked, &servers));
    }
    Some(explained)
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
        return Some(answered(at, server, &expected).key(&asked.name));
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
