//! What this machine's networkd is asked about, and what becomes of its answer.

use std::collections::BTreeMap;

use super::links::written;
use super::places;
use crate::networkd::{TOLD, said};
use crate::scenario::error::Fault;
use crate::scenario::{Scenario, UnitFile, VantagePoint};

/// The unit files of one place, as networkd would read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The files.
    pub units: Vec<UnitFile>,
    /// Whether a guest's own networkd reads them, which may be another version than this machine's.
    guest: bool,
    /// Units that are meant to be as they are.
    meant: Vec<String>,
}

/// The unit files of a scenario: of each place, and again with what steps write there.
pub fn asked(scenario: &Scenario) -> Vec<Asked> {
    let mut found = Vec::new();
    for (place, units, _) in places(scenario) {
        let meant = scenario.faulty_units.iter();
        let meant = meant.filter(|(at, _)| *at == place);
        let meant: Vec<String> = meant.map(|(_, name)| name.clone()).collect();
        let one = |units: Vec<UnitFile>| Asked {
            units,
            guest: matches!(place, VantagePoint::Guest(_)),
            meant: meant.clone(),
        };
        let by_name = |unit: &UnitFile| (unit.name.clone(), unit.clone());
        let first: BTreeMap<String, UnitFile> = units.iter().map(by_name).collect();
        let mut last = first.clone();
        last.extend(written(scenario, &place).map(by_name));
        if last != first {
            found.push(one(last.into_values().collect()));
        }
        found.push(one(first.into_values().collect()));
    }
    found.retain(|one| !one.units.is_empty());
    found
}

impl Asked {
    /// What networkd said of a file of these, as a warning; `None` where it is among `told` already, or meant.
    pub fn fault(
        &self,
        file: &str,
        line: Option<usize>,
        words: &str,
        told: &[Fault],
    ) -> Option<Fault> {
        let unit = self.units.iter().find(|unit| unit.name == file)?;
        if self.meant.iter().any(|name| name == unit.unit()) {
            return None;
        }
        let same =
            |fault: &Fault| fault.file == unit.shown && line.is_none_or(|line| fault.line == line);
        let before = said::is_of_spelling(words);
        if before && (told.iter().any(same) || self.guest) {
            return None;
        }
        // Of such a file the others are counted already.
        let of_file = told.iter().filter(|fault| fault.file == unit.shown);
        if (before || line.is_none()) && of_file.count() > TOLD {
            return None;
        }
        Some(said::warning(&self.units, unit, line, words).into())
    }
}
