//! Why a unit file does not match a link.

use super::at::with_value;
use super::located::Located;
use super::machine::UnitMachine;
use super::value::same;
use crate::diagnosis::code::Code;
use crate::diagnosis::finding::{At, Evidence, Remedy};
use crate::networkd::{KeyMatch, Link, Matches, Setting, Unit};

/// Who says which links a unit matches.
const MAN: &str = "systemd.network(5), [MATCH] SECTION OPTIONS";

/// A key of `[Match]` that keeps a unit from a link.
fn failing<'u>(unit: &'u Unit, machine: &UnitMachine<'_>, link: &Link) -> Vec<KeyMatch<'u>> {
    let keys = unit.match_by_key(&machine.links, link).into_iter();
    keys.filter(|key| key.matches == Matches::No).collect()
}

/// As [`nearest_of`], of units whose words have something in common with the link: whose words are all others, is meant for another.
pub(super) fn nearest<'u>(
    units: impl IntoIterator<Item = &'u Unit>,
    machine: &UnitMachine<'_>,
    link: &Link,
    name: &str,
) -> Option<(&'u Unit, &'u Setting)> {
    let near = |(_, setting): &(&Unit, &Setting)| {
        setting.key != "Name"
            || setting.value.split_whitespace().any(|word| {
                let literal = word.split(['*', '?', '[']).next().unwrap_or_default();
                edits(word, name) * 2 <= literal.chars().count()
            })
    };
    nearest_of(units, machine, link, name).filter(near)
}

/// Of the units that a link could be meant for, the one that fails at the fewest keys of its `[Match]`, and of these the one
/// whose words are nearest to the link's name.
pub(super) fn nearest_of<'u>(
    units: impl IntoIterator<Item = &'u Unit>,
    machine: &UnitMachine<'_>,
    link: &Link,
    name: &str,
) -> Option<(&'u Unit, &'u Setting)> {
    let mut found = Vec::new();
    // Who would leave the link alone was not meant for it.
    let configures = |unit: &&Unit| {
        let value = unit.last("Link", "Unmanaged");
        !value.is_some_and(|value| same(value, "yes"))
    };
    for unit in units.into_iter().filter(configures) {
        let failing = failing(unit, machine, link);
        let settings = failing.iter().flat_map(|key| key.settings.iter().copied());
        let words = |setting: &Setting| {
            let words = setting.value.split_whitespace();
            words.map(|word| edits(word, name)).min()
        };
        let near = settings.map(|setting| (words(setting).unwrap_or(usize::MAX), setting));
        if let Some((edits, setting)) = near.min_by_key(|(edits, _)| *edits) {
            found.push((failing.len(), edits, unit, setting));
        }
    }
    let best = found
        .into_iter()
        .min_by_key(|(keys, edits, ..)| (*keys, *edits));
    best.map(|(_, _, unit, setting)| (unit, setting))
}

/// Edits between a pattern and a name, of which a pattern that ends in `*` says only the beginning.
fn edits(pattern: &str, name: &str) -> usize {
    match pattern.split_once(['*', '?', '[']) {
        Some((literal, _)) => {
            let beginning: String = name.chars().take(literal.chars().count()).collect();
            strsim::osa_distance(literal, &beginning)
        }
        None => strsim::osa_distance(pattern, name),
    }
}

/// "No unit matches the link", by the unit that was most likely meant to.
pub(super) fn not_matched(
    unit: &Unit,
    setting: &Setting,
    machine: &UnitMachine<'_>,
    link: &str,
) -> Located {
    let Setting { key, value, .. } = setting;
    let name = &unit.name;
    let statement = format!(
        "`{key}={value}` of `{name}` does not match `{link}`, so networkd of {} leaves it alone",
        machine.name
    );
    let edit = match key.as_str() {
        "Name" => with_value(setting, &format!("{value} {link}")),
        _ => None,
    };
    Located {
        code: Some(Code::UnitNotMatched),
        statement: Some(statement),
        place: Some(At::of(&setting.value_place)),
        evidence: vec![no_unit(machine, link)],
        remedy: edit.map(|edit| Remedy {
            statement: format!("let `{name}` match `{link}`"),
            source: Some(MAN.to_owned()),
            edits: vec![edit],
        }),
    }
}

/// "Another unit matches the link first."
pub(super) fn taken_by(
    first: &Unit,
    meant: &Unit,
    machine: &UnitMachine<'_>,
    link: &str,
) -> Option<Located> {
    let setting = *first.match_settings().first()?;
    let (winner, loser) = (&first.name, &meant.name);
    let Setting { key, value, .. } = setting;
    let statement = format!(
        "`{winner}` matches `{link}` by `{key}={value}` and sorts before `{loser}`, which networkd of {} therefore does not take",
        machine.name
    );
    Some(Located {
        code: Some(Code::UnitWrongMatch),
        statement: Some(statement),
        place: Some(At::of(&setting.value_place)),
        evidence: vec![Evidence {
            fact: format!("networkd has applied `{winner}` to `{link}`"),
            machine: machine.name.clone(),
            command: format!("networkctl status {link}"),
            file: None,
        }],
        remedy: None,
    })
}

fn no_unit(machine: &UnitMachine<'_>, link: &str) -> Evidence {
    Evidence {
        fact: format!("networkd has applied no unit to `{link}`"),
        machine: machine.name.clone(),
        command: format!("networkctl status {link}"),
        file: None,
    }
}
