//! What a key of the matrix reaches: machines and guests, and their interfaces.

use super::error::code;
use super::file::{Entry, Node, Place, Table};
use super::keys::{GUEST, GUEST_INTERFACE, INTERFACE, Key, MACHINE, TableKeys};
use super::lookup;
use super::matrix_value::MatrixValue;
use super::names::IfName;
use super::read::Faults;
use super::removal::name_of;
use crate::did_you_mean::suggest;

/// One value of one key, as it stands in the file.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    pub(super) value: MatrixValue,
    /// The table that the key is one of.
    pub(super) table_keys: &'static TableKeys,
    /// Where the narrowest of what it is about is named: an interface, else its owner, else the key.
    pub(super) named: Place,
    pub(super) entry: Entry,
}

impl Chosen {
    /// Whether it is a key of guests or of their interfaces, as those are that a command line imposes.
    pub(super) fn is_of_guests(&self) -> bool {
        section(self.table_keys) == "guests"
    }

    fn is_of_interfaces(&self) -> bool {
        [GUEST_INTERFACE.what, INTERFACE.what].contains(&self.table_keys.what)
    }

    /// Whether there may be a table in which this and the other set the same key.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let (one, two) = (&self.value, &other.value);
        self.table_keys.what == other.table_keys.what
            && one.key == two.key
            && meet(one.owner.as_ref(), two.owner.as_ref())
            && meet(one.interface.as_ref(), two.interface.as_ref())
    }
}

/// Whether both may be the same; `None`: any.
fn meet<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
    one.is_none() || other.is_none() || one == other
}

/// Under which key of a file the tables of that kind are.
fn section(table_keys: &TableKeys) -> &'static str {
    match [MACHINE.what, INTERFACE.what].contains(&table_keys.what) {
        true => "machines",
        false => "guests",
    }
}

/// The tables whose keys a matrix sets: a guest's, and those of its interfaces.
pub(super) const GUESTS: [&TableKeys; 2] = [&GUEST, &GUEST_INTERFACE];
const MACHINES: [&TableKeys; 2] = [&MACHINE, &INTERFACE];
/// All of them.
pub(super) const ALL: [&TableKeys; 4] = [&GUEST, &GUEST_INTERFACE, &MACHINE, &INTERFACE];

/// The tables whose keys a matrix may set below the name of a guest or machine; `None`: there is none of that name.
pub(super) fn all_keys(tree: &Table, owner: &str) -> Option<[&'static TableKeys; 2]> {
    let has = |section| tables(tree, section).any(|(name, _)| name == owner);
    match () {
        () if has("guests") => Some(GUESTS),
        () if has("machines") => Some(MACHINES),
        () => None,
    }
}

/// The keys of these tables that take single values, each with its table.
pub(super) fn keys<'s>(
    all_keys: &'s [&'static TableKeys],
) -> impl Iterator<Item = (&'static TableKeys, &'static Key)> + Clone + 's {
    all_keys.iter().flat_map(|&table_keys| {
        let single = table_keys.all().filter(|key| key.kind.is_single());
        single.map(move |key| (table_keys, key))
    })
}

/// The names of a tree's guests and machines.
pub(super) fn owners(tree: &Table) -> impl Iterator<Item = &str> + Clone {
    let named = tables(tree, "guests").chain(tables(tree, "machines"));
    named.map(|(name, _)| name)
}

/// The machines or guests of a tree that are in the form.
fn tables<'t>(
    tree: &'t Table,
    section: &str,
) -> impl Iterator<Item = (&'t str, &'t Table)> + Clone + use<'t> {
    lookup::tables(tree, section).filter(|(_, own)| !lookup::is_off(own))
}

/// The interfaces of a machine or guest, each with its place in their array.
fn interfaces(own: &Table) -> impl Iterator<Item = (usize, &Node)> {
    lookup::items(own, "interfaces").iter().enumerate()
}

/// A table of a tree that a value is set in.
struct Reached {
    section: &'static str,
    owner: String,
    interface: Option<usize>,
}

fn reached(tree: &Table, chosen: &Chosen) -> Vec<Reached> {
    let MatrixValue {
        owner, interface, ..
    } = &chosen.value;
    let section = section(chosen.table_keys);
    let mut all = Vec::new();
    for (name, own) in tables(tree, section) {
        if owner.as_ref().is_some_and(|owner| owner.as_str() != name) {
            continue;
        }
        let mut add = |interface| {
            all.push(Reached {
                section,
                owner: name.to_owned(),
                interface,
            });
        };
        if !chosen.is_of_interfaces() {
            add(None);
            continue;
        }
        for (at, one) in interfaces(own) {
            let asked = interface.as_ref().map(IfName::as_str);
            if asked.is_none_or(|asked| name_of(one) == Some(asked)) {
                add(Some(at));
            }
        }
    }
    all
}

impl Reached {
    fn table<'t>(&self, tree: &'t Table) -> Option<&'t Table> {
        let own = lookup::table(lookup::table(tree, self.section)?, &self.owner)?;
        match self.interface {
            None => Some(own),
            Some(at) => interfaces(own).nth(at)?.1.value.as_table(),
        }
    }

    fn table_mut<'t>(&self, tree: &'t mut Table) -> Option<&'t mut Table> {
        let all = tree.get_mut(self.section)?.node.value.as_table_mut()?;
        let own = all.get_mut(&self.owner)?.node.value.as_table_mut()?;
        let Some(at) = self.interface else {
            return Some(own);
        };
        let items = own.get_mut("interfaces")?.node.value.as_array_mut()?;
        items.get_mut(at)?.value.as_table_mut()
    }

    /// As faults call it.
    fn shown(&self, tree: &Table) -> String {
        let kind = self.section.trim_end_matches('s');
        let owner = format!("{kind} `{}`", self.owner);
        match self.table(tree).filter(|_| self.interface.is_some()) {
            Some(own) => {
                let name = ["id", "name"].iter().find_map(|key| own.get(*key));
                let name = name.and_then(|entry| entry.node.value.as_text());
                format!("`{}` of {owner}", name.unwrap_or("?"))
            }
            None => owner,
        }
    }
}

/// Reports a value that would never be read: its key's table is not in this form, or says a value of its own.
pub(super) fn unused(tree: &Table, combination: &[Chosen], faults: &Faults) {
    for chosen in combination {
        let all = reached(tree, chosen);
        if all.is_empty() {
            nowhere(tree, chosen, faults);
        }
        let key = &chosen.value.key;
        for one in all {
            let own = one.table(tree).and_then(|own| own.get(key));
            // What the base says, the file would replace as well.
            if let Some(entry) = own.filter(|entry| !entry.key.source.built_in) {
                let message = format!("`{key}` of {} is in the matrix as well", one.shown(tree));
                faults.conflict(&entry.key, message, "the matrix has its values");
            }
        }
    }
}

fn nowhere(tree: &Table, chosen: &Chosen, faults: &Faults) {
    let MatrixValue {
        owner,
        interface,
        key,
        ..
    } = &chosen.value;
    let section = section(chosen.table_keys);
    let kind = section.trim_end_matches('s');
    let own = owner.as_ref().and_then(|owner| {
        let mut named = tables(tree, section);
        named.find(|(name, _)| *name == owner.as_str())
    });
    let (message, label, help) = match (owner, own, interface) {
        (Some(owner), Some((_, own)), Some(name)) => {
            let known: Vec<&str> = interfaces(own)
                .filter_map(|(_, one)| name_of(one))
                .collect();
            let scope = format!(" in {kind} `{owner}`");
            let many = format!("interfaces{scope}");
            (
                format!("there is no interface `{name}`{scope}"),
                "not a known interface".to_owned(),
                Some(suggest(name.as_str(), &many, known.into_iter())),
            )
        }
        (Some(owner), Some(_), None) => (
            format!("`{key}` is in the matrix, and {kind} `{owner}` has no interface"),
            "would never be read".to_owned(),
            None,
        ),
        (Some(owner), None, _) => (
            format!("there is no {kind} `{owner}`"),
            format!("not a {kind} of this form"),
            None,
        ),
        (None, ..) => {
            let what = match chosen.is_of_interfaces() {
                true => "no guest has an interface",
                false => "there is no guest",
            };
            (
                format!("`{key}` is in the matrix, and {what}"),
                "would never be read".to_owned(),
                None,
            )
        }
    };
    let told = faults.report(&chosen.named, code::UNKNOWN_NAME, message, label);
    told.help_if(help);
}

/// A tree with these values in it.
pub(super) fn with(tree: &Table, combination: &[Chosen]) -> Table {
    // Before any value is set: one may be the name that another goes by.
    let reached: Vec<_> = combination
        .iter()
        .map(|chosen| (chosen, reached(tree, chosen)))
        .collect();
    let mut tree = tree.clone();
    for (chosen, all) in reached {
        for one in all {
            if let Some(own) = one.table_mut(&mut tree) {
                own.insert(chosen.value.key.clone(), chosen.entry.clone());
            }
        }
    }
    tree
}
