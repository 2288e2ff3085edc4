//! What a line of a unit file says that is to blame.

use super::at::with_value;
use super::located::Located;
use super::machine::UnitMachine;
use crate::diagnosis::finding::{At, Evidence, Remedy};
use crate::diagnosis::gap::Gap;
use crate::host::networkd_said::UnitSaid;
use crate::networkd::{Setting, Unit};

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
        machine: machine.name.to_owned(),
        command: "journalctl -u systemd-networkd".to_owned(),
        file: None,
    }
}
