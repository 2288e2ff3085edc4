//! Sections and keys that networkd does not know: it passes over them, and says so in its journal alone.

use std::collections::BTreeMap;
use std::ops::Range;

use super::file::UnitFile;
use super::keys::{Section, UnitKind};
use super::syntax::{What, lines};
use super::text::Text;
use super::warning::{Warning, code};
use crate::did_you_mean::nearest;

/// So many lines of one file are told; nobody mends more before the next look, and a file of 1 MiB has 170,000.
pub const TOLD: usize = 100;

/// What networkd would pass over in a file of this kind. Of more than [`TOLD`] lines the last one says how many others there are.
pub fn misspelt(file: &UnitFile, kind: UnitKind) -> Vec<Warning> {
    of_text(&Text::of(file), kind)
}

fn of_text(text: &Text, kind: UnitKind) -> Vec<Warning> {
    let sections = kind.sections();
    let mut found = Vec::new();
    // The name, and its keys where there are any to compare with.
    let mut section: InSection<'_> = None;
    let mut others: Option<(Range<usize>, usize)> = None;
    for line in lines(text.as_str()) {
        if found.len() >= TOLD {
            if is_passed_over(&line.what, &mut section, sections) {
                let (_, count) = others.get_or_insert((line.at, 0));
                *count += 1;
            }
            continue;
        }
        let place = text.place(line.at.clone());
        let warn = |code, message: String, label: &str, help: Option<String>| {
            Warning::new(&place, code, message, label).help(help)
        };
        match line.what {
            What::Section(name) => {
                // "X-" is for other programs (systemd.syntax(7)).
                let known = sections.get(name);
                section = Some((name, known));
                if known.is_none() && !name.starts_with("X-") {
                    let message = format!("unknown section [{name}]");
                    let label = "networkd passes over the whole section";
                    found.push(warn(
                        code::SECTION,
                        message,
                        label,
                        other_section(kind, name),
                    ));
                }
            }
            What::Assignment { key, .. } => match section {
                None => {
                    let message = format!("`{key}=` stands in no section");
                    let label = "networkd ignores the line";
                    found.push(warn(code::SYNTAX, message, label, None));
                }
                Some((name, Some(keys))) if !keys.contains_key(key) && !key.starts_with("X-") => {
                    let message = format!("unknown key `{key}` in section [{name}]");
                    let label = "networkd ignores the line";
                    found.push(warn(code::KEY, message, label, other_key(kind, name, key)));
                }
                Some(_) => {}
            },
            What::Other => {
                let message = "this is neither a section nor a `KEY=VALUE`".to_owned();
                let label = "networkd ignores the line";
                found.push(warn(code::SYNTAX, message, label, None));
            }
        }
    }
    if let Some((at, count)) = others {
        let message = format!("{count} more lines that networkd ignores");
        let place = text.place(at);
        found.push(Warning::new(
            &place,
            code::KEY,
            message,
            "the first of them",
        ));
    }
    found
}

/// A section's name, and its keys where there are any to compare with.
type InSection<'t> = Option<(&'t str, Option<&'static Section>)>;

/// Whether networkd ignores a line; `section` is the one that it stands in, and then the one that the next stands in.
fn is_passed_over<'t>(
    what: &What<'t>,
    section: &mut InSection<'t>,
    sections: &'static BTreeMap<&'static str, Section>,
) -> bool {
    match what {
        What::Section(name) => {
            let known = sections.get(*name);
            *section = Some((*name, known));
            known.is_none() && !name.starts_with("X-")
        }
        What::Assignment { key, .. } => match section {
            None => true,
            Some((_, keys)) => {
                keys.is_some_and(|keys| !keys.contains_key(*key)) && !key.starts_with("X-")
            }
        },
        What::Other => true,
    }
}

fn other_section(kind: UnitKind, name: &str) -> Option<String> {
    if let Some(near) = nearest(name, kind.sections().keys().copied()) {
        return Some(format!("did you mean [{near}]?"));
    }
    let mut others = UnitKind::ALL.into_iter();
    let other = others.find(|other| other.sections().contains_key(name))?;
    Some(format!("a `.{}` file has it", other.name()))
}

fn other_key(kind: UnitKind, section: &str, key: &str) -> Option<String> {
    let sections = kind.sections();
    let keys = sections.get(section)?;
    if let Some(near) = nearest(key, keys.keys().copied()) {
        return Some(format!("did you mean `{near}=`?"));
    }
    let homes = sections.iter().filter(|(_, keys)| keys.contains_key(key));
    let homes: Vec<String> = homes.take(4).map(|(name, _)| format!("[{name}]")).collect();
    if !homes.is_empty() {
        return Some(format!("it is a key of {}", homes.join(", ")));
    }
    let mut others = UnitKind::ALL.into_iter();
    let other = others.find(|other| {
        let section = other.sections().get(section);
        section.is_some_and(|keys| keys.contains_key(key))
    })?;
    Some(format!("[{section}] of a `.{}` file has it", other.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: UnitKind, text: &str) -> Vec<(usize, String, Option<String>)> {
        let warnings = of_text(&Text::new("x".into(), text.to_owned()), kind);
        let told = |warning: Warning| (warning.place.position().0, warning.message, warning.help);
        warnings.into_iter().map(told).collect()
    }

    #[test]
    fn slips_come_with_what_was_meant() {
        let text = "[Match]\nNmae=eno1\n[Netwrok]\nDNS=::1\n[Network]\nAdress=::1/64\nRequiredForOnline=no\n";
        let told = told(UnitKind::Network, text);
        let told: Vec<_> = told
            .iter()
            .map(|(line, message, help)| (*line, message.as_str(), help.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                (
                    2,
                    "unknown key `Nmae` in section [Match]",
                    Some("did you mean `Name=`?")
                ),
                (
                    3,
                    "unknown section [Netwrok]",
                    Some("did you mean [Network]?")
                ),
                (
                    6,
                    "unknown key `Adress` in section [Network]",
                    Some("did you mean `Address=`?")
                ),
                (
                    7,
                    "unknown key `RequiredForOnline` in section [Network]",
                    Some("it is a key of [Link]")
                ),
            ]
        );
    }

    #[test]
    fn of_many_lines_a_hundred_are_told_and_the_others_counted() {
        let text = |count| format!("[Match]\nName=a\n[Network]\n{}", "X=1\n".repeat(count));
        let lines = |count| {
            let told = told(UnitKind::Network, &text(count));
            let (line, message, _) = told.last().expect("some").clone();
            (told.len(), line, message)
        };
        let last = || "unknown key `X` in section [Network]".to_owned();
        assert_eq!(lines(TOLD), (TOLD, TOLD + 3, last()));
        let more = |count| format!("{count} more lines that networkd ignores");
        assert_eq!(lines(TOLD + 7), (TOLD + 1, TOLD + 4, more(7)));
        // What is known, and a section of others, are not counted; lines of none are.
        let text = format!(
            "{}[Network]\nDNS=::1\n[X-Mine]\na=1\n[Netwrok]\na=1\n[Network]\nb\nY=1\n",
            text(TOLD)
        );
        let told = told(UnitKind::Network, &text);
        assert_eq!(told.last().expect("some").1, more(3));
    }

    #[test]
    fn what_is_of_another_kind_of_file_is_said_to_be() {
        let told = told(
            UnitKind::Network,
            "[NetDev]\nKind=bridge\n[Match]\nOriginalName=eno1\n",
        );
        let helps: Vec<_> = told.iter().map(|(_, _, help)| help.as_deref()).collect();
        assert_eq!(
            helps,
            [
                Some("a `.netdev` file has it"),
                Some("[Match] of a `.link` file has it")
            ]
        );
    }

    #[test]
    fn lines_that_are_nothing_are_told_and_what_is_for_others_is_not() {
        let text = "Name=eno1\n[Match]\nName\nX-Mine=1\n[X-Mine]\nAny=1\n[Match\n";
        let lines: Vec<_> = told(UnitKind::Network, text)
            .iter()
            .map(|(line, ..)| *line)
            .collect();
        assert_eq!(lines, [1, 3, 7]);
    }
}
