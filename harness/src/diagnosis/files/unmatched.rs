//! Why no unit is applied to a link, or a unit to no link.

use super::located::Located;
use super::machine::UnitMachine;
use super::matching::{nearest, not_matched};
use super::setting::log_of;
use super::spelling::misspelt_match;
use super::value::same;
use crate::diagnosis::code::Code;
use crate::diagnosis::finding::At;
use crate::diagnosis::gap::Gap;
use crate::networkd::{Link, Matches, Setting, Unit};

/// The unit that was most likely meant for a link which none is applied to: one that matches it and leaves it alone, one without
/// `[Match]`, or the one whose `[Match]` is nearest.
pub(super) fn not_matching(gap: &Gap, machine: &UnitMachine<'_>) -> Option<Located> {
    let name = gap.link.as_deref()?;
    let link = machine.link(name)?;
    left_alone(machine, link, name)
        .or_else(|| {
            machine
                .networks()
                .find_map(|unit| misspelt_match(unit, machine, name))
        })
        .or_else(|| machine.networks().find_map(|unit| no_match(unit, machine)))
        .or_else(|| {
            let (unit, setting) = nearest(machine.networks(), machine, link, name)?;
            Some(not_matched(unit, setting, machine, name))
        })
}

/// The `Unmanaged=yes` of the first unit that matches a link.
pub(super) fn left_alone(machine: &UnitMachine<'_>, link: &Link, name: &str) -> Option<Located> {
    let mut units = machine.networks();
    let unit = units.find(|unit| unit.matches(&machine.links, link) != Matches::No)?;
    let unmanaged = |one: &&Setting| one.section == "Link" && one.key == "Unmanaged";
    let setting = unit.settings.iter().rev().find(unmanaged)?;
    same(&setting.value, "yes").then(|| Located {
        code: Some(Code::UnitSetting),
        statement: Some(format!(
            "`{}` matches `{name}` and says `Unmanaged={}`, so networkd of {} leaves it alone",
            unit.name, setting.value, machine.name
        )),
        place: Some(At::of(&setting.value_place)),
        evidence: Vec::new(),
        remedy: None,
    })
}

/// That a unit is applied to no link: by the first line of its `[Match]`, or since it has none.
pub(super) fn unapplied(unit: &Unit, machine: &UnitMachine<'_>) -> Option<Located> {
    if machine.links.all.is_empty() || !machine.answered() {
        return None;
    }
    let Some(setting) = unit.match_settings().first().copied() else {
        return no_match(unit, machine);
    };
    let Setting { key, value, .. } = setting;
    Some(Located {
        code: Some(Code::UnitNotMatched),
        statement: Some(format!(
            "`{key}={value}` of `{}` matches no link of {}",
            unit.name, machine.name
        )),
        place: Some(At::of(&setting.value_place)),
        evidence: Vec::new(),
        remedy: None,
    })
}

/// A unit without `[Match]`, which networkd passes over (systemd.network(5)).
pub(super) fn no_match(unit: &Unit, machine: &UnitMachine<'_>) -> Option<Located> {
    if !unit.match_settings().is_empty() {
        return None;
    }
    let place = At::of(unit.head.as_ref()?);
    let mut said = machine.said.iter();
    let said = said.find(|said| said.file == unit.name);
    Some(Located {
        code: Some(Code::UnitInvalid),
        statement: Some(format!(
            "`{}` of {} has nothing in [Match], so networkd passes it over",
            unit.name, machine.name
        )),
        place: Some(place),
        evidence: said.map(|said| log_of(machine, said)).into_iter().collect(),
        remedy: None,
    })
}
