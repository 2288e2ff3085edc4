//! What networkd itself says of unit files, in its journal: which line it means, and what mends that.

use super::file::UnitFile;
use super::keys::UnitKind;
use super::named::{missing_netdev, named};
use super::text::Text;
use super::unit::Unit;
use super::warning::{Warning, code};
use crate::did_you_mean::suggest;
use crate::place::Place;

/// What networkd says of a key or a section that it does not know, and of lines that it cannot read: [`misspelt`](super::misspelt)
/// tells the same without it.
const OF_SPELLING: [&str; 6] = [
    "Unknown key",
    "Unknown section",
    "Missing '='",
    "Assignment outside of section",
    "Invalid section header",
    "No valid settings found",
];

/// Whether the words are about the spelling of a line, and not about what it means.
pub fn is_of_spelling(words: &str) -> bool {
    OF_SPELLING.iter().any(|begin| words.starts_with(begin))
}

/// The words as a warning about the line that they mean: the one that is given, from 1, or one of the unit or of its drop-ins among
/// `units`, whose lines networkd tells the unit's name of.
pub fn warning(units: &[UnitFile], unit: &UnitFile, line: Option<usize>, words: &str) -> Warning {
    let its = |file: &&UnitFile| file.drop_in_of() == Some(&unit.name);
    let mut files = [unit].into_iter().chain(units.iter().filter(its));
    let place = match line {
        Some(line) => whole_line(unit, line),
        None => files
            .find_map(|file| named(&Text::of(file), words))
            .unwrap_or(whole_line(unit, 1)),
    };
    let since = UnitKind::of(unit.unit()).and_then(|kind| since(kind, words));
    let since = since.map(|since| format!("it came with systemd {since}"));
    let help = since.or_else(|| Some(netdev_near(units, missing_netdev(words)?)));
    Warning::new(&place, code::REFUSED, words, "says this machine's networkd").help(help)
}

/// What could stand for a netdev that no file makes.
fn netdev_near(units: &[UnitFile], name: &str) -> String {
    let units = Unit::all(units).into_iter();
    let netdevs = units.filter(|unit| unit.kind == UnitKind::Netdev);
    let names = netdevs.filter_map(|unit| unit.last("NetDev", "Name").map(str::to_owned));
    let names: Vec<String> = names.collect();
    let what = "links that `.netdev` files make";
    suggest(name, what, names.iter().map(String::as_str))
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
