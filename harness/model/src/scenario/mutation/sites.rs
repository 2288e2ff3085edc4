//! Where an operator can do its work.

use std::ops::Range;

use super::change::Site;
use super::keys::keys;
use super::row::{Operator, Sites};
use super::texts::{Role, Texts};
use super::unit_text::UnitText;

/// All places where the operator can do its work, in the order of the files.
pub(super) fn sites(operator: &Operator, texts: Texts<'_>) -> Vec<Site> {
    match &operator.sites {
        Sites::Any(find) => find(texts),
        Sites::Setting(other) => of_units(texts, |file, _, unit| {
            let changed = unit.settings.iter().filter_map(|setting| {
                let other = other(setting)?;
                Some(Site::replace(file, setting.value_at.clone(), other))
            });
            changed.collect()
        }),
        Sites::Lines { section, lines, to } => of_units(texts, |file, name, unit| {
            let text = &texts.files[file].text;
            to(name, unit)
                .then(|| added(file, text, unit, section, lines))
                .into_iter()
                .collect()
        }),
        Sites::Key(other) => of_scenario(texts, |file, text| {
            let changed = keys(text).into_iter().filter_map(|key| {
                let other = other(&key)?;
                Some(Site::replace(file, key.value_at, other))
            });
            changed.collect()
        }),
        Sites::Tables(tables) => of_scenario(texts, |file, text| {
            let gap = if text.ends_with('\n') { "\n" } else { "\n\n" };
            let tables = tables(texts).into_iter();
            let added = tables.map(|table| {
                Site::replace(file, text.len()..text.len(), format!("{gap}{table}\n"))
            });
            added.collect()
        }),
        Sites::Removes(paths) => of_scenario(texts, |file, text| {
            let all = keys(text);
            let known = all.iter().find(|key| key.is("remove"));
            let paths = paths(texts).into_iter();
            let added = paths.map(|path| match known {
                Some(key) => {
                    let at = key.value_at.start + 1;
                    Site::replace(file, at..at, format!("\"{path}\", "))
                }
                // Keys of the file itself come before its first table.
                None => Site::replace(file, 0..0, format!("remove = [\"{path}\"]\n")),
            });
            added.collect()
        }),
        Sites::Rule(other) => {
            let mut found = Vec::new();
            for (file, ruleset) in texts.with(Role::Ruleset) {
                let mut start = 0;
                for line in ruleset.text.split_inclusive('\n') {
                    let whole = start..start + line.len();
                    start = whole.end;
                    let words = line.trim();
                    if words.is_empty() || words.starts_with('#') {
                        continue;
                    }
                    let Some(other) = other(words) else { continue };
                    found.push(match other.is_empty() {
                        true => {
                            let about = chain_around(&ruleset.text, whole.start);
                            Site::delete(file, whole, about)
                        }
                        false => {
                            let at = whole.start + (line.len() - line.trim_start().len());
                            Site::replace(file, at..at + words.len(), other)
                        }
                    });
                }
            }
            found
        }
    }
}

/// The lines of the chain of nft(8), or of the table of iptables-restore(8), that has a rule.
fn chain_around(text: &str, rule: usize) -> Range<usize> {
    let begins = |line: &str| line.starts_with("chain ") || line.starts_with('*');
    let ends = |line: &str| line == "}" || line == "COMMIT";
    let mut around = 0..text.len();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let words = line.trim();
        if start <= rule && begins(words) {
            around.start = start;
        }
        start += line.len();
        if start > rule && ends(words) {
            around.end = start;
            break;
        }
    }
    around
}

/// Lines that are put into a section of a unit: below its header, or with a header at the file's end.
pub(super) fn added(
    file: usize,
    text: &str,
    unit: &UnitText<'_>,
    section: &str,
    lines: &str,
) -> Site {
    let known = unit.sections.iter().rev().find(|one| one.name == section);
    match known {
        Some(known) => {
            let at = known.header.end;
            let gap = if text[..at].ends_with('\n') { "" } else { "\n" };
            Site::replace(file, at..at, format!("{gap}{lines}\n"))
        }
        None => {
            let gap = if text.ends_with('\n') { "\n" } else { "\n\n" };
            Site::replace(
                file,
                text.len()..text.len(),
                format!("{gap}[{section}]\n{lines}\n"),
            )
        }
    }
}

/// Of each unit file, with the number and the name of the file.
pub(super) fn of_units(
    texts: Texts<'_>,
    find: impl Fn(usize, &str, &UnitText<'_>) -> Vec<Site>,
) -> Vec<Site> {
    let units = texts.with(Role::Unit);
    let found = units.flat_map(|(number, file)| {
        let name = file.path.file_name().unwrap_or_default().to_string_lossy();
        find(number, &name, &UnitText::of(&file.text))
    });
    found.collect()
}

/// Of the scenario's own file.
pub(super) fn of_scenario(texts: Texts<'_>, find: impl Fn(usize, &str) -> Vec<Site>) -> Vec<Site> {
    let files = texts.with(Role::Scenario);
    files
        .flat_map(|(number, file)| find(number, &file.text))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_has_its_chain_or_table_around_it() {
        let nft = "table ip nat {\n\tchain post {\n\t\ttype nat hook postrouting priority srcnat;\n\t\tmasquerade\n\t}\n}\n";
        let at = nft.find("\t\tmasquerade").expect("the rule");
        let chain = &nft[chain_around(nft, at)];
        assert!(
            chain.starts_with("\tchain post") && chain.ends_with("\t}\n"),
            "{chain}"
        );
        let saved =
            "*nat\n-A A -j B\nCOMMIT\n*filter\n:FORWARD DROP\n-A FORWARD -j ACCEPT\nCOMMIT\n";
        let at = saved.find("-A FORWARD").expect("the rule");
        assert_eq!(
            &saved[chain_around(saved, at)],
            "*filter\n:FORWARD DROP\n-A FORWARD -j ACCEPT\nCOMMIT\n"
        );
    }
}
