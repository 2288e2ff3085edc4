//! Addresses that are missing, others than asked for, or not usable.

use std::net::IpAddr;

use super::at::{At, Explained};
use super::missing::{absent_link, not_watched};
use super::sent::Brings;
use super::{adverts, managed, roots};
use crate::check::kinds::address::AddressState;
use crate::check::kinds::differ::Differing;
use crate::check::kinds::{Address, Differ};
use crate::diagnosis::code::Code;
use crate::diagnosis::found::Found;
use crate::diagnosis::net::End;
use crate::diagnosis::walk::unusable;

/// `address`.
pub(super) fn explain(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<Address>()?;
    let machine = at.machine();
    let Some(state) = at.state() else {
        return Some(not_watched(machine));
    };
    let end = asked.interface.as_ref().map(|name| at.end(name.as_str()));
    if let Some(end) = &end
        && at.net.link(end).is_none()
    {
        return Some(Explained::of(vec![absent_link(end)]));
    }
    let links = state.links.values();
    let links = links.filter(|link| end.as_ref().is_none_or(|end| end.link == link.name));
    let here: Vec<_> = links
        .flat_map(|link| link.addresses.iter().map(move |one| (link, one)))
        .filter_map(|(link, one)| Some((link, one, one.local?)))
        .collect();
    let wanted = asked.address;
    let fits = |address: IpAddr| match asked.any_of_prefix {
        true => wanted.contains(&address),
        false => address == wanted.addr(),
    };
    let held = here.iter().find(|(_, _, local)| fits(*local));
    let link = end.as_ref().map(|end| end.link.as_str());
    let mut found = Vec::new();
    // A check that must not hold asks for the opposite.
    let state_asked = match (asked.state, at.unheld.check.times.fails) {
        (AddressState::Usable, true) => AddressState::Absent,
        (state, _) => state,
    };
    match (state_asked, held) {
        (AddressState::Usable, Some((link, one, local))) => {
            found.extend(unusable(&machine, state, *local));
            found.extend(twins(at, &End::new(&machine, &link.name)));
            if !asked.any_of_prefix && one.prefixlen != wanted.prefix_len() {
                let is = format!("{local}/{}", one.prefixlen);
                found.push(other(&machine, Some(&link.name), &is, &wanted.to_string()));
            }
        }
        (AddressState::Usable, None) => {
            let not_done = managed::not_done(at.net, &at.machine(), link).into_iter();
            found.extend(not_done.map(|one| match one.gap.code {
                Code::UnitWrongMatch if link.is_some() => sure(one),
                _ => one,
            }));
            if asked.any_of_prefix && wanted.addr().is_ipv6() {
                found.extend(adverts::in_the_way(
                    at.net,
                    &at.machine(),
                    link,
                    Brings::Address,
                ));
            }
            found.push(absent(
                &machine,
                link,
                asked,
                &here.iter().map(|(_, one, _)| *one).collect::<Vec<_>>(),
            ));
        }
        (AddressState::Absent, Some((link, one, local))) => {
            let networkd = state.networkd.as_ref();
            let managed = networkd.and_then(|all| Some((all, all.get(&link.name)?)));
            let end = End::new(&machine, &link.name);
            found.extend(
                managed
                    .and_then(|(all, one)| managed::several(all, &end, one))
                    .map(sure),
            );
            let is = format!("{local}/{}", one.prefixlen);
            found.push(other(&machine, Some(&link.name), &is, "absent"));
        }
        (state, Some((link, one, local))) => {
            let is = format!("{local}/{}", one.prefixlen);
            let needed = format!("{state:?}").to_lowercase();
            found.push(other(&machine, Some(&link.name), &is, &needed));
        }
        (AddressState::Absent, None) => {
            // It came and went: a unit that gives it to several links is enough for that.
            let all = managed::not_done(at.net, &at.machine(), link).into_iter();
            found.extend(
                all.filter(|one| one.gap.code == Code::UnitWrongMatch)
                    .map(sure),
            );
        }
        (_, None) => found.push(absent(&machine, link, asked, &[])),
    }
    Some(Explained::of(found))
}

/// Who should not have the address has it by this unit.
fn sure(found: Found) -> Found {
    Found {
        certain: true,
        ..found
    }
}

fn other(machine: &str, link: Option<&str>, is: &str, needed: &str) -> Found {
    let on = link.map_or_else(String::new, |link| format!(" on {link}"));
    let statement = format!("{machine} has {is}{on}, and {needed} is asked for");
    Found::at(Code::AddressOther, machine, statement)
        .on(link)
        .is(is)
        .needed(needed)
        .seen(format!("{is} is there"), "ip address show")
}

fn absent(
    machine: &str,
    link: Option<&str>,
    asked: &Address,
    here: &[&crate::diagnosis::state::Address],
) -> Found {
    let needed = asked.address.to_string();
    let on = link.map_or_else(String::new, |link| format!(" on {link}"));
    let same = here.iter().filter(|one| {
        let v6 = asked.address.addr().is_ipv6();
        one.scope == "global" && one.local.is_some_and(|local| local.is_ipv6() == v6)
    });
    let said: Vec<String> = same
        .filter_map(|one| Some(one.net()?.to_string()))
        .collect();
    let statement = format!("{machine} has no address {needed}{on}");
    let found = Found::at(Code::AddressAbsent, machine, statement)
        .on(link)
        .needed(needed);
    let fact = match said.is_empty() {
        true => "it has none of that family".to_owned(),
        false => format!("it has {}", said.join(" ")),
    };
    found.seen(fact, "ip address show")
}

/// Other links around with the same MAC address: why duplicate address detection fails.
fn twins(at: &At<'_>, end: &End) -> Vec<Found> {
    let Some(mac) = at.net.link(end).map(|link| link.mac.clone()) else {
        return Vec::new();
    };
    crate::diagnosis::walk::same_mac(at.net, end, end, Some(&mac))
        .into_iter()
        .collect()
}

/// `differ`.
pub(super) fn differ(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<Differ>()?;
    let (here, there) = (at.machine(), asked.with.to_string());
    let (Some(one), Some(other)) = (at.state(), at.net.state(&there)) else {
        return Some(not_watched(there));
    };
    let mut found = Vec::new();
    for link in one.links.values().filter(|link| link.name != "lo") {
        match asked.what {
            Differing::Address(net) => {
                let own = link.addresses.iter().filter_map(|one| one.local);
                for address in own.filter(|address| net.contains(address)) {
                    if other.owner(address).is_some() {
                        let statement = format!("{here} and {there} both have {address}");
                        let twice = Found::link(
                            Code::AddressDuplicate,
                            &End::new(&here, &link.name),
                            statement,
                        );
                        let show = format!("ip address show to {address}");
                        found.push(
                            twice
                                .is(address.to_string())
                                .seen(format!("{here} has {address}"), show.clone())
                                .seen_at(&there, format!("{there} has {address}"), show),
                        );
                    }
                }
            }
            Differing::MachineId => {}
            Differing::Mac => {
                found.extend(twins(at, &End::new(&here, &link.name)));
            }
        }
    }
    if asked.what == Differing::MachineId {
        found.extend(roots::same_id(at.net, &here));
    }
    Some(Explained::of(found))
}
