//! Who sends router advertisements, what is in their way, and what keeps a machine from taking them.

use super::managed::not_done;
use crate::diagnosis::code::Code;
use crate::diagnosis::found::Found;
use crate::diagnosis::net::{End, Net};
use crate::diagnosis::walk::to_all_nodes;
use crate::networkd::{Unit, UnitKind};

/// What keeps a machine from advertisements at a link, or at each of its links.
pub(super) fn in_the_way(net: &Net<'_>, machine: &str, link: Option<&str>) -> Vec<Found> {
    let Some(state) = net.state(machine) else {
        return Vec::new();
    };
    let links = state.links.values().filter(|one| match link {
        Some(link) => one.name == link,
        None => one.name != "lo" && one.master.is_none() && one.kind() != "dummy",
    });
    let mut found = Vec::new();
    for link in links {
        let end = End::new(machine, &link.name);
        if link.master.is_some() {
            continue;
        }
        let way = on_the_way(net, &end);
        let arrives = way.iter().all(|one| !one.certain);
        found.extend(way);
        if arrives {
            found.extend(ignored(net, &end));
            found.extend(not_done(net, machine, Some(&link.name)));
        }
    }
    found
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
        let units = Unit::all(machine.networkd.as_deref().unwrap_or_default());
        let by_unit = units.iter().any(|unit| {
            let sends = unit.last("Network", "IPv6SendRA");
            let sends = sends.is_some_and(|value| ["yes", "true", "on", "1"].contains(&value));
            let state = net.state(&one.machine);
            let managed = state.and_then(|state| state.networkd.as_ref()?.get(&one.link));
            unit.kind == UnitKind::Network
                && sends
                && managed.and_then(|one| one.file()) == Some(&unit.name)
        });
        one.machine != end.machine && (by_dnsmasq || by_unit)
    };
    around.iter().find(advertises).cloned()
}

/// What is in the way of an advertisement to an end.
pub(super) fn on_the_way(net: &Net<'_>, end: &End) -> Vec<Found> {
    let Some(from) = sender(net, end) else {
        let End { machine, link } = end;
        let statement =
            format!("no router on the network of {link} of {machine} sends advertisements");
        let found = Found::link(Code::RaNotSent, end, statement);
        return vec![found.seen("no router advertises there", "tcpdump icmp6")];
    };
    to_all_nodes(net, &from, end)
}

/// Sysctls by which a kernel takes no advertisements (`accept_ra` of `ip-sysctl.rst`). Networkd takes them itself, and sets it to 0.
fn ignored(net: &Net<'_>, end: &End) -> Option<Found> {
    let state = net.state(&end.machine)?;
    let End { machine, link } = end;
    let value = |name: &str| state.sysctls.get(&format!("ipv6/conf/{link}/{name}"));
    let forwards = value("forwarding") == Some("1");
    let managed = state.networkd.as_ref().and_then(|links| links.get(link));
    let managed = managed.is_some_and(|one| one.file().is_some());
    let (key, is, needed) = match (value("disable_ipv6"), managed, value("accept_ra")) {
        (Some("1"), ..) => ("disable_ipv6", "1", "0"),
        (_, false, Some("0")) => ("accept_ra", "0", "1"),
        (_, false, Some("1")) if forwards => ("accept_ra", "1", "2"),
        (_, false, _) if value("autoconf") == Some("0") => ("autoconf", "0", "1"),
        (_, true, _) if forwards => {
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
