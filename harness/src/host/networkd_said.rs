//! What networkd says about unit files in its log: sections, keys and values that it ignores.
//!
//! The words are systemd's own (`log_syntax` and `networkd-network.c` of systemd): `FILE:LINE: WORDS`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Folders of units that a scenario brings. The distribution's own units are not the scenario's, and nothing is said of
/// them.
const FOLDERS: [&str; 2] = ["/run/systemd/network/", "/etc/systemd/network/"];

/// Most characters of networkd's words that are kept: a value can be as long as its file.
const LONGEST: usize = 400;

/// Beginnings of lines that tell no fault.
const NO_FAULT: [&str; 2] = ["Conditions in the file do not match", "netdev ready"];

/// One thing that networkd said about a unit file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UnitSaid {
    /// Name below `/etc/systemd/network`, of a drop-in with its folder.
    pub file: String,
    /// Line, from 1; `None`: the whole file.
    pub line: Option<usize>,
    /// networkd's words.
    pub words: String,
}

/// Most lines about one file that are kept: nobody mends more before the next look.
const KEPT: usize = 100;

/// How the last line about a file ends when there were more.
const MORE: &str = "more lines that networkd says something of";

/// What a log, or a journal, says of unit files, each line once. Of a file with more than a hundred lines the others
/// are counted.
pub fn about_units(log: &str) -> Vec<UnitSaid> {
    let mut found: Vec<UnitSaid> = Vec::new();
    let mut seen: BTreeSet<UnitSaid> = BTreeSet::new();
    let mut of_file: BTreeMap<String, usize> = BTreeMap::new();
    for line in log.lines() {
        let said = one(line).or_else(|| quoted(line));
        let Some(said) = said.filter(|said| !seen.contains(said)) else {
            continue;
        };
        let count = of_file.entry(said.file.clone()).or_default();
        *count += 1;
        if *count <= KEPT {
            seen.insert(said.clone());
            found.push(said);
        }
    }
    for (file, count) in of_file {
        if count > KEPT {
            let words = format!("{} {MORE}", count - KEPT);
            let line = None;
            found.push(UnitSaid { file, line, words });
        }
    }
    found
}

/// `/run/systemd/network/10-lan.network:5: Unknown key 'Adress' in section [Network], ignoring.`
fn one(line: &str) -> Option<UnitSaid> {
    // In a journal other words stand before the path.
    let (at, folder) = FOLDERS
        .iter()
        .find_map(|folder| Some((line.find(folder)?, folder)))?;
    if !(at == 0 || line[..at].ends_with(' ')) {
        return None;
    }
    let (place, words) = line[at + folder.len()..].split_once(": ")?;
    let (file, number) = match place.rsplit_once(':') {
        Some((file, number)) => (file, Some(number.parse().ok()?)),
        None => (place, None),
    };
    if NO_FAULT.iter().any(|fine| words.starts_with(fine)) {
        return None;
    }
    new(file, number, words)
}

/// `NetDev has no Kind= configured in "/run/systemd/network/br0.netdev", ignoring.`
fn quoted(line: &str) -> Option<UnitSaid> {
    let words = line.find("NetDev ").map(|at| &line[at..])?;
    let rest = FOLDERS
        .iter()
        .find_map(|folder| words.split_once(folder))?
        .1;
    let (file, rest) = rest.split_once([' ', '"', ',', ':'])?;
    rest.contains("ignoring").then(|| new(file, None, words))?
}

fn new(file: &str, line: Option<usize>, words: &str) -> Option<UnitSaid> {
    let is_unit = [".network", ".netdev", ".link", ".conf"];
    if !is_unit.iter().any(|ending| file.ends_with(ending)) {
        return None;
    }
    let mut words: String = words.trim().chars().take(LONGEST + 1).collect();
    if words.chars().count() > LONGEST {
        words.pop();
        words.push_str("...");
    }
    // The words quote a file that anybody may have written, and go to a terminal.
    let words = spelt(&words);
    Some(UnitSaid {
        file: file.to_owned(),
        line,
        words,
    })
}

/// A text that is safe on a terminal.
pub(crate) fn spelt(text: &str) -> String {
    text.chars().flat_map(printable).collect()
}

/// A character that is safe on a terminal: one that would steer it, or turn the direction of reading, is spelt out.
fn printable(c: char) -> impl Iterator<Item = char> {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}');
    let spelt = (c.is_control() || turns).then(|| c.escape_unicode());
    let plain = spelt.is_none().then_some(c);
    spelt.into_iter().flatten().chain(plain)
}

impl std::fmt::Display for UnitSaid {
    /// `10-lan.network:5: WORDS`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.words),
            None => write!(f, "{}: {}", self.file, self.words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_sayings_about_a_file_a_hundred_are_kept_and_the_others_counted() {
        let line = |file: &str, line: usize| format!("/run/systemd/network/{file}:{line}: Bad.\n");
        let log =
            |count: usize| -> String { (1..=count).map(|at| line("a.network", at)).collect() };
        assert_eq!(about_units(&log(KEPT)).len(), KEPT);
        // A line that was said before does not count, nor does one about another file.
        let more = log(KEPT + 7) + &line("a.network", 1) + &line("b.network", 1);
        let found = about_units(&more);
        assert_eq!(found.len(), KEPT + 2);
        let last = found.last().expect("some");
        assert_eq!((last.file.as_str(), last.line), ("a.network", None));
        assert_eq!(last.words, "7 more lines that networkd says something of");
    }

    #[test]
    fn what_is_about_unit_files_is_found_among_the_rest() {
        let log = "\
Bus n/a: changing state UNSET -> OPENING
/run/systemd/network/br0.netdev:3: Failed to parse netdev kind, ignoring assignment: bridg
NetDev has no Kind= configured in \"/run/systemd/network/br0.netdev\", ignoring.
/usr/lib/systemd/network/80-x.network:1: Unknown section 'X'. Ignoring.
/run/systemd/network/10-a.network:5: Unknown key 'Adress' in section [Network], ignoring.
/run/systemd/network/10-a.network:5: Unknown key 'Adress' in section [Network], ignoring.
/run/systemd/network/20-b.network: No valid settings found in the [Match] section, ignoring file.
/run/systemd/network/30-c.network: Conditions in the file do not match the system environment, skipping.
/run/systemd/network/30-c.network.d/a.conf:2: Unknown key 'XX' in section [Network], ignoring.
Skipping empty file: /run/systemd/network/50-e.network
[    5.1] test1 systemd-networkd[210]: /etc/systemd/network/20-lan.network:6: Invalid address 'x: y', ignoring
";
        let found: Vec<String> = about_units(log).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "br0.netdev:3: Failed to parse netdev kind, ignoring assignment: bridg",
                "br0.netdev: NetDev has no Kind= configured in \"/run/systemd/network/br0.netdev\", ignoring.",
                "10-a.network:5: Unknown key 'Adress' in section [Network], ignoring.",
                "20-b.network: No valid settings found in the [Match] section, ignoring file.",
                "30-c.network.d/a.conf:2: Unknown key 'XX' in section [Network], ignoring.",
                "20-lan.network:6: Invalid address 'x: y', ignoring",
            ]
        );
    }

    #[test]
    fn nothing_in_it_steers_a_terminal() {
        let log = "/run/systemd/network/a.network:1: Bad \u{1b}[2Jx\u{202e}y\n";
        let found = about_units(log);
        assert_eq!(found[0].words, r"Bad \u{1b}[2Jx\u{202e}y");
    }

    #[test]
    fn a_value_as_long_as_its_file_is_cut() {
        let log = format!(
            "/run/systemd/network/a.network:1: Bad {}\n",
            "x".repeat(5000)
        );
        let found = about_units(&log);
        assert_eq!(found[0].words.chars().count(), LONGEST + 3);
    }
}
