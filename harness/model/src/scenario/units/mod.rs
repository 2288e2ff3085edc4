//! What is doubtful about unit files: what networkd would pass over in silence, or would not do here.
//!
//! None of it makes a scenario invalid: reporters' files are taken as they are. So they are warnings, drawn on the unit file's
//! own line.

mod asked;
mod comes;
mod links;
mod udev;

pub use asked::{Asked, asked};
pub use comes::{is_of_a_module_of_docker, may_come};
pub use udev::{not_applied, not_applied_in_a_ghost};

use std::collections::BTreeMap;

use self::links::{changes, of_guest, of_machine, written};
use super::action::Change;
use super::error::{Fault, code};
use super::file::Place;
use super::provides::Provides;
use super::validate::Meant;
use super::{Scenario, UnitFile, VantagePoint};
use crate::networkd::{
    Links, Matches, Unit, UnitKind, matches_nothing, misspelt, two_files, without_match,
};

/// All warnings about a scenario's unit files.
pub(super) fn warnings(scenario: &Scenario, meant: &Meant) -> Vec<Fault> {
    let mut found = Vec::new();
    for (place, units, links) in places(scenario) {
        let mut of_place: Vec<(String, Fault)> = Vec::new();
        for file in units.iter().chain(written(scenario, &place)) {
            let of = file.unit();
            if let Some(kind) = UnitKind::of(of) {
                let misspelt = misspelt(file, kind).into_iter();
                of_place.extend(misspelt.map(|warning| (of.to_owned(), warning.into())));
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
                let label = "no such unit file";
                found.push(Fault::new(written_at, code::UNIT_FILE, message, label).warning());
            }
        }
    }
    found.sort_by(|a, b| a.order().cmp(&b.order()));
    found
}

/// Where unit files are, with those that are there from the beginning, and the links there.
pub fn places(scenario: &Scenario) -> Vec<(VantagePoint, &[UnitFile], Links)> {
    let machines = scenario.machines.iter().filter_map(|(name, machine)| {
        let units = machine.networkd.as_deref()?;
        let links = of_machine(scenario, name, machine, units);
        Some((VantagePoint::Machine(name.clone()), units, links))
    });
    let guests = scenario.guests.iter();
    let guests = guests.filter(|(_, guest)| Provides::of(&guest.image).networkd);
    let guests = guests.map(|(name, guest)| {
        let links = of_guest(scenario, name, guest);
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
                let label = "networkd reads it only if the distribution has such a unit";
                let fault = Fault::new(at, code::UNIT_FILE, message, label).warning();
                found.push((unit.name.clone(), fault));
            }
            continue;
        };
        if unit.kind == UnitKind::Netdev {
            continue;
        }
        if unit.match_settings().is_empty() {
            found.push((unit.name.clone(), without_match(unit, head).into()));
            continue;
        }
        let mut all = links.all.iter();
        let none = all.all(|link| unit.matches(links, link) == Matches::No);
        if none && !links.open {
            let owner = match place {
                VantagePoint::Machine(name) => format!("machine `{name}`"),
                other => format!("guest `{other}`"),
            };
            let warning = matches_nothing(unit, head, &owner, links);
            found.push((unit.name.clone(), warning.into()));
        } else if let VantagePoint::Machine(machine) = place {
            let udev = udev::warnings(unit, machine).into_iter();
            found.extend(udev.map(|fault| (unit.name.clone(), fault.warning())));
        }
    }
    // Which of two wins is told of what is there from the beginning; what steps write is there to change it.
    let of_units = |change: Change<'_>| match change {
        Change::WritesUnit { on, .. } | Change::RemovesUnit { on } => on == place,
        _ => false,
    };
    if !changes(scenario).any(of_units) {
        let warnings = two_files(&first, links).into_iter();
        found.extend(warnings.map(|(unit, warning)| (unit, warning.into())));
    }
    found
}
