//! Sections and keys that networkd does not know: it passes over them, and says so in its journal alone.

use super::keys::UnitKind;
use super::syntax::{What, lines};
use super::text::Text;
use crate::scenario::error::{Fault, code};
use crate::scenario::near::nearest;

/// What networkd would pass over in a file of this kind.
pub(super) fn misspelt(text: &Text, kind: UnitKind) -> Vec<Fault> {
    let sections = kind.sections();
    let mut found = Vec::new();
    // The name, and its keys where there are any to compare with.
    let mut section = None;
    for line in lines(text.as_str()) {
        let place = text.place(line.at.clone());
        let warn = |code, message: String, label: &str, help: Option<String>| {
            Fault::new(&place, code, message, label.to_owned())
                .help(help)
                .warning()
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
                        code::UNIT_SECTION,
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
                    found.push(warn(code::UNIT_SYNTAX, message, label, None));
                }
                Some((name, Some(keys))) if !keys.contains_key(key) && !key.starts_with("X-") => {
                    let message = format!("unknown key `{key}` in section [{name}]");
                    let label = "networkd ignores the line";
                    found.push(warn(
                        code::UNIT_KEY,
                        message,
                        label,
                        other_key(kind, name, key),
                    ));
                }
                Some(_) => {}
            },
            What::Other => {
                let message = "this is neither a section nor a `KEY=VALUE`".to_owned();
                let label = "networkd ignores the line";
                found.push(warn(code::UNIT_SYNTAX, message, label, None));
            }
        }
    }
    found
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
        let faults = misspelt(&Text::new("x".into(), text.to_owned()), kind);
        let told = |fault: Fault| (fault.line, fault.message, fault.help);
        faults.into_iter().map(told).collect()
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
