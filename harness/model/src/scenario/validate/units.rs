//! The unit files of machines and guests.

use std::path::Path;

use super::Context;
use super::unit_folders::{HOLDS, Problem, UnitFolder};
use crate::networkd::looks_like_a_unit;
use crate::scenario::error::{Fault, code};
use crate::scenario::keys::requires;
use crate::scenario::names::MachineName;
use crate::scenario::read::{At, Reader};
use crate::scenario::{UnitFile, VantagePoint};

/// The unit files of the folder that `key` names, less those in `without_units`; `owner` is the machine or guest.
pub(crate) fn units<'a>(
    context: &Context<'a>,
    reader: &Reader<'a>,
    key: &str,
    owner: &str,
) -> Option<Vec<UnitFile>> {
    meant(context, reader, key, owner);
    let without = reader.texts("without_units");
    let Some(folder) = reader.text(key) else {
        let rules = requires::UNITS.iter().filter(|rule| rule.other == key);
        rules.for_each(|rule| reader.requires(rule));
        return None;
    };
    if context.is_absolute(&folder, key, code::BAD_VALUE) {
        return None;
    }
    let read = context.units.read(context.files, Path::new(folder.value));
    for Problem {
        code,
        message,
        label,
        help,
    } in &read.problems
    {
        let told = (context.faults).report(folder.place, code, message, *label);
        told.help_if(help.clone());
    }
    for name in read
        .passed_over
        .iter()
        .filter(|name| looks_like_a_unit(name))
    {
        let message = format!("networkd does not read `{name}`");
        let fault = Fault::new(folder.place, code::UNIT_PASSED_OVER, message, HOLDS).warning();
        let help = "unit files end in `.network`, `.netdev` or `.link`, drop-ins lie in `UNIT.d/` and end in `.conf`";
        context.faults.add(fault.help(help.to_owned()));
    }
    if read.problems.is_empty() {
        left_out_exist(context, &read, folder, &without);
    }
    // A unit goes with its drop-ins.
    let kept = |unit: &&UnitFile| {
        let names = [Some(unit.name.as_str()), unit.drop_in_of()];
        !without.iter().any(|name| names.contains(&Some(name.value)))
    };
    Some(read.units.iter().filter(kept).cloned().collect())
}

/// Reads `faulty_units`.
fn meant(context: &Context<'_>, reader: &Reader<'_>, key: &str, owner: &str) {
    for name in reader.texts("faulty_units") {
        let Ok(owner) = MachineName::try_from(owner) else {
            continue;
        };
        let at = match key {
            "units" => VantagePoint::Guest(owner),
            _ => VantagePoint::Machine(owner),
        };
        let mut meant = context.meant.borrow_mut();
        meant.push((at, name.value.to_owned(), name.place.clone()));
    }
}

fn left_out_exist(
    context: &Context<'_>,
    read: &UnitFolder,
    folder: At<'_, &str>,
    without: &[At<'_, &str>],
) {
    let names = read.units.iter().map(|unit| unit.name.as_str());
    let scope = format!(" in `{}`", folder.value);
    for name in without {
        let what = ("unit file", "unit files");
        (context.faults).among(name, what, &scope, names.clone());
    }
}
