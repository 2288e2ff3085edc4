//! `.link` files on machines that are namespaces: udev reads them, and there is none.

use super::links::{of_guest, of_machine};
use crate::networkd::{Links, Matches, Setting, Unit};
use crate::scenario::error::{Fault, code};
use crate::scenario::names::MachineName;
use crate::scenario::{Scenario, UnitFile};

/// What udev would do by this unit, a warning for each line.
pub(super) fn warnings(unit: &Unit, machine: &MachineName) -> Vec<Fault> {
    let warn = |setting: &Setting| {
        let message = format!("`{}=` has no effect on `{machine}`", setting.key);
        let label = "udev would do it, and a machine that is a namespace has none";
        let help = match setting.key.as_str() {
            "Name" | "NamePolicy" => Some(
                "a machine that boots would have the link by another name: what is seen here is not seen there"
                    .to_owned(),
            ),
            _ => None,
        };
        let fault = Fault::new(&setting.key_place, code::UNIT_UDEV, message, label);
        fault.help(help)
    };
    unit.udev_effects().map(warn).collect()
}

/// What a run on this machine would do otherwise than one that booted, a sentence for each line: `.link` files of machines
/// that are namespaces.
pub fn not_applied(scenario: &Scenario) -> Vec<String> {
    let mut found = Vec::new();
    for (name, machine) in &scenario.machines {
        let files = machine.networkd.as_deref().unwrap_or_default();
        let links = of_machine(scenario, name, machine, files);
        found.extend(lines(files, &links).map(|line| format!("{line} of {name}")));
    }
    found
}

/// The same of a ghost in the place of that guest, where the guest itself has udev.
pub fn not_applied_in_a_ghost(scenario: &Scenario, name: &MachineName) -> Vec<String> {
    let Some(guest) = scenario.guests.get(name) else {
        return Vec::new();
    };
    let links = of_guest(scenario, name, guest);
    lines(&guest.units, &links).collect()
}

/// The lines that udev would act on of units which may match a link.
fn lines(files: &[UnitFile], links: &Links) -> impl Iterator<Item = String> {
    let units = Unit::all(files).into_iter().filter(|unit| {
        let mut all = links.all.iter();
        all.any(|link| unit.matches(links, link) != Matches::No)
    });
    units.flat_map(|unit| {
        let effects = unit.udev_effects();
        let said = effects.map(|one| format!("{}: {}={}", unit.name, one.key, one.value));
        said.collect::<Vec<_>>()
    })
}
