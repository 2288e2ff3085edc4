//! The line of a unit file that makes a gap.

use std::net::IpAddr;

use ipnet::IpNet;

use super::at::{added_behind, with_key};
use super::located::Located;
use super::machine::UnitMachine;
use super::matching::{nearest, not_matched, taken_by};
use super::rows::{self, Row};
use super::setting::{is_of, log_of, says};
use super::value::{distance, same};
use crate::diagnosis::code::Code;
use crate::diagnosis::finding::{At, Remedy};
use crate::diagnosis::gap::Gap;
use crate::did_you_mean;
use crate::host::networkd_said::UnitSaid;
use crate::networkd::{Matches, Setting, Unit};

/// The lines of `.network` files that can make the gap, the most likely first.
pub(super) fn lines(gap: &Gap, machine: &UnitMachine<'_>) -> Vec<Located> {
    if gap.code == Code::UnitNotMatched {
        return not_matching(gap, machine).into_iter().collect();
    }
    let row = rows::of(gap.code);
    if row.network.is_empty() {
        return Vec::new();
    }
    match &gap.link {
        Some(link) => of_link(gap, row, machine, link),
        None => {
            let found = machine
                .networks()
                .flat_map(|unit| in_unit(gap, row, machine, unit));
            let mut found: Vec<_> = found.collect();
            found.sort_by_key(|(rank, _)| *rank);
            found.into_iter().map(|(_, one)| one).collect()
        }
    }
}

/// The unit that was most likely meant for a link which none matches.
fn not_matching(gap: &Gap, machine: &UnitMachine<'_>) -> Option<Located> {
    let name = gap.link.as_deref()?;
    let link = machine.link(name)?;
    let (unit, setting) = nearest(machine.networks(), machine, link, name)?;
    Some(not_matched(unit, setting, machine, name))
}

fn of_link(gap: &Gap, row: &Row, machine: &UnitMachine<'_>, name: &str) -> Vec<Located> {
    let Some(link) = machine.link(name) else {
        return Vec::new();
    };
    let applied = machine.applied(name).or_else(|| {
        let mut units = machine.networks();
        units.find(|unit| unit.matches(&machine.links, link) == Matches::Yes)
    });
    let gives = |unit: &&Unit| gives_what_is_needed(gap, row, unit);
    let mut found = Vec::new();
    match applied {
        None => {
            let meant: Vec<&Unit> = machine.networks().filter(gives).collect();
            let near = nearest(meant, machine, link, name);
            let near = near.or_else(|| nearest(machine.networks(), machine, link, name));
            found.extend(near.map(|(unit, setting)| not_matched(unit, setting, machine, name)));
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
            let mut own = in_unit(gap, row, machine, unit);
            own.sort_by_key(|(rank, _)| *rank);
            found.extend(own.into_iter().map(|(_, one)| one));
        }
    }
    found
}

/// Whether a unit says what is needed.
fn gives_what_is_needed(gap: &Gap, row: &Row, unit: &Unit) -> bool {
    let Some(needed) = &gap.needed else {
        return false;
    };
    let settings = unit.settings.iter();
    let mut own = settings.filter(|one| is_of(one, row.network));
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

fn in_unit(gap: &Gap, row: &Row, machine: &UnitMachine<'_>, unit: &Unit) -> Vec<(Rank, Located)> {
    let mut found = Vec::new();
    let settings: Vec<&Setting> = unit
        .settings
        .iter()
        .filter(|one| is_of(one, row.network))
        .collect();
    for setting in &settings {
        let said = said_of(setting, machine, unit);
        let is = gap.is.as_deref().is_some_and(|is| {
            let mut words = setting.value.split_whitespace();
            same(&setting.value, is) || words.any(|word| same(word, is))
        });
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
    found.extend(misspelt(row, machine, unit).map(|one| (Rank::Misspelt, one)));
    found.extend(missing(gap, row, machine, unit).map(|one| (Rank::Missing, one)));
    found
}

/// Most edits between a value and the one that it was meant to be.
const LIKELY: usize = 8;

/// What networkd said of a line.
fn said_of<'m>(setting: &Setting, machine: &UnitMachine<'m>, unit: &Unit) -> Option<&'m UnitSaid> {
    let line = setting.key_place.position().0;
    let is_it = |said: &&UnitSaid| said.file == unit.name && said.line == Some(line);
    machine.said.iter().find(is_it)
}

fn of_setting(
    gap: &Gap,
    machine: &UnitMachine<'_>,
    unit: &Unit,
    setting: &Setting,
    said: Option<&UnitSaid>,
) -> Located {
    let line = says(gap, unit, setting, None);
    let Some(said) = said else {
        return line;
    };
    let Setting { key, value, .. } = setting;
    Located {
        code: Some(Code::UnitInvalid),
        statement: Some(format!(
            "networkd of {} does not take `{key}={value}` of `{}`: {}",
            machine.name, unit.name, said.words
        )),
        evidence: vec![log_of(machine, said)],
        ..line
    }
}

/// A line whose key networkd does not know, and is nearly one that could make the gap; or one in the wrong section.
fn misspelt(row: &Row, machine: &UnitMachine<'_>, unit: &Unit) -> Option<Located> {
    let sections = unit.kind.sections();
    let unknown = |setting: &&Setting| {
        let known = sections.get(setting.section.as_str());
        !known.is_some_and(|keys| keys.contains_key(setting.key.as_str()))
    };
    unit.settings.iter().filter(unknown).find_map(|setting| {
        let keys = row.network.iter().map(|(_, key)| *key);
        let meant = did_you_mean::nearest(&setting.key, keys)?;
        let edit = with_key(setting, meant);
        let Setting { key, section, .. } = setting;
        Some(Located {
            code: Some(Code::UnitInvalid),
            statement: Some(format!("`{}` has no `{meant}=`, but `{key}=` in [{section}], which networkd of {} does not know", unit.name, machine.name)),
            place: Some(At::of(&setting.key_place)),
            evidence: Vec::new(),
            remedy: edit.map(|edit| Remedy {
                statement: format!("write `{meant}=`"),
                source: None,
                edits: vec![edit],
            }),
        })
    })
}

/// Whether a value is one that this key takes. A gap's words can be about something that no single line says.
fn fits(key: &str, value: &str) -> bool {
    match key {
        "Address" => value.parse::<IpNet>().is_ok(),
        "Gateway" | "DNS" => value.parse::<IpAddr>().is_ok(),
        "MTUBytes" | "PVID" => value.parse::<u32>().is_ok(),
        "MACAddress" => value.split(':').count() == 6,
        "Bridge" => !value.contains([' ', '/', '.']),
        _ => same(value, "yes") || same(value, "no"),
    }
}

/// That the unit lacks a line: at the head of the section that it belongs into, or of the file.
fn missing(gap: &Gap, row: &Row, machine: &UnitMachine<'_>, unit: &Unit) -> Option<Located> {
    if gives_what_is_needed(gap, row, unit) {
        return None;
    }
    let (section, key) = row.network.first()?;
    if !gap
        .needed
        .as_deref()
        .is_some_and(|needed| fits(key, needed))
    {
        return None;
    }
    let of_section = |one: &&Setting| one.section == *section;
    let last = unit.settings.iter().rev().find(of_section);
    let place = last.map(|one| &one.value_place).or(unit.head.as_ref())?;
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
        place: Some(At::of(place)),
        evidence: Vec::new(),
        remedy: edit.map(|edit| Remedy {
            statement: format!("add `{line}` to [{section}]"),
            source: None,
            edits: vec![edit],
        }),
    })
}
