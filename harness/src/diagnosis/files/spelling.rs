//! Keys and sections of unit files that networkd does not know, and the ones that were meant.

use super::at::with_key;
use super::located::Located;
use super::machine::UnitMachine;
use super::setting::{Keys, head_of};
use crate::diagnosis::code::Code;
use crate::diagnosis::finding::{At, Remedy};
use crate::did_you_mean;
use crate::networkd::{Setting, Unit};

/// A line whose key networkd does not know, and is nearly one that could make the gap; or one in the wrong section.
pub(super) fn misspelt(keys: &Keys, machine: &UnitMachine<'_>, unit: &Unit) -> Option<Located> {
    let sections = unit.kind.sections();
    let unknown = |setting: &&Setting| {
        let known = sections.get(setting.section.as_str());
        !known.is_some_and(|keys| keys.contains_key(setting.key.as_str()))
    };
    unit.settings.iter().filter(unknown).find_map(|setting| {
        let known = keys.iter().map(|(_, key)| *key);
        let meant = did_you_mean::nearest(&setting.key, known)?;
        let edit = (setting.key != meant).then(|| with_key(setting, meant)).flatten();
        let Setting { key, section, .. } = setting;
        Some(Located {
            code: Some(Code::UnitInvalid),
            statement: Some(format!("`{}` has no `{meant}=`, but `{key}=` in [{section}], which networkd of {} does not know", unit.name, machine.name)),
            place: match sections.contains_key(section.as_str()) {
                true => Some(At::of(&setting.key_place)),
                // The section is what is wrong.
                false => head_of(unit, section),
            },
            evidence: Vec::new(),
            remedy: edit.map(|edit| Remedy {
                statement: format!("write `{meant}=`"),
                source: None,
                edits: vec![edit],
            }),
        })
    })
}

/// A key of `[Match]` that networkd does not know, with the link's name as its value.
pub(super) fn misspelt_match(
    unit: &Unit,
    machine: &UnitMachine<'_>,
    name: &str,
) -> Option<Located> {
    let known = unit.kind.sections().get("Match")?;
    let unknown = |one: &&Setting| {
        one.section == "Match"
            && !known.contains_key(one.key.as_str())
            && fits_name(&one.value, name)
    };
    let setting = unit.settings.iter().find(unknown)?;
    let meant = did_you_mean::nearest(&setting.key, known.keys().copied())?;
    let edit = with_key(setting, meant);
    Some(Located {
        code: Some(Code::UnitInvalid),
        statement: Some(format!(
            "`{}` has `{}={}` in [Match], which networkd of {} does not know",
            unit.name, setting.key, setting.value, machine.name
        )),
        place: Some(At::of(&setting.key_place)),
        evidence: Vec::new(),
        remedy: edit.map(|edit| Remedy {
            statement: format!("write `{meant}=`"),
            source: None,
            edits: vec![edit],
        }),
    })
}

/// Whether one of some patterns is for a name: by its letters before the first wildcard.
fn fits_name(patterns: &str, name: &str) -> bool {
    let mut patterns = patterns.split_whitespace();
    patterns.any(|pattern| match pattern.split_once(['*', '?', '[']) {
        Some((begin, _)) => name.starts_with(begin),
        None => pattern == name,
    })
}
