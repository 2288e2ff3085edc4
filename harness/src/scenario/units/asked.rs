//! What this machine's networkd is asked about, and what becomes of its answer.

use std::collections::BTreeMap;

use super::keys::UnitKind;
use super::links::written;
use super::named::{missing_netdev, named};
use super::places;
use super::spelling::TOLD;
use super::text::Text;
use super::unit::Unit;
use crate::scenario::did_you_mean::suggest;
use crate::scenario::error::{Fault, code};
use crate::scenario::file::Place;
use crate::scenario::{Scenario, UnitFile, VantagePoint};

/// What networkd says of a key or a section that it does not know, and of lines that it cannot read: the same has been told
/// without it.
const TOLD_BEFORE: [&str; 6] = [
    "Unknown key",
    "Unknown section",
    "Missing '='",
    "Assignment outside of section",
    "Invalid section header",
    "No valid settings found",
];

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
        let of = unit.drop_in_of().unwrap_or(&unit.name);
        if self.meant.iter().any(|name| name == of) {
            return None;
        }
        let same =
            |fault: &Fault| fault.file == unit.shown && line.is_none_or(|line| fault.line == line);
        let before = TOLD_BEFORE.iter().any(|begin| words.starts_with(begin));
        if before && (told.iter().any(same) || self.guest) {
            return None;
        }
        // Of such a file the others are counted already.
        let of_file = told.iter().filter(|fault| fault.file == unit.shown);
        if (before || line.is_none()) && of_file.count() > TOLD {
            return None;
        }
        let place = match line {
            Some(line) => whole_line(unit, line),
            None => self.named(unit, words).unwrap_or(whole_line(unit, 1)),
        };
        let label = "says this machine's networkd".to_owned();
        let since = UnitKind::of(of).and_then(|kind| since(kind, words));
        let since = since.map(|since| format!("it came with systemd {since}"));
        let help = since.or_else(|| Some(self.netdev_near(missing_netdev(words)?)));
        let fault = Fault::new(&place, code::UNIT_REFUSED, words.to_owned(), label);
        Some(fault.help(help).warning())
    }

    /// The line of a unit or of its drop-ins, whose lines networkd tells the unit's name of.
    fn named(&self, unit: &UnitFile, words: &str) -> Option<Place> {
        let its = |file: &&UnitFile| file.drop_in_of() == Some(&unit.name);
        let drop_ins = self.units.iter().filter(its);
        let mut files = [unit].into_iter().chain(drop_ins);
        files.find_map(|file| named(&Text::of(file), words))
    }

    /// What could stand for a netdev that no file makes.
    fn netdev_near(&self, name: &str) -> String {
        let units = Unit::all(&self.units).into_iter();
        let netdevs = units.filter(|unit| unit.kind == UnitKind::Netdev);
        let names = netdevs.filter_map(|unit| unit.last("NetDev", "Name").map(str::to_owned));
        let names: Vec<String> = names.collect();
        let what = "links that `.netdev` files make";
        suggest(name, what, names.iter().map(String::as_str))
    }
}

/// A line of a unit, from 1.
fn whole_line(unit: &UnitFile, line: usize) -> Place {
    let text = Text::of(unit);
    let mut lines = text.as_str().split_inclusive('\n');
    let before = lines.by_ref().take(line.saturating_sub(1));
    let start = before.map(str::len).sum();
    let length = lines.next().map_or(0, |line| line.trim_end().len());
    text.place(start..start + length)
}

/// The version that brought the key of `Unknown key 'KEY' in section [SECTION]`.
fn since(kind: UnitKind, words: &str) -> Option<u16> {
    let rest = words.strip_prefix("Unknown key '")?;
    let (key, rest) = rest.split_once("' in section")?;
    let section = rest.trim_matches([' ', '[', ']', '\'']);
    let section = section.split([']', '\'', ',']).next()?;
    let since = kind.sections().get(section)?.get(key)?;
    (*since > 0).then_some(*since)
}
