//! Why a link that networkd makes is not there, or not as it is needed.

use super::at::with_value;
use super::located::Located;
use super::machine::UnitMachine;
use super::rows;
use super::setting::{is_of, log_of, says};
use super::value::same;
use crate::diagnosis::code::Code;
use crate::diagnosis::finding::{At, Edit, Remedy};
use crate::diagnosis::gap::Gap;
use crate::did_you_mean;
use crate::networkd::{Setting, Unit, UnitKind};

/// The line of a `.netdev` that makes the gap.
pub(super) fn link(gap: &Gap, machine: &UnitMachine<'_>) -> Vec<Located> {
    let row = rows::of(gap.code);
    let Some(name) = gap.link.as_deref().filter(|_| !row.netdev.is_empty()) else {
        return Vec::new();
    };
    let netdevs = machine.units.iter();
    let netdevs: Vec<&Unit> = netdevs
        .filter(|unit| unit.kind == UnitKind::Netdev)
        .collect();
    let own = netdevs
        .iter()
        .find(|unit| unit.last("NetDev", "Name") == Some(name));
    match own {
        Some(unit) => {
            let about = |key: &&(&str, &str)| gap.key.as_deref() == Some(key.1);
            let own: Vec<_> = row.netdev.iter().filter(about).copied().collect();
            let keys = if own.is_empty() { row.netdev } else { &own };
            in_unit(gap, keys, machine, unit)
        }
        None if gap.code == Code::LinkAbsent => {
            let mut found: Vec<Located> = wanted_by(name, machine).into_iter().collect();
            if let Some((made, one)) = other_name(name, &netdevs) {
                // Who asks for the name alone, while others have that of the .netdev, has the wrong one.
                let at = usize::from(named(made, machine) > 0 && named(name, machine) < 2);
                found.insert(at.min(found.len()), one);
            }
            found
        }
        None => Vec::new(),
    }
}

fn in_unit(
    gap: &Gap,
    keys: &[(&str, &str)],
    machine: &UnitMachine<'_>,
    unit: &Unit,
) -> Vec<Located> {
    let mut found: Vec<Located> = Vec::new();
    for said in machine.said.iter().filter(|said| said.file == unit.name) {
        let line = |one: &&Setting| said.line == Some(one.key_place.position().0);
        let place = match unit.settings.iter().find(line) {
            Some(setting) => Some(&setting.value_place),
            None => unit.head.as_ref(),
        };
        found.extend(place.map(|place| Located {
            code: Some(Code::UnitInvalid),
            statement: Some(format!(
                "networkd of {} says of `{}`: {}",
                machine.name, unit.name, said.words
            )),
            place: Some(At::of(place)),
            evidence: vec![log_of(machine, said)],
            remedy: None,
        }));
    }
    let needed = |setting: &Setting| {
        let needed = gap.needed.as_deref();
        needed.is_some_and(|needed| same(&setting.value, needed))
    };
    // The name is right, or this were not the unit.
    let blamed =
        |setting: &&Setting| is_of(setting, keys) && !needed(setting) && setting.key != "Name";
    let own = unit.settings.iter().filter(blamed);
    found.extend(own.map(|setting| says(gap, unit, setting, Some("systemd.netdev(5)"))));
    if found.is_empty() {
        found.extend(no_kind(unit, gap));
    }
    found
}

/// A `.netdev` without `Kind=`.
fn no_kind(unit: &Unit, gap: &Gap) -> Option<Located> {
    if unit.last("NetDev", "Kind").is_some() {
        return None;
    }
    let place = unit
        .settings
        .last()
        .map(|one| &one.value_place)
        .or(unit.head.as_ref())?;
    let needed = gap.needed.as_deref().unwrap_or("bridge");
    Some(Located {
        code: None,
        statement: Some(format!("`{}` has no `Kind={needed}`", unit.name)),
        place: Some(At::of(place)),
        evidence: Vec::new(),
        remedy: None,
    })
}

/// A `.netdev` that makes a link with nearly that name; or the only one, which then makes another.
fn other_name<'u>(name: &str, netdevs: &[&'u Unit]) -> Option<(&'u str, Located)> {
    let named: Vec<(&'u str, &'u Unit)> = netdevs
        .iter()
        .filter_map(|unit| Some((unit.last("NetDev", "Name")?, *unit)))
        .collect();
    let near = did_you_mean::nearest(name, named.iter().map(|(name, _)| *name));
    let (_, unit) = named.iter().find(|(known, _)| Some(*known) == near)?;
    let is_name = |one: &&Setting| one.section == "NetDev" && one.key == "Name";
    let setting = unit.settings.iter().rev().find(is_name)?;
    let edit = with_value(setting, name);
    let located = Located {
        code: None,
        statement: Some(format!(
            "`{}` makes `{}`, and no unit makes `{name}`",
            unit.name, setting.value
        )),
        place: Some(At::of(&setting.value_place)),
        evidence: Vec::new(),
        remedy: edit.map(|edit| Remedy {
            statement: format!("write `Name={name}`"),
            source: Some("systemd.netdev(5)".to_owned()),
            edits: vec![edit],
        }),
    };
    Some((&setting.value, located))
}

/// How many lines of `.network` files have to do with a link of this name.
fn named(name: &str, machine: &UnitMachine<'_>) -> usize {
    let of_match = |one: &&Setting| one.section == "Match" && one.key == "Name";
    let names = |one: &&Setting| {
        let of_network = one.section == "Network" && NAMES.contains(&one.key.as_str());
        let mut words = one.value.split_whitespace();
        (of_network || of_match(one)) && words.any(|word| word == name)
    };
    let settings = machine.networks().flat_map(|unit| &unit.settings);
    settings.filter(names).count()
}

/// Keys of `.network` files that name a link which networkd must have.
const NAMES: [&str; 9] = [
    "Bridge", "Bond", "VRF", "VLAN", "MACVLAN", "MACVTAP", "IPVLAN", "VXLAN", "Tunnel",
];

/// The first line that names a link which nothing makes.
fn wanted_by(name: &str, machine: &UnitMachine<'_>) -> Option<Located> {
    let names = |setting: &&Setting| {
        setting.section == "Network"
            && NAMES.contains(&setting.key.as_str())
            && setting.value.split_whitespace().any(|word| word == name)
    };
    machine.networks().find_map(|unit| {
        let setting = unit.settings.iter().find(names)?;
        Some(Located {
            code: None,
            statement: Some(format!(
                "`{}` says `{}={}`, and no .netdev of {} makes `{name}`",
                unit.name, setting.key, setting.value, machine.name
            )),
            place: Some(At::of(&setting.value_place)),
            evidence: Vec::new(),
            remedy: made(name, setting, unit, machine),
        })
    })
}

/// A `.netdev` that makes the link, where the line says of which kind it is.
fn made(name: &str, setting: &Setting, unit: &Unit, machine: &UnitMachine<'_>) -> Option<Remedy> {
    let kind = match setting.key.as_str() {
        "Bridge" => "bridge",
        "Bond" => "bond",
        _ => return None,
    };
    let folder = machine.file(&unit.name)?.shown.parent()?.to_owned();
    let file = format!("{name}.netdev");
    Some(Remedy {
        statement: format!("put a `{file}` beside it, which makes `{name}`"),
        source: Some("systemd.netdev(5)".to_owned()),
        edits: vec![Edit {
            file: folder.join(file),
            line: None,
            from: String::new(),
            to: format!("[NetDev]\nName={name}\nKind={kind}\n"),
        }],
    })
}
