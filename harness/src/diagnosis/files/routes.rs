//! The line of a unit file that leaves a machine without a route.

use std::net::IpAddr;

use ipnet::IpNet;

use super::at::added_behind;
use super::located::Located;
use super::machine::UnitMachine;
use super::rows::Row;
use super::setting::{head_of, of_setting, said_of};
use super::spelling::misspelt;
use super::value::same;
use crate::check::kinds::Route as RouteCheck;
use crate::diagnosis::finding::{At, Remedy};
use crate::diagnosis::gap::Gap;
use crate::diagnosis::observed::Observed;
use crate::diagnosis::reading;
use crate::diagnosis::state::Link;
use crate::networkd::{Setting, Unit};
use crate::scenario::VantagePoint;

/// Most edits between a destination that is written and the one that was meant.
const NEAR: usize = 3;

/// The lines by which a machine has no route to the gap's destination, the most likely first: one that networkd refuses, a gateway
/// that is on no network of its link, a destination that is nearly the one, a key that is nearly `Gateway=`, and what is missing.
pub(super) fn lines(
    gap: &Gap,
    row: &Row,
    machine: &UnitMachine<'_>,
    observed: &Observed<'_>,
) -> Vec<Located> {
    let Some(to) = gap.needed.as_deref().and_then(|to| to.parse().ok()) else {
        return Vec::new();
    };
    let links = machine.state();
    let of_link = |link: &Link| Some((link.clone(), machine.applied(&link.name)?));
    let applied: Vec<(Link, &Unit)> = links.iter().filter_map(of_link).collect();
    let mut found: Vec<Located> = Vec::new();
    found.extend(
        applied
            .iter()
            .filter_map(|(_, unit)| misspelt(row.network, machine, unit)),
    );
    for (link, unit) in &applied {
        let known = |one: &&Setting| ["Network", "Route"].contains(&one.section.as_str());
        let gateways = unit.settings.iter().filter(known);
        for setting in gateways.filter(|one| one.key == "Gateway") {
            found.extend(gateway(gap, to, machine, observed, (link, unit, setting)));
        }
        found.extend(destination(to, unit));
    }
    if found.is_empty() {
        found.extend(missing(to, machine, observed, &applied));
    }
    found
}

/// A line that names a gateway which makes no route.
fn gateway(
    gap: &Gap,
    to: IpAddr,
    machine: &UnitMachine<'_>,
    observed: &Observed<'_>,
    (link, unit, setting): (&Link, &Unit, &Setting),
) -> Vec<Located> {
    let said = said_of(setting, machine, unit);
    if said.is_some() {
        return vec![of_setting(gap, machine, unit, setting, said)];
    }
    let Ok(gateway) = setting.value.parse::<IpAddr>() else {
        return Vec::new();
    };
    let near = |net: IpNet| net.contains(&gateway);
    let on_link = link.addresses.iter().filter_map(|one| one.net()).any(near);
    if gateway.is_ipv6() != to.is_ipv6() || on_link || !link.is_up() || is_link_local(gateway) {
        return Vec::new();
    }
    let (name, machine) = (&unit.name, &machine.name);
    // An address of its own alone says nothing of what is near.
    let addresses = unit.settings.iter().filter(|one| one.key == "Address");
    let far = addresses.filter(|one| {
        let net = one.value.parse::<IpNet>();
        let wide = |net: &IpNet| net.prefix_len() < net.max_prefix_len();
        net.is_ok_and(|net| net.addr().is_ipv6() == to.is_ipv6() && !near(net) && wide(&net))
    });
    let mut found: Vec<Located> = far
        .map(|address| {
            plain(
                format!(
                    "`{name}` says `Address={}`, and its `Gateway={gateway}` is in no network of {} on {machine}",
                    address.value, link.name
                ),
                At::of(&address.value_place),
            )
        })
        .collect();
    let own = plain(
        format!(
            "`{name}` says `Gateway={gateway}`, which is in no network of {} on {machine}",
            link.name
        ),
        At::of(&setting.value_place),
    );
    // A gateway that is on no network of the link needs to be told to be on it.
    let off = |one: &&Setting| {
        one.section == setting.section && one.key == "GatewayOnLink" && same(&one.value, "no")
    };
    let line = setting.key_place.position().0;
    let offs = unit.settings.iter().filter(off);
    if let Some(off) = offs.min_by_key(|one| one.key_place.position().0.abs_diff(line)) {
        let statement = format!(
            "`{name}` says `GatewayOnLink={}`, and `Gateway={gateway}` is in no network of {} on {machine}",
            off.value, link.name
        );
        found.insert(0, plain(statement, At::of(&off.value_place)));
        found.push(own);
        return found;
    }
    // A gateway that is there is right, and the address is not.
    let there = |(_, answers): (&String, _)| reading::addresses(answers).contains(&gateway);
    let at = match observed.facts.iter().any(there) {
        true => found.len(),
        false => 0,
    };
    found.insert(at, own);
    found
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

/// A `Destination=` that is nearly the one that is needed.
fn destination(to: IpAddr, unit: &Unit) -> Vec<Located> {
    let settings = unit.settings.iter().filter(|one| one.key == "Destination");
    let near = settings.filter(|one| {
        let Ok(net) = one.value.parse::<IpNet>() else {
            return false;
        };
        let meant = IpNet::new(to, net.prefix_len()).map(|net| net.trunc());
        let edits =
            |meant: IpNet| strsim::osa_distance(&meant.addr().to_string(), &net.addr().to_string());
        let same = net.addr().is_ipv6() == to.is_ipv6() && net.prefix_len() > 0;
        same && !net.contains(&to) && meant.is_ok_and(|meant| edits(meant) <= NEAR)
    });
    let said = near.map(|one| {
        let statement = format!(
            "`{}` says `Destination={}`, and a route to {to} is needed",
            unit.name, one.value
        );
        plain(statement, At::of(&one.value_place))
    });
    said.collect()
}

/// That the unit of the only link with an address names no gateway.
fn missing(
    to: IpAddr,
    machine: &UnitMachine<'_>,
    observed: &Observed<'_>,
    applied: &[(Link, &Unit)],
) -> Option<Located> {
    let via = by_check(to, &machine.name, observed);
    // Routes of IPv6 usually come by advertisements: who has none lacks them, and not a line.
    if to.is_ipv6() && via.is_none() {
        return None;
    }
    let named = |unit: &Unit| {
        let mut gateways = unit.settings.iter().filter(|one| one.key == "Gateway");
        gateways.any(|one| one.value.contains(':') == to.is_ipv6())
    };
    let addressed = applied.iter().filter(|(link, _)| {
        let mut all = link.addresses.iter();
        all.any(|one| {
            one.scope == "global" && one.local.is_some_and(|ip| ip.is_ipv6() == to.is_ipv6())
        })
    });
    let [(link, unit)] = addressed.collect::<Vec<_>>()[..] else {
        return None;
    };
    if named(unit)
        || unit
            .last("Network", "DHCP")
            .is_some_and(|value| value != "no")
    {
        return None;
    }
    let last = unit
        .settings
        .iter()
        .rev()
        .find(|one| one.section == "Network");
    let place = match last {
        Some(last) => At::of(&last.value_place),
        None => head_of(unit, "Network")?,
    };
    let line = via.map(|via| format!("Gateway={via}"));
    let edit = line.as_ref().zip(last);
    let edit = edit.map(|(line, last)| added_behind(&last.value_place, line.clone()));
    let words = line.as_deref().unwrap_or("Gateway=");
    Some(Located {
        code: None,
        statement: Some(format!(
            "`{}`, which {} has for {}, has no `{words}` in [Network]",
            unit.name, machine.name, link.name
        )),
        place: Some(place),
        evidence: Vec::new(),
        remedy: edit.map(|edit| Remedy {
            statement: format!("add `{words}` to [Network]"),
            source: None,
            edits: vec![edit],
        }),
    })
}

/// The gateway that a check wants a machine's default route to have.
fn by_check(to: IpAddr, machine: &str, observed: &Observed<'_>) -> Option<IpAddr> {
    let mut checks = observed.scenario.checks.iter();
    checks.find_map(|check| {
        let route = check.kind.downcast_ref::<RouteCheck>()?;
        let here = match &check.from {
            VantagePoint::Machine(name) | VantagePoint::Guest(name) => name.as_str() == machine,
            VantagePoint::Container(..) => false,
        };
        let same = route.to.prefix_len() == 0 && route.to.addr().is_ipv6() == to.is_ipv6();
        let by_hand = route.proto.as_deref() != Some("ra");
        route
            .via
            .filter(|via| here && same && by_hand && !route.absent && !is_link_local(*via))
    })
}

fn plain(statement: String, place: At) -> Located {
    Located {
        code: None,
        statement: Some(statement),
        place: Some(place),
        evidence: Vec::new(),
        remedy: None,
    }
}
