//! Routes and neighbours.

use std::net::IpAddr;

use super::at::{At, Explained};
use super::missing::not_watched;
use super::sent::Brings;
use super::{adverts, flows, managed};
use crate::check::kinds::{Neighbour, Route};
use crate::diagnosis::code::Code;
use crate::diagnosis::found::Found;
use crate::diagnosis::net::End;

/// `route`.
pub(super) fn explain(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<Route>()?;
    let machine = at.machine();
    let Some(state) = at.state() else {
        return Some(not_watched(machine));
    };
    let v6 = asked.to.addr().is_ipv6();
    let same = |route: &&crate::diagnosis::state::Route| {
        let table = route.table.as_deref().unwrap_or("main");
        table == "main" && route.is_of(v6) && route.net(v6) == Some(asked.to)
    };
    let there = state.routes.iter().find(same);
    let link = asked.dev.as_ref().map(|dev| at.end(dev.as_str()).link);
    let via = asked.via.map(|via| format!(" via {via}"));
    let dev = link.as_ref().map(|dev| format!(" dev {dev}"));
    let proto = asked.proto.as_ref().map(|proto| format!(" proto {proto}"));
    let needed: String = [Some(asked.to.to_string()), via, dev, proto]
        .into_iter()
        .flatten()
        .collect();
    let family = if v6 { "-6" } else { "-4" };
    let command = format!("ip {family} route show {}", asked.to);
    let mut found = Vec::new();
    match (there, asked.absent) {
        (Some(route), absent) => {
            let needed = if absent {
                "no such route".to_owned()
            } else {
                needed
            };
            let words = format!("{} proto {}", route.words(), route.protocol);
            found.extend(asked.via.and_then(|via| of_hop(at, route.hop()?, via)));
            let statement = format!("{machine} has the route {words}, and {needed} is asked for");
            found.push(
                Found::at(Code::RouteOtherLink, &machine, statement)
                    .on(route.link())
                    .is(words.clone())
                    .needed(needed)
                    .key(asked.to.to_string())
                    .seen(words, command),
            );
        }
        (None, true) => {}
        (None, false) => {
            found.extend(managed::not_done(at.net, &at.machine(), link.as_deref()));
            let by_advertisement = asked.proto.as_deref() == Some("ra");
            let unsaid = v6 && asked.proto.is_none() && asked.to.prefix_len() == 0;
            if by_advertisement || unsaid {
                let link = link.as_deref();
                found.extend(adverts::in_the_way(
                    at.net,
                    &at.machine(),
                    link,
                    Brings::Route,
                ));
            }
            let statement = format!("{machine} has no route {needed}");
            found.push(
                Found::at(Code::RouteNone, &machine, statement)
                    .needed(asked.to.addr().to_string())
                    .seen(format!("no route to {}", asked.to), command),
            );
        }
    }
    Some(Explained::of(found))
}

/// The next hop that was asked for is nobody's: who is the next hop instead has another address than that.
fn of_hop(at: &At<'_>, hop: IpAddr, via: IpAddr) -> Option<Found> {
    let owner = at.net.owners(hop).into_iter().next()?;
    let same = hop != via && hop.is_ipv6() == via.is_ipv6();
    if !same || !at.net.owners(via).is_empty() {
        return None;
    }
    let mut own = at.net.link(&owner)?.addresses.iter();
    let length = own.find(|one| one.local == Some(hop))?.prefixlen;
    let End { machine, link } = &owner;
    let statement =
        format!("{machine} has {hop} on {link}, and {via} is asked for as the next hop");
    let found = Found::link(Code::AddressOther, &owner, statement)
        .is(format!("{hop}/{length}"))
        .needed(format!("{via}/{length}"));
    Some(found.seen(
        format!("{link} has {hop}/{length}"),
        format!("ip address show dev {link}"),
    ))
}

/// `neighbour`.
pub(super) fn neighbour(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<Neighbour>()?;
    let machine = at.machine();
    let Some(state) = at.state() else {
        return Some(not_watched(machine));
    };
    let entry = state
        .neighbours
        .iter()
        .find(|entry| entry.address == Some(asked.address));
    let explained = at.flow(flows::echo(asked.address));
    let known = entry.and_then(|entry| Some((entry, entry.mac.as_deref()?)));
    if let (Some((entry, mac)), Some(wanted)) = (known, asked.mac) {
        let wanted = wanted.to_string();
        if !mac.eq_ignore_ascii_case(&wanted) {
            let statement = format!("{machine} has {} at {mac}, not at {wanted}", asked.address);
            let found = Found::at(Code::NeighWrongMac, &machine, statement)
                .on(Some(&entry.link))
                .is(mac)
                .needed(wanted)
                .key(asked.address.to_string())
                .seen(
                    format!("{} lladdr {mac} {}", asked.address, entry.state.join(" ")),
                    "ip neighbour show",
                );
            return Some(Explained::of(vec![found]).and(explained));
        }
    }
    if !explained.is_empty() || known.is_some() {
        return Some(explained);
    }
    let statement = format!("{machine} has no neighbour {}", asked.address);
    let found = Found::at(Code::NeighUnanswered, &machine, statement)
        .is(asked.address.to_string())
        .seen(
            entry.map_or_else(|| "no entry".to_owned(), |entry| entry.state.join(" ")),
            "ip neighbour show",
        );
    Some(Explained::of(vec![found.maybe()]))
}
