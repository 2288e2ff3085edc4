//! What is doubtful about unit files: what networkd would pass over in silence, or would not do here.
//!
//! None of it makes a scenario invalid: reporters' files are taken as they are. So they are warnings, drawn on the unit file's
//! own line.

mod asked;
mod comes;
mod file;
mod keys;
mod link_kind;
mod links;
mod matching;
mod named;
mod nothing;
mod spelling;
mod syntax;
mod text;
mod two_files;
mod udev;
mod unit;

pub use asked::{Asked, asked};
pub use comes::{is_of_a_module_of_docker, may_come};
pub use file::{NETWORKD_CONF, UnitFile};
pub use keys::UnitKind;
pub use syntax::settings;
pub use udev::{not_applied, not_applied_in_a_ghost};

use std::collections::BTreeMap;

use self::links::{Links, changes, written};
use self::matching::{Matches, matches};
use self::nothing::matches_nothing;
use self::text::Text;
use self::unit::Unit;
use super::action::Change;
use super::error::{Fault, code};
use super::file::Place;
use super::provides::Provides;
use super::{Scenario, VantagePoint};

/// Units that are meant to be as they are: the place they are at, and the name with where it stands.
pub(super) type Meant = Vec<(VantagePoint, String, Place)>;

/// All warnings about a scenario's unit files.
pub(super) fn warnings(scenario: &Scenario, meant: &Meant) -> Vec<Fault> {
    let mut found = Vec::new();
    for (place, units, links) in places(scenario) {
        let mut of_place: Vec<(String, Fault)> = Vec::new();
        for file in units.iter().chain(written(scenario, &place)) {
            let of = file.drop_in_of().unwrap_or(&file.name);
            if let Some(kind) = UnitKind::of(of) {
                let misspelt = spelling::misspelt(&Text::of(file), kind);
                of_place.extend(misspelt.into_iter().map(|fault| (of.to_owned(), fault)));
            }
        }
        of_place.extend(about_links(scenario, &place, units, &links));
        of_place.retain(|(unit, _)| {
            let is = |(at, name, _): &(VantagePoint, String, Place)| *at == place && name == unit;
            !meant.iter().any(is)
        });
        found.extend(of_place.into_iter().map(|(_, fault)| fault));
        for (_, name, written_at) in meant.iter().filter(|(at, ..)| *at == place) {
            let mut files = units.iter().chain(written(scenario, &place));
            if !files.any(|file| file.name == *name) {
                let message = format!("`faulty_units` names `{name}`, which is not there");
                let label = "no such unit file".to_owned();
                found.push(Fault::new(written_at, code::UNIT_FILE, message, label).warning());
            }
        }
    }
    found.sort_by(|a, b| a.order().cmp(&b.order()));
    found
}

/// Where unit files are, with those that are there from the beginning, and the links there.
fn places(scenario: &Scenario) -> Vec<(VantagePoint, &[UnitFile], Links)> {
    let machines = scenario.machines.iter().filter_map(|(name, machine)| {
        let units = machine.networkd.as_deref()?;
        let links = Links::of_machine(scenario, name, machine, units);
        Some((VantagePoint::Machine(name.clone()), units, links))
    });
    let guests = scenario.guests.iter();
    let guests = guests.filter(|(_, guest)| Provides::of(&guest.image).networkd);
    let guests = guests.map(|(name, guest)| {
        let links = Links::of_guest(scenario, name, guest);
        (
            VantagePoint::Guest(name.clone()),
            guest.units.as_slice(),
            links,
        )
    });
    machines.chain(guests).collect()
}

/// What the units of one place have to do with its links; each with its unit's name.
fn about_links(
    scenario: &Scenario,
    place: &VantagePoint,
    files: &[UnitFile],
    links: &Links,
) -> Vec<(String, Fault)> {
    let mut found = Vec::new();
    let first = Unit::all(files);
    let later = written(scenario, place).map(|file| (file.name.clone(), file));
    let later = Unit::all(later.collect::<BTreeMap<_, _>>().into_values());
    for unit in first.iter().chain(&later) {
        let Some(head) = &unit.head else {
            let there = first
                .iter()
                .any(|one| one.name == unit.name && one.head.is_some());
            if let Some(at) = unit.drop_in.as_ref().filter(|_| !there) {
                let message = format!(
                    "there is no `{}` that this would be a drop-in of",
                    unit.name
                );
                let label = "networkd reads it only if the distribution has such a unit".to_owned();
                let fault = Fault::new(at, code::UNIT_FILE, message, label).warning();
                found.push((unit.name.clone(), fault));
            }
            continue;
        };
        let warn = |fault: Fault| (unit.name.clone(), fault.warning());
        if unit.kind == UnitKind::Netdev {
            continue;
        }
        if unit.matches().is_empty() {
            let key = match unit.kind {
                UnitKind::Link => "OriginalName",
                _ => "Name",
            };
            let message = format!("`{}` has no valid setting in [Match]", unit.name);
            let label = "networkd ignores the file".to_owned();
            let fault = Fault::new(head, code::UNIT_MATCH, message, label);
            found.push(warn(fault.help(format!("to match every link: `{key}=*`"))));
            continue;
        }
        let none = links
            .all
            .iter()
            .all(|link| matches(unit, links, link) == Matches::No);
        if none && !links.open {
            found.push(warn(matches_nothing(unit, head, place, links)));
        } else if let VantagePoint::Machine(machine) = place {
            found.extend(udev::warnings(unit, machine).into_iter().map(warn));
        }
    }
    // Which of two wins is told of what is there from the beginning; what steps write is there to change it.
    let of_units = |change: Change<'_>| match change {
        Change::WritesUnit { on, .. } | Change::RemovesUnit { on } => on == place,
        _ => false,
    };
    if !changes(scenario).any(of_units) {
        found.extend(two_files::warnings(&first, links));
    }
    found
}

#[cfg(test)]
mod tests;
