//! What networkd makes of links: `networkctl`, `wait_online`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::adverts;
use super::at::{At, Explained};
use super::carrier::not_up;
use super::managed::{self, not_done, setup, unmatched};
use super::missing::{absent_link, not_watched};
use super::sent::Brings;
use crate::check::kinds::{Networkctl, WaitOnline};
use crate::diagnosis::code::Code;
use crate::diagnosis::found::Found;
use crate::diagnosis::net::{End, Net};
use crate::diagnosis::state::Managed;

/// `networkctl`.
pub(super) fn explain(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<Networkctl>()?;
    let end = at.end(asked.interface.as_str());
    let Some(networkd) = at.state().and_then(|state| state.networkd.as_ref()) else {
        let stopped = managed::not_running(at.net, &end.machine);
        return Some(match stopped {
            Some(stopped) => Explained::of(vec![stopped]),
            None => not_watched(end.machine),
        });
    };
    let Some(managed) = networkd.get(&end.link) else {
        return Some(Explained::of(vec![absent_link(&end)]));
    };
    let mut found = Vec::new();
    if let Some(file) = &asked.file {
        found.extend(wrong_file(&end, managed, file));
    }
    if let Some(setup_asked) = asked
        .setup
        .as_ref()
        .filter(|setup| **setup != managed.setup)
    {
        let unmanaged = managed.setup == "unmanaged";
        found.extend(unmanaged.then(|| unmatched(&end)));
        found.extend(not_up(at.net, &end));
        found.push(setup(&end, &managed.setup, setup_asked));
    }
    found.extend(servers(at, &end, managed, asked.dns.as_deref()));
    if let Some(wanted) = &asked.required_for_online {
        let is = required(managed);
        if is != wanted {
            found.push(required_gap(&end, is, wanted));
        }
    }
    let states = [
        (
            "operational",
            asked.operational.as_deref(),
            Some(managed.operational.as_str()),
        ),
        ("online", asked.online.as_deref(), managed.online.as_deref()),
    ];
    for (key, wanted, is) in states {
        let Some(wanted) = wanted.filter(|wanted| Some(*wanted) != is) else {
            continue;
        };
        found.extend(not_done(at.net, &end.machine, Some(&end.link)));
        found.extend(unaddressed(at.net, &end));
        let is = is.unwrap_or("not said");
        found.push(setup(&end, is, wanted).key(key).maybe());
    }
    if found.is_empty() {
        let got = at.unheld.got;
        let statement = format!(
            "networkd of {} has {} otherwise: {got}",
            end.machine, end.link
        );
        let other = Found::link(Code::UnitSetting, &end, statement).is(got);
        found.push(other.seen(got, format!("networkctl status {}", end.link)));
    }
    Some(Explained::of(found))
}

fn wrong_file(end: &End, managed: &Managed, wanted: &str) -> Option<Found> {
    let End { machine, link } = end;
    match managed.file() {
        None => Some(unmatched(end).needed(wanted)),
        Some(file) if file != wanted => {
            let statement = format!("{file} of {machine} matches {link}, and not {wanted}");
            let found = Found::link(Code::UnitWrongMatch, end, statement)
                .is(file)
                .needed(wanted)
                .seen(
                    format!("the network file of {link} is {file}"),
                    format!("networkctl status {link}"),
                );
            Some(found)
        }
        Some(_) => None,
    }
}

/// Other servers for names than those that are asked for. Those that advertisements bring are missing without advertisements.
fn servers(at: &At<'_>, end: &End, managed: &Managed, wanted: Option<&[IpAddr]>) -> Vec<Found> {
    let wanted: BTreeSet<IpAddr> = wanted.unwrap_or_default().iter().copied().collect();
    let is: BTreeSet<IpAddr> = managed.servers().into_iter().collect();
    if wanted.is_empty() || wanted == is {
        return Vec::new();
    }
    let End { machine, link } = end;
    let mut found = not_done(at.net, machine, Some(link));
    let missing: Vec<&IpAddr> = wanted.difference(&is).collect();
    let mut others: Vec<&IpAddr> = is.difference(&wanted).collect();
    let by_router = missing.iter().any(|one| one.is_ipv6());
    if by_router {
        // A server of IPv6 that no unit names was to come by an advertisement.
        let way = adverts::in_the_way(at.net, machine, Some(link), Brings::Servers).into_iter();
        found.extend(way.map(|one| Found {
            certain: true,
            ..one
        }));
    }
    let explained = found.iter().any(|one| one.certain);
    let gap = |is: Option<&IpAddr>, needed: Option<&IpAddr>| {
        let statement = match (is, needed) {
            (Some(is), Some(needed)) => {
                format!("{link} of {machine} has {is} for names, and {needed} is asked for")
            }
            (Some(is), None) => {
                format!("{link} of {machine} has {is} for names beside those asked for")
            }
            (None, needed) => {
                let needed = needed.map(IpAddr::to_string).unwrap_or_default();
                format!("{link} of {machine} lacks the server {needed} for names")
            }
        };
        let mut gap = Found::link(Code::ServiceResolver, end, statement).key("DNS");
        gap.gap.is = is.map(IpAddr::to_string);
        gap.gap.needed = needed.map(IpAddr::to_string);
        gap.seen(at.unheld.got, format!("networkctl status {link}"))
    };
    for needed in missing {
        let same = others
            .iter()
            .position(|one| one.is_ipv6() == needed.is_ipv6());
        let is = same.map(|at| others.remove(at));
        let one = gap(is, Some(needed));
        // What an advertisement should have brought is in no unit.
        let by_router = explained && needed.is_ipv6() && is.is_none();
        found.push(if by_router { one.maybe() } else { one });
    }
    found.extend(others.into_iter().map(|is| gap(Some(is), None)));
    found
}

fn required(managed: &Managed) -> &'static str {
    match managed.required_for_online {
        Some(false) => "no",
        _ => "yes",
    }
}

fn required_gap(end: &End, is: &str, wanted: &str) -> Found {
    let End { machine, link } = end;
    let statement =
        format!("{link} of {machine} is required for online: {is}, and {wanted} is asked for");
    Found::link(Code::UnitSetting, end, statement)
        .is(is)
        .needed(wanted)
        .key("RequiredForOnline")
        .seen(
            format!("required for online: {is}"),
            format!("networkctl status {link}"),
        )
}

/// A link that should be routable and has no usable address.
fn unaddressed(net: &Net<'_>, end: &End) -> Vec<Found> {
    let Some(link) = net.link(end).filter(|link| link.master.is_none()) else {
        return Vec::new();
    };
    let global = link
        .addresses
        .iter()
        .any(|one| one.scope == "global" && one.is_usable());
    let pending = link.addresses.iter().filter(|one| !one.is_usable());
    let state = net.state(&end.machine);
    let mut found: Vec<Found> = pending
        .filter_map(|one| crate::diagnosis::walk::unusable(&end.machine, state?, one.local?))
        .collect();
    if !global && found.is_empty() {
        let statement = format!("{} of {} has no address", end.link, end.machine);
        let absent = Found::link(Code::AddressAbsent, end, statement);
        found.push(absent.seen("no address", format!("ip address show dev {}", end.link)));
    }
    found
}

/// `wait_online`.
pub(super) fn wait_online(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<WaitOnline>()?;
    let machine = at.machine();
    let Some(networkd) = at.state().and_then(|state| state.networkd.as_ref()) else {
        return Some(not_watched(machine));
    };
    let only = asked
        .interface
        .as_ref()
        .map(|name| at.end(name.as_str()).link);
    let managed = networkd.iter().filter(|(name, link)| {
        link.file().is_some() && only.as_ref().is_none_or(|one| one == *name)
    });
    let (required, others): (Vec<_>, Vec<_>) =
        managed.partition(|(_, link)| required(link) == "yes" || only.is_some());
    let mut found = Vec::new();
    for (name, link) in &required {
        if link.online.as_deref() == Some("online") && link.setup == "configured" {
            continue;
        }
        let end = End::new(&machine, *name);
        found.extend(not_up(at.net, &end));
        found.extend(unaddressed(at.net, &end));
        found.push(setup(&end, &link.setup, "configured"));
    }
    if required.is_empty() {
        for (name, _) in &others {
            found.push(required_gap(&End::new(&machine, *name), "no", "yes"));
        }
    }
    Some(Explained::of(found))
}
