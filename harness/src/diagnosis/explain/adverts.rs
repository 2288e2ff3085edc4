//! Who sends router advertisements, what is in their way, and what keeps a machine from taking them.

use std::net::IpAddr;

use super::managed::{cut_off, not_done};
use super::sent::{self, Brings};
use crate::check::kinds::{RaAccepted, RouterAdvert};
use crate::diagnosis::code::Code;
use crate::diagnosis::found::Found;
use crate::diagnosis::net::{End, Net};
use crate::diagnosis::state::Link;
use crate::diagnosis::walk::to_all_nodes;
use crate::networkd::{Unit, UnitKind};
use crate::scenario::VantagePoint;

/// What keeps a machine from advertisements at a link, or at each of its links, and from what they should bring.
pub(super) fn in_the_way(
    net: &Net<'_>,
    machine: &str,
    link: Option<&str>,
    brings: Brings,
) -> Vec<Found> {
    let Some(state) = net.state(machine) else {
        return Vec::new();
    };
    let links = state.links.values().filter(|one| match link {
        Some(link) => one.name == link,
        None => leads_out(net, machine, one),
    });
    // A link that is a port now takes none; before it was one, its sysctls were what counted.
    if let Some(link) = link
        && net
            .link(&End::new(machine, link))
            .is_some_and(|one| one.master.is_some())
    {
        return accept_ra(net, &End::new(machine, link))
            .into_iter()
            .collect();
    }
    let links = links.filter(|one| one.master.is_none());
    let ends: Vec<End> = links.map(|one| End::new(machine, &one.name)).collect();
    let (advertised, others): (Vec<End>, Vec<End>) =
        ends.into_iter().partition(|end| sender(net, end).is_some());
    if advertised.is_empty() {
        // One link with advertisements is enough, and no more is known of which it should be.
        return others
            .first()
            .map(|end| cut_off(net, end).unwrap_or_else(|| not_sent(net, end)))
            .into_iter()
            .collect();
    }
    let mut found = Vec::new();
    for end in advertised {
        let way = on_the_way(net, &end);
        let arrives = way.iter().all(|one| !one.certain);
        found.extend(way);
        if arrives {
            let lacks = sender(net, &end).and_then(|from| sent::lacks(net, &from, brings));
            found.extend(lacks);
            found.extend(ignored(net, &end, brings));
            found.extend(not_done(net, machine, Some(&end.link)));
        }
    }
    found
}

/// Whether other machines are on a link's side, and not only the machine's own containers.
fn leads_out(net: &Net<'_>, machine: &str, link: &Link) -> bool {
    let around = net.around(&End::new(machine, &link.name));
    let mut others = around.iter().filter(|end| end.machine != machine);
    link.name != "lo" && others.any(|end| !end.machine.contains('/'))
}

/// The router's link: of a machine whose dnsmasq or networkd advertises, on the side of the end.
pub(super) fn sender(net: &Net<'_>, end: &End) -> Option<End> {
    let around = net.around(end);
    let advertises = |one: &&End| {
        let mut machines = net.scenario.machines.iter();
        let Some((_, machine)) = machines.find(|(name, _)| name.as_str() == one.machine) else {
            return false;
        };
        let dnsmasq = machine.dnsmasq.as_ref();
        let by_dnsmasq = dnsmasq
            .is_some_and(|dnsmasq| dnsmasq.ra.is_some() && dnsmasq.interface.as_str() == one.link);
        let sends =
            unit_of(net, one).is_some_and(|unit| says(&unit, "Network", "IPv6SendRA", true));
        one.machine != end.machine && (by_dnsmasq || sends)
    };
    around.iter().find(advertises).cloned()
}

/// The unit that networkd has applied to a link.
pub(super) fn unit_of(net: &Net<'_>, end: &End) -> Option<Unit> {
    let state = net.state(&end.machine)?;
    let file = state.networkd.as_ref()?.get(&end.link)?.file()?;
    let mut machines = net.scenario.machines.iter();
    let machine = machines.find(|(name, _)| name.as_str() == end.machine);
    let mut guests = net.scenario.guests.iter();
    let guest = guests.find(|(name, _)| name.as_str() == end.machine);
    let files = machine
        .and_then(|(_, machine)| machine.networkd.as_deref())
        .or_else(|| guest.map(|(_, guest)| guest.units.as_slice()))?;
    let mut units = Unit::all(files).into_iter();
    units.find(|unit| unit.kind == UnitKind::Network && unit.name == file)
}

/// Whether a unit says yes, or no, for a key that takes a truth value (systemd.syntax(7)).
fn says(unit: &Unit, section: &str, key: &str, wanted: bool) -> bool {
    let words: [&str; 5] = match wanted {
        true => ["1", "yes", "true", "on", "y"],
        false => ["0", "no", "false", "off", "n"],
    };
    unit.last(section, key)
        .is_some_and(|value| words.contains(&value))
}

/// What is in the way of an advertisement to an end.
pub(super) fn on_the_way(net: &Net<'_>, end: &End) -> Vec<Found> {
    match sender(net, end) {
        Some(from) => {
            // Advertisements are sent from a link-local address (RFC 4861, 6.1.2).
            let mute = no_link_local(net, &from, Code::RaNotSent);
            mute.into_iter()
                .chain(to_all_nodes(net, &from, end))
                .collect()
        }
        None => vec![cut_off(net, end).unwrap_or_else(|| not_sent(net, end))],
    }
}

/// That no router advertises: a cause where a check wants advertisements there, and else a suspect.
fn not_sent(net: &Net<'_>, end: &End) -> Found {
    let End { machine, link } = end;
    let statement = format!("no router on the network of {link} of {machine} sends advertisements");
    let found = Found::link(Code::RaNotSent, end, statement);
    let found = found.seen("no router advertises there", "tcpdump icmp6");
    match wanted(net, machine) {
        true => found,
        false => found.maybe(),
    }
}

/// Whether a check wants a machine to see or to take advertisements.
fn wanted(net: &Net<'_>, machine: &str) -> bool {
    let mut checks = net.scenario.checks.iter();
    checks.any(|check| {
        let from = match &check.from {
            VantagePoint::Container(guest, _) => guest.to_string(),
            other => other.to_string(),
        };
        let kind = &check.kind;
        let asks = kind.downcast_ref::<RaAccepted>().is_some()
            || kind.downcast_ref::<RouterAdvert>().is_some();
        from == machine && asks && !check.times.fails
    })
}

/// Settings by which a machine takes no advertisements, or not what they bring.
fn ignored(net: &Net<'_>, end: &End, brings: Brings) -> Option<Found> {
    by_sysctl(net, end)
        .or_else(|| by_unit(net, end, brings))
        .or_else(|| no_link_local(net, end, Code::RaIgnored))
}

/// Sysctls by which a kernel takes no advertisements (`accept_ra` of `ip-sysctl.rst`). Networkd takes them itself, and sets it to 0.
fn by_sysctl(net: &Net<'_>, end: &End) -> Option<Found> {
    super::sysctl::no_ipv6(net, end).or_else(|| accept_ra(net, end))
}

fn accept_ra(net: &Net<'_>, end: &End) -> Option<Found> {
    let state = net.state(&end.machine)?;
    let End { machine, link } = end;
    let value = |name: &str| state.sysctls.get(&format!("ipv6/conf/{link}/{name}"));
    let forwards = value("forwarding") == Some("1");
    let managed = state.networkd.as_ref().and_then(|links| links.get(link));
    let managed = managed.is_some_and(|one| one.file().is_some());
    let (key, is, needed) = match (managed, value("accept_ra")) {
        (false, Some("0")) => ("accept_ra", "0", "1"),
        (false, Some("1")) if forwards => ("accept_ra", "1", "2"),
        (false, _) if value("autoconf") == Some("0") => ("autoconf", "0", "1"),
        (true, _) if forwards && !accepts(net, end) => {
            let statement = format!(
                "{machine} forwards IPv6, and then its networkd takes no advertisements at {link} unless it is told to"
            );
            let found = Found::link(Code::RaIgnored, end, statement)
                .is("unset")
                .needed("yes")
                .key("IPv6AcceptRA");
            let key = format!("net.ipv6.conf.{link}.forwarding");
            return Some(
                found
                    .seen(format!("{key} = 1"), format!("sysctl {key}"))
                    .maybe(),
            );
        }
        _ => return None,
    };
    let key = format!("net.ipv6.conf.{link}.{key}");
    let statement = format!("{link} of {machine} takes no advertisements: {key} is {is}");
    Some(
        Found::link(Code::RaIgnored, end, statement)
            .is(is)
            .needed(needed)
            .seen(format!("{key} = {is}"), format!("sysctl {key}"))
            .key(key),
    )
}

/// Whether networkd is told to take advertisements, so that forwarding does not matter.
fn accepts(net: &Net<'_>, end: &End) -> bool {
    unit_of(net, end).is_some_and(|unit| says(&unit, "Network", "IPv6AcceptRA", true))
}

/// A line by which networkd takes no advertisements, or not what is missing.
fn by_unit(net: &Net<'_>, end: &End, brings: Brings) -> Option<Found> {
    let unit = unit_of(net, end)?;
    let of_part = match brings {
        Brings::Address => "UseAutonomousPrefix",
        Brings::Route => "UseGateway",
        Brings::Servers => "UseDNS",
    };
    let keys = [("Network", "IPv6AcceptRA"), ("IPv6AcceptRA", of_part)];
    let (_, key) = keys
        .into_iter()
        .find(|(section, key)| says(&unit, section, key, false))?;
    let (name, End { machine, link }) = (&unit.name, end);
    let statement = format!("{name} tells networkd of {machine} {key}=no for {link}");
    let found = Found::link(Code::RaIgnored, end, statement)
        .is("no")
        .needed("yes")
        .key(key);
    Some(found.seen(
        format!("{link} has the file {name}"),
        format!("networkctl status {link}"),
    ))
}

/// A link without a link-local address, from which routers are asked, and from which they advertise (RFC 4861, 6.3.7 and 6.1.2).
fn no_link_local(net: &Net<'_>, end: &End, code: Code) -> Option<Found> {
    let link = net.link(end).filter(|link| link.is_up())?;
    let mut own = link.addresses.iter().filter_map(|one| one.local);
    if own.any(|one| matches!(one, IpAddr::V6(one) if one.is_unicast_link_local())) {
        return None;
    }
    let End { machine, link } = end;
    let statement = format!(
        "{link} of {machine} has no link-local address, and so neither asks routers nor advertises"
    );
    let found = Found::link(code, end, statement)
        .is("no")
        .needed("yes")
        .key("LinkLocalAddressing");
    Some(found.seen(
        "no address of fe80::/10",
        format!("ip -6 address show dev {link}"),
    ))
}
