//! Where a form of a scenario says something: the place of a key in the variant, the file, or the base topology below both.
//!
//! A [`Scenario`](super::Scenario) holds what a form says and not where, since most readers need no places. Whoever has found a
//! fault of the network looks its key up here.

use std::path::{Component, Path, PathBuf};

use super::beneath::from_here;
use super::file::{Entry, Node, Place, Source, Table, Value, parse};
use super::{layers, lookup};

/// A part of the way to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'k> {
    /// A key of a table.
    Key(&'k str),
    /// The element of an array that is a table and has this value for this key.
    With(&'k str, &'k str),
    /// The element of an array that is this text; or the entry of a table of texts whose value it is.
    Item(&'k str),
    /// The element of an array by its number, from 0.
    Nth(usize),
}

/// Where a value stands.
#[derive(Debug, Clone)]
pub struct WrittenAt {
    /// Its key; of an element of an array the element.
    pub key: Place,
    /// The value.
    pub value: Place,
    /// The value, where it is a text.
    pub text: Option<String>,
}

impl WrittenAt {
    /// Whether it is the built-in base topology's, which no user can change in place.
    pub fn is_built_in(&self) -> bool {
        self.value.source.built_in
    }
}

/// The texts that a form is made of, the one that counts most first.
#[derive(Debug, Clone, Default)]
pub struct Written {
    layers: Vec<Table>,
    /// The scenario's file, as it is shown to people.
    shown: PathBuf,
}

impl Written {
    /// Of the form of this variant of the scenario at `path` that has this text. What cannot be read has no places.
    pub fn of(path: &Path, text: &str, variant: Option<&str>) -> Self {
        let source = Source::new(from_here(path), text.to_owned(), false);
        let file = parse(&source).unwrap_or_default();
        let variants = lookup::table(&file, "variants");
        let over = variant.and_then(|name| lookup::table(variants?, name));
        let below = match lookup::text(&file, "base") {
            Some("none") => None,
            _ => layers::base().ok(),
        };
        let mut layers: Vec<Table> = over.into_iter().cloned().collect();
        layers.push(file);
        layers.extend(below);
        let shown = source.shown.clone();
        Self { layers, shown }
    }

    /// A file, which is shown to people like this, from the folder of the scenario's file: `../page/host/br0.netdev`.
    pub fn from_folder(&self, shown: &Path) -> PathBuf {
        let folder = self.shown.parent().unwrap_or(Path::new(""));
        let shared = folder.components().zip(shown.components());
        let shared = shared.take_while(|(one, other)| one == other).count();
        let up = folder
            .components()
            .skip(shared)
            .map(|_| Component::ParentDir);
        up.chain(shown.components().skip(shared)).collect()
    }

    /// Where the value at the end of this way stands: in the first layer that has it.
    pub fn at(&self, way: &[Part<'_>]) -> Option<WrittenAt> {
        self.layers.iter().find_map(|layer| follow(layer, way))
    }
}

/// Follows a way through a table.
fn follow(table: &Table, way: &[Part<'_>]) -> Option<WrittenAt> {
    let (first, rest) = way.split_first()?;
    let entry = match *first {
        Part::Key(key) => table.get(key)?,
        Part::Item(item) => {
            let is_it = |entry: &&Entry| entry.node.value.as_text() == Some(item);
            table.values().find(is_it)?
        }
        Part::With(..) | Part::Nth(_) => return None,
    };
    let there = |node: &Node| WrittenAt {
        key: entry.key.clone(),
        value: node.place.clone(),
        text: node.value.as_text().map(ToOwned::to_owned),
    };
    match rest {
        [] => Some(there(&entry.node)),
        rest => follow_node(&entry.node, rest),
    }
}

fn follow_node(node: &Node, way: &[Part<'_>]) -> Option<WrittenAt> {
    let items = match &node.value {
        Value::Table(table) => return follow(table, way),
        Value::Array(items) => items,
        _ => return None,
    };
    let (first, rest) = way.split_first()?;
    let item = match *first {
        Part::Nth(number) => items.get(number)?,
        Part::Item(item) => items.iter().find(|one| one.value.as_text() == Some(item))?,
        Part::With(key, wanted) => items.iter().find(|one| {
            let table = one.value.as_table();
            table.and_then(|table| lookup::text(table, key)) == Some(wanted)
        })?,
        Part::Key(_) => return None,
    };
    match rest {
        [] => Some(WrittenAt {
            key: item.place.clone(),
            value: item.place.clone(),
            text: item.value.as_text().map(ToOwned::to_owned),
        }),
        rest => follow_node(item, rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
version = 1
[machines.host]
interfaces = [{ name = 'eno1', segment = 'lan', addresses = ['10.0.0.1/24'] }]
sysctls = { 'net.ipv4.ip_forward' = '1' }
[variants.red.machines.host]
sysctls = { 'net.ipv4.ip_forward' = '0' }
";

    fn line(variant: Option<&str>, way: &[Part<'_>]) -> Option<(usize, usize, bool)> {
        let written = Written::of(Path::new("x/scenario.toml"), TEXT, variant);
        let at = written.at(way)?;
        let (line, column) = at.value.position();
        Some((line, column, at.is_built_in()))
    }

    #[test]
    fn a_value_stands_in_the_variant_or_the_file_or_the_base() {
        use Part::{Item, Key, Nth, With};
        let sysctl = [
            Key("machines"),
            Key("host"),
            Key("sysctls"),
            Key("net.ipv4.ip_forward"),
        ];
        assert_eq!(line(None, &sysctl), Some((4, 37, false)));
        assert_eq!(line(Some("red"), &sysctl), Some((6, 37, false)));
        let eno1 = [
            Key("machines"),
            Key("host"),
            Key("interfaces"),
            With("name", "eno1"),
            Key("addresses"),
        ];
        let address = [&eno1[..], &[Item("10.0.0.1/24")]].concat();
        assert_eq!(line(Some("red"), &address), Some((3, 62, false)));
        let first = [&eno1[..], &[Nth(0)]].concat();
        assert_eq!(line(None, &first), Some((3, 62, false)));
        let base = [Key("machines"), Key("router"), Key("forward")];
        assert!(line(None, &base).is_some_and(|(.., built_in)| built_in));
        let none = [Key("machines"), Key("router"), Key("mtu")];
        assert_eq!(line(None, &none), None);
        let other = [&eno1[..], &[Item("10.0.0.2/24")]].concat();
        assert_eq!(line(None, &other), None);
    }

    #[test]
    fn files_are_named_from_the_scenario_s_folder() {
        let written = Written {
            shown: "scenarios/page/scenario.toml".into(),
            ..Written::default()
        };
        for (shown, wanted) in [
            ("scenarios/page/host/br0.netdev", "host/br0.netdev"),
            ("scenarios/other/host/a.network", "../other/host/a.network"),
            ("scenarios/page/scenario.toml", "scenario.toml"),
        ] {
            assert_eq!(written.from_folder(Path::new(shown)), Path::new(wanted));
        }
    }
}
