//! A unit with its drop-ins: what networkd makes of both together.

use std::collections::BTreeMap;

use super::file::UnitFile;
use super::keys::UnitKind;
use super::syntax::{What, lines};
use super::text::Text;
use crate::place::Place;

/// One assignment.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Name of its section.
    pub section: String,
    /// Its key.
    pub key: String,
    /// Its value, with continuation lines.
    pub value: String,
    /// Of the key.
    pub key_place: Place,
    /// Of the value's first line.
    pub value_place: Place,
}

/// A unit and its drop-ins.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Its file's name.
    pub name: String,
    /// What kind of file it is.
    pub kind: UnitKind,
    /// In the order in which networkd reads them.
    pub settings: Vec<Setting>,
    /// Where the unit itself begins; its `[Match]`, if it has one. `None`: there are drop-ins alone.
    pub head: Option<Place>,
    /// Of the first drop-in.
    pub drop_in: Option<Place>,
}

impl Unit {
    /// The units among these files, in the order of their names, in which networkd tries them. Masked ones are none.
    pub fn all<'f>(files: impl IntoIterator<Item = &'f UnitFile>) -> Vec<Self> {
        let mut units: BTreeMap<String, Self> = BTreeMap::new();
        let mut masked = Vec::new();
        // A unit sorts before its drop-ins.
        let mut files: Vec<_> = files.into_iter().collect();
        files.sort_by_key(|file| (file.unit(), &file.name));
        for file in files {
            let name = file.unit();
            let Some(kind) = UnitKind::of(name) else {
                continue;
            };
            if file.drop_in_of().is_none() && file.bytes.is_empty() {
                masked.push(name.to_owned());
                continue;
            }
            let unit = units.entry(name.to_owned()).or_insert_with(|| Self {
                name: name.to_owned(),
                kind,
                settings: Vec::new(),
                head: None,
                drop_in: None,
            });
            unit.read(file);
        }
        units.retain(|name, _| !masked.contains(name));
        units.into_values().collect()
    }

    fn read(&mut self, file: &UnitFile) {
        let text = Text::of(file);
        let first = text.as_str().lines().next().map_or(0, str::len);
        let mut head = text.place(0..first);
        let mut section = None;
        for line in lines(text.as_str()) {
            match line.what {
                What::Section(name) => {
                    section = Some(name.to_owned());
                    if name == "Match" {
                        head = text.place(line.at);
                    }
                }
                What::Assignment {
                    key,
                    value,
                    value_at,
                } => {
                    let Some(section) = &section else { continue };
                    self.settings.push(Setting {
                        section: section.clone(),
                        key: key.to_owned(),
                        value,
                        key_place: text.place(line.at),
                        value_place: text.place(value_at),
                    });
                }
                What::Other => {}
            }
        }
        match file.drop_in_of() {
            None => self.head = Some(head),
            Some(_) => drop(self.drop_in.get_or_insert(head)),
        }
    }

    /// The settings of `[Match]` that count: known ones, and of those that a list is made of, none before an empty one,
    /// which takes back all before it.
    pub fn match_settings(&self) -> Vec<&Setting> {
        let keys = self.kind.sections().get("Match");
        let mut counted: Vec<&Setting> = Vec::new();
        for setting in self.settings.iter().filter(|one| one.section == "Match") {
            if setting.value.is_empty() {
                counted.retain(|earlier| earlier.key != setting.key);
            } else if keys.is_some_and(|keys| keys.contains_key(setting.key.as_str())) {
                counted.push(setting);
            }
        }
        counted
    }

    /// The last value of a key.
    pub fn last(&self, section: &str, key: &str) -> Option<&str> {
        let mut settings = self.settings.iter().rev();
        let last = settings.find(|one| one.section == section && one.key == key)?;
        Some(&last.value)
    }

    /// All values of a key that makes a list; an empty one takes back all before it.
    pub fn values(&self, section: &str, key: &str) -> impl Iterator<Item = &str> {
        let settings = self.settings.iter();
        let values = settings.filter(|one| one.section == section && one.key == key);
        let values: Vec<&str> = values.map(|one| one.value.as_str()).collect();
        let after = values.iter().rposition(|value| value.is_empty());
        values.into_iter().skip(after.map_or(0, |at| at + 1))
    }
}
