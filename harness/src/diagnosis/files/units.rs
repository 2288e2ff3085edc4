//! The line of a unit file that makes a gap.

use std::net::IpAddr;

use ipnet::IpNet;

use super::at::added_behind;
use super::located::Located;
use super::machine::UnitMachine;
use super::matching::{nearest_of, not_matched, taken_by};
use super::routes;
use super::rows::{self, Row};
use super::setting::{Keys, head_of, is_of, of_setting, said_of};
use super::spelling::{misspelt, misspelt_match};
use super::unmatched::{left_alone, no_match, not_matching, unapplied};
use super::value::{distance, same, says_it};
use crate::diagnosis::code::Code;
use crate::diagnosis::finding::{At, Remedy};
use crate::diagnosis::gap::Gap;
use crate::diagnosis::observed::Observed;
use crate::networkd::{Matches, Setting, Unit};

/// The lines of `.network` files that can make the gap, the most likely first.
pub(super) fn lines(gap: &Gap, machine: &UnitMachine<'_>, observed: &Observed<'_>) -> Vec<Located> {
    let row = rows::of(gap.code);
    match (gap.code, &gap.link) {
        (Code::UnitNotMatched, _) => not_matching(gap, machine).into_iter().collect(),
        (Code::RouteNone | Code::RouteNoneBack, _) => routes::lines(gap, row, machine, observed),
        _ if row.network.is_empty() => Vec::new(),
        (_, Some(link)) => of_link(gap, &keys(gap, row), machine, link),
        (_, None) => of_any(gap, &keys(gap, row), machine),
    }
}

/// The keys of a row; where the gap is about one of them, that one alone.
fn keys(gap: &Gap, row: &Row) -> Vec<(&'static str, &'static str)> {
    let about = |key: &&(&str, &str)| gap.key.as_deref() == Some(key.1);
    let own: Vec<_> = row.network.iter().filter(about).copied().collect();
    match own.is_empty() {
        true => row.network.to_vec(),
        false => own,
    }
}

/// Lines of any unit. One that says what is needed, and is applied to no link, fails by its `[Match]`.
fn of_any(gap: &Gap, keys: &Keys, machine: &UnitMachine<'_>) -> Vec<Located> {
    let mut found = Vec::new();
    for unit in machine.networks() {
        if gives_what_is_needed(gap, keys, unit) && !machine.is_applied(unit) {
            found.extend(unapplied(unit, machine).map(|one| (Rank::Refused, one)));
        }
        let own = in_unit(gap, keys, machine, unit);
        // Which of several units should have a line that none has, is not known.
        found.extend(own.into_iter().filter(|(rank, _)| *rank != Rank::Missing));
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, one)| one).collect()
}

fn of_link(gap: &Gap, keys: &Keys, machine: &UnitMachine<'_>, name: &str) -> Vec<Located> {
    let Some(link) = machine.link(name) else {
        return Vec::new();
    };
    let applied = machine.applied(name).or_else(|| {
        let mut units = machine.networks();
        let matching = units.find(|unit| unit.matches(&machine.links, link) == Matches::Yes);
        matching.filter(|_| left_alone(machine, link, name).is_none())
    });
    let gives = |unit: &&Unit| gives_what_is_needed(gap, keys, unit);
    let mut found = Vec::new();
    match applied {
        None => {
            let meant: Vec<&Unit> = machine.networks().filter(gives).collect();
            let mut of_meant = meant.iter();
            found.extend(of_meant.find_map(|unit| {
                misspelt_match(unit, machine, name).or_else(|| no_match(unit, machine))
            }));
            if found.is_empty() {
                let near = nearest_of(meant, machine, link, name);
                let near = near.map(|(unit, setting)| not_matched(unit, setting, machine, name));
                found.extend(near.or_else(|| not_matching(gap, machine)));
            }
        }
        Some(unit) => {
            // A unit that gives it all already is not the one that lacks it.
            if !gives(&unit) {
                let others = machine.networks().filter(|other| other.name != unit.name);
                let others: Vec<&Unit> = others.filter(gives).collect();
                let matching = |other: &&&Unit| other.matches(&machine.links, link) != Matches::No;
                if let Some(meant) = others.iter().find(matching) {
                    found.extend(taken_by(unit, meant, machine, name));
                }
            }
            let mut own = in_unit(gap, keys, machine, unit);
            own.sort_by_key(|(rank, _)| *rank);
            found.extend(own.into_iter().map(|(_, one)| one));
        }
    }
    found
}

/// Whether a unit says what is needed.
fn gives_what_is_needed(gap: &Gap, keys: &Keys, unit: &Unit) -> bool {
    let Some(needed) = &gap.needed else {
        return false;
    };
    let settings = unit.settings.iter();
    let mut own = settings.filter(|one| is_of(one, keys));
    own.any(|one| one.value.split_whitespace().any(|word| same(word, needed)))
}

/// How likely a line is meant: what is wrong in it is sure, before what is near, before what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// networkd refuses the line.
    Refused,
    /// It says what is there and should not be.
    Says,
    /// Its key is nearly one that is missing.
    Misspelt,
    /// Its value is that far from what is needed.
    Near(usize),
    /// The unit lacks a line.
    Missing,
}

fn in_unit(gap: &Gap, keys: &Keys, machine: &UnitMachine<'_>, unit: &Unit) -> Vec<(Rank, Located)> {
    let mut found = Vec::new();
    let settings: Vec<&Setting> = unit
        .settings
        .iter()
        .filter(|one| is_of(one, keys))
        .collect();
    for setting in &settings {
        let said = said_of(setting, machine, unit);
        let is = gap.is.as_deref();
        let is = is.is_some_and(|is| says_it(&setting.key, &setting.value, is));
        let near = gap
            .needed
            .as_deref()
            .and_then(|needed| distance(&setting.value, needed));
        let rank = match (said, is, near) {
            (Some(_), ..) => Rank::Refused,
            (None, true, _) if near != Some(0) => Rank::Says,
            (None, _, Some(near)) if near > 0 && near <= LIKELY => Rank::Near(near),
            _ => continue,
        };
        found.push((rank, of_setting(gap, machine, unit, setting, said)));
    }
    found.extend(misspelt(keys, machine, unit).map(|one| (Rank::Misspelt, one)));
    // A line that says something else, or nearly what is needed, is the one that would be missing.
    if found.is_empty() {
        found.extend(missing(gap, keys, machine, unit).map(|one| (Rank::Missing, one)));
    }
    found
}

/// Most edits between a value and the one that it was meant to be.
const LIKELY: usize = 8;

/// Whether a value is one that this key takes. A gap's words can be about something that no single line says.
fn fits(key: &str, value: &str) -> bool {
    match key {
        "Address" => value.parse::<IpNet>().is_ok(),
        "Gateway" | "DNS" => value.parse::<IpAddr>().is_ok(),
        "MTUBytes" | "PVID" => value.parse::<u32>().is_ok(),
        "MACAddress" => value.split(':').count() == 6,
        "Bridge" => !value.contains([' ', '/', '.']),
        "DHCPServer" | "IPv6AcceptRA" | "IPv4Forwarding" | "IPv6Forwarding"
        | "RequiredForOnline" => same(value, "yes") || same(value, "no"),
        _ => false,
    }
}

/// That the unit lacks a line: at the head of the section that it belongs into, or of the file.
fn missing(gap: &Gap, keys: &Keys, machine: &UnitMachine<'_>, unit: &Unit) -> Option<Located> {
    if gives_what_is_needed(gap, keys, unit) {
        return None;
    }
    let (section, key) = keys.first()?;
    if !gap
        .needed
        .as_deref()
        .is_some_and(|needed| fits(key, needed))
    {
        return None;
    }
    // A line of a drop-in is in another file.
    let own = unit.head.as_ref().map(|head| &head.source.shown);
    let of_section = |one: &&Setting| {
        one.section == *section && own.is_none_or(|own| one.value_place.source.shown == *own)
    };
    let last = unit.settings.iter().rev().find(of_section);
    let place = match last {
        Some(last) => At::of(&last.value_place),
        None => head_of(unit, section)?,
    };
    let needed = gap.needed.as_deref();
    let line = format!("{key}={}", needed.unwrap_or_default());
    // A section that is not there would have to be written as well.
    let edit = needed
        .and(last)
        .map(|last| added_behind(&last.value_place, line.clone()));
    Some(Located {
        code: None,
        statement: Some(format!(
            "`{}`, which {} has for this link, has no `{line}` in [{section}]",
            unit.name, machine.name
        )),
        place: Some(place),
        evidence: Vec::new(),
        remedy: edit.map(|edit| Remedy {
            statement: format!("add `{line}` to [{section}]"),
            source: None,
            edits: vec![edit],
        }),
    })
}
