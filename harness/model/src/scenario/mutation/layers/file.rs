//! Files, sections and lines, whatever they say.

use crate::scenario::file::Value;
use crate::scenario::mutation::change::{Change, Site};
use crate::scenario::mutation::keys::{TomlKey, keys};
use crate::scenario::mutation::numbers::opposite;
use crate::scenario::mutation::row::{Layer, Operator, Sites};
use crate::scenario::mutation::sites::{of_scenario, of_units};
use crate::scenario::mutation::texts::{Role, Texts};

/// Tables of a scenario's file that make the network: all others say what is asked of it.
const MAKES: [&str; 3] = ["segments", "machines", "guests"];

/// Whether a key of a scenario's file says how the network is made.
fn makes(key: &TomlKey) -> bool {
    key.path.len() > 1 && MAKES.contains(&key.path[0].as_str())
}

/// The two letters in the middle of a word, swapped; letters that are the same would make the same word.
fn misspelt(word: &str) -> Option<String> {
    let mut letters: Vec<char> = word.chars().collect();
    let middle = letters.len() / 2;
    let mut places = (1..=middle).rev().chain(middle + 1..letters.len());
    let swapped = places.find(|&at| at < letters.len() && letters[at - 1] != letters[at])?;
    letters.swap(swapped - 1, swapped);
    Some(letters.into_iter().collect())
}

fn delete_lines(texts: Texts<'_>) -> Vec<Site> {
    of_units(texts, |file, _, unit| {
        let settings = unit.settings.iter();
        let lines =
            settings.map(|one| Site::delete(file, one.whole.clone(), one.section.whole.clone()));
        lines.collect()
    })
}

fn delete_sections(texts: Texts<'_>) -> Vec<Site> {
    of_units(texts, |file, _, unit| {
        let whole = 0..texts.files[file].text.len();
        let sections = unit.sections.iter();
        let sections = sections.map(|one| Site::delete(file, one.whole.clone(), whole.clone()));
        sections.collect()
    })
}

fn delete_files(texts: Texts<'_>) -> Vec<Site> {
    let files = texts.with(Role::Unit).map(|(file, unit)| Site {
        file,
        change: Change::Remove,
        about: 0..unit.text.len(),
    });
    files.collect()
}

fn misspell_keys(texts: Texts<'_>) -> Vec<Site> {
    of_units(texts, |file, _, unit| {
        let settings = unit.settings.iter();
        let keys = settings
            .filter_map(|one| Some(Site::replace(file, one.key_at.clone(), misspelt(one.key)?)));
        keys.collect()
    })
}

fn misspell_sections(texts: Texts<'_>) -> Vec<Site> {
    of_units(texts, |file, _, unit| {
        let sections = unit.sections.iter().filter_map(|one| {
            let name = misspelt(one.name)?;
            Some(Site::replace(
                file,
                one.header.clone(),
                format!("[{name}]\n"),
            ))
        });
        sections.collect()
    })
}

/// The lines from the header before a place to the next header.
fn table_around(text: &str, at: usize) -> std::ops::Range<usize> {
    let start = text[..at].rfind("\n[").map_or(0, |end| end + 1);
    let end = text[at..]
        .find("\n[")
        .map_or(text.len(), |end| at + end + 1);
    start..end
}

fn delete_keys(texts: Texts<'_>) -> Vec<Site> {
    of_scenario(texts, |file, text| {
        let all = keys(text);
        let deleted = all.iter().filter(|key| makes(key)).filter_map(|key| {
            let about = match &key.inside {
                Some(around) => around.clone(),
                None => table_around(text, key.key_at.start),
            };
            Some(Site::delete(file, key.cut(text)?, about))
        });
        deleted.collect()
    })
}

fn delete_guest_files(texts: Texts<'_>) -> Vec<Site> {
    let files = texts.with(Role::GuestFile).map(|(file, it)| Site {
        file,
        change: Change::Remove,
        about: 0..it.text.len(),
    });
    files.collect()
}

pub(in crate::scenario::mutation) const ROWS: &[Operator] = &[
    Operator {
        name: "unit.delete-line",
        layer: Layer::File,
        says: "A line of a unit file is deleted.",
        needs_guests: false,
        sites: Sites::Any(delete_lines),
    },
    Operator {
        name: "unit.delete-section",
        layer: Layer::File,
        says: "A section of a unit file is deleted with its lines.",
        needs_guests: false,
        sites: Sites::Any(delete_sections),
    },
    Operator {
        name: "unit.delete-file",
        layer: Layer::File,
        says: "A unit file is deleted.",
        needs_guests: false,
        sites: Sites::Any(delete_files),
    },
    Operator {
        name: "unit.misspell-key",
        layer: Layer::File,
        says: "Two letters of a key of a unit file are swapped, so that networkd ignores the line.",
        needs_guests: false,
        sites: Sites::Any(misspell_keys),
    },
    Operator {
        name: "unit.misspell-section",
        layer: Layer::File,
        says: "Two letters of a section's name are swapped, so that networkd ignores the section.",
        needs_guests: false,
        sites: Sites::Any(misspell_sections),
    },
    Operator {
        name: "unit.negate",
        layer: Layer::File,
        says: "A boolean of a unit file becomes its opposite.",
        needs_guests: false,
        sites: Sites::Setting(|setting| opposite(&setting.value).map(str::to_owned)),
    },
    Operator {
        name: "scenario.delete-key",
        layer: Layer::File,
        says: "A key of a machine, guest or segment is deleted from the scenario's file.",
        needs_guests: false,
        sites: Sites::Any(delete_keys),
    },
    Operator {
        name: "scenario.negate",
        layer: Layer::File,
        says: "A boolean of a machine, guest or segment becomes its opposite.",
        needs_guests: false,
        sites: Sites::Key(|key| match key.value {
            Value::Boolean(truth) if makes(key) => Some((!truth).to_string()),
            _ => None,
        }),
    },
    Operator {
        name: "guest.delete-file",
        layer: Layer::File,
        says: "A file that is put into a guest is left out.",
        needs_guests: true,
        sites: Sites::Any(delete_guest_files),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_has_the_same_letters_in_another_order() {
        for (word, other) in [
            ("Address", "Adrdess"),
            ("DNS", "NDS"),
            ("Match", "Mtach"),
            ("aab", "aba"),
        ] {
            assert_eq!(misspelt(word).as_deref(), Some(other));
        }
        assert_eq!(misspelt("aaa"), None);
        assert_eq!(misspelt(""), None);
    }
}
