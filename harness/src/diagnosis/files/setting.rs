//! What a line of a unit file says that is to blame.

use super::at::with_value;
use super::located::Located;
use super::machine::UnitMachine;
use crate::diagnosis::code::Code;
use crate::diagnosis::finding::{At, Evidence, Remedy};
use crate::diagnosis::gap::Gap;
use crate::host::networkd_said::UnitSaid;
use crate::networkd::{Setting, Unit};
use crate::place::Place;

/// Sections and keys of unit files.
pub(super) type Keys = [(&'static str, &'static str)];

/// Whether an assignment is of one of these sections and keys.
pub(super) fn is_of(setting: &Setting, keys: &[(&str, &str)]) -> bool {
    let mut keys = keys.iter();
    keys.any(|(section, key)| setting.section == *section && setting.key == *key)
}

/// A line that says something else than what is needed; the remedy, by `source`, is the value that is needed.
pub(super) fn says(gap: &Gap, unit: &Unit, setting: &Setting, source: Option<&str>) -> Located {
    let Setting { key, value, .. } = setting;
    let name = &unit.name;
    let needed = gap.needed.as_deref();
    let statement = match needed {
        Some(needed) => format!("`{name}` says `{key}={value}`, and `{needed}` is needed"),
        None => format!("`{name}` says `{key}={value}`"),
    };
    let edit = needed.and_then(|needed| with_value(setting, needed));
    Located {
        code: None,
        statement: Some(statement),
        place: Some(At::of(&setting.value_place)),
        evidence: Vec::new(),
        remedy: edit.map(|edit| Remedy {
            statement: format!("write `{}`", edit.to.trim()),
            source: source.map(ToOwned::to_owned),
            edits: vec![edit],
        }),
    }
}

/// What networkd said, as evidence.
pub(super) fn log_of(machine: &UnitMachine<'_>, said: &UnitSaid) -> Evidence {
    Evidence {
        fact: format!("networkd says: {}", said.words),
        machine: machine.name.clone(),
        command: "journalctl -u systemd-networkd".to_owned(),
        file: None,
    }
}

/// The header of a section of a unit, where nothing stands below it; that of the unit where there is no such header.
pub(super) fn head_of(unit: &Unit, section: &str) -> Option<At> {
    let head = unit.head.as_ref()?;
    let text = &head.source.text;
    let header = format!("[{section}]");
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.trim() == header {
            let span = start..start + header.len();
            let source = head.source.clone();
            return Some(At::of(&Place { source, span }));
        }
        start += line.len();
    }
    Some(At::of(head))
}

/// What networkd said of a line.
pub(super) fn said_of<'m>(
    setting: &Setting,
    machine: &UnitMachine<'m>,
    unit: &Unit,
) -> Option<&'m UnitSaid> {
    let line = setting.key_place.position().0;
    let is_it = |said: &&UnitSaid| said.file == unit.name && said.line == Some(line);
    machine.said.iter().find(is_it)
}

pub(super) fn of_setting(
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
