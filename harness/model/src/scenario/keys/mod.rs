//! The format as data: which keys each table takes, of which type, with which default, and what they mean.
//!
//! The reader knows keys and types from here, `schema` makes the JSON Schema of it, and a test holds
//! `scenarios/README.md` against it. A new key is one line in the file of its table, one in the README, and the
//! code in `validate` that reads it.

mod every_check;
mod file;
mod guest;
mod key_type;
mod machine;
mod port;
pub(crate) mod requires;
mod step;

pub(crate) use every_check::CHECK;
pub(crate) use file::{ANY_OF, BASED, BASES, FILE, IS_SWITCH, LAYERED, SEGMENT, VARIANT};
pub(crate) use guest::{CONTAINER, GUEST, GUEST_INTERFACE};
pub use key_type::{KeyType, first_of_each};
pub use machine::MTU;
pub use machine::bridge_keys;
pub(crate) use machine::{
    BRIDGE, DNSMASQ, HOST_ROUTE, HTTP_SERVER, INTERFACE, MACHINE, MACHINE_ROUTE, RA, RA_PREFIX,
    ROUTE,
};
pub use machine::{DUPLICATE_MAC, LINK, MACVLAN_MODE, OWN_MAC};
pub(crate) use port::{BRIDGE_PORT, SWITCH_PORT};
pub use port::{COST, GROUP_FWD_MASK, PRIORITY, port_flags};
pub(crate) use requires::Requires;
pub(crate) use step::STEP;

/// A kind of table.
#[derive(Debug, Clone, Copy)]
pub struct TableKeys {
    /// With its article, as errors say it.
    pub what: &'static str,
    /// What the table says; for a kind of check: when it holds.
    pub doc: &'static str,
    /// The keys that it takes, besides those of `added` and `one_of`.
    pub keys: &'static [Key],
    /// Keys that come from rows further to the right.
    pub added: Added,
    /// Exactly one of these stands in the table, each as a key that is named like its `what`. Asked when it runs: rows of
    /// these tables stand in modules further to the right.
    pub one_of: fn() -> &'static [TableKeys],
}

/// Keys that rows of a table in modules further to the right add to one of the format.
#[derive(Debug, Clone, Copy)]
pub struct Added {
    /// The key that they stand behind, where people are told of them.
    pub(crate) behind: &'static str,
    /// Asked when it runs, as `one_of`.
    pub(crate) keys: fn() -> &'static [&'static Key],
}

impl Added {
    pub(crate) const NONE: Self = Self {
        behind: "",
        keys: || &[],
    };
}

/// A key of a table.
#[derive(Debug)]
pub struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: KeyType,
    /// What holds without the key: a TOML literal, or words such as `none`. `None`: the key must be there.
    pub(crate) default: Option<&'static str>,
    /// What it means: a fragment, without a full stop.
    pub(crate) doc: &'static str,
}

/// A table that takes these keys and no others.
pub const fn table_keys(what: &'static str, doc: &'static str, keys: &'static [Key]) -> TableKeys {
    TableKeys {
        what,
        doc,
        keys,
        added: Added::NONE,
        one_of: || &[],
    }
}

/// A key that must be there.
pub const fn must(name: &'static str, kind: KeyType, doc: &'static str) -> Key {
    Key {
        name,
        kind,
        default: None,
        doc,
    }
}

/// A key that may be left out; `default` says what holds then.
pub const fn may(
    name: &'static str,
    kind: KeyType,
    default: &'static str,
    doc: &'static str,
) -> Key {
    Key {
        name,
        kind,
        default: Some(default),
        doc,
    }
}

/// `true` or `false`.
pub const fn flag(name: &'static str, default: &'static str, doc: &'static str) -> Key {
    may(name, KeyType::Flag, default, doc)
}

/// A string.
pub(crate) const fn text(name: &'static str, default: &'static str, doc: &'static str) -> Key {
    may(name, KeyType::Text, default, doc)
}

/// A duration.
pub const fn time(name: &'static str, default: &'static str, doc: &'static str) -> Key {
    may(name, KeyType::TIME, default, doc)
}

/// A file or a folder beside the scenario's file, of which there is none unless it is said.
pub(crate) const fn path(name: &'static str, doc: &'static str) -> Key {
    may(name, KeyType::PATH, "none", doc)
}

/// An array, which is empty unless it is said.
pub const fn list(name: &'static str, of: &'static KeyType, doc: &'static str) -> Key {
    may(name, KeyType::List(of), "[]", doc)
}

/// A table whose keys the scenario chooses, which is empty unless it is said.
pub(crate) const fn map(name: &'static str, of: &'static KeyType, doc: &'static str) -> Key {
    may(name, KeyType::Map(of), "{}", doc)
}

impl TableKeys {
    /// The same with keys that come from rows further to the right.
    pub(crate) const fn with(self, added: Added) -> Self {
        Self { added, ..self }
    }

    /// Every key, those of `one_of` aside.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'static Key> + Clone + use<> {
        let behind = |key: &Key| key.name == self.added.behind;
        let at = self.keys.iter().position(behind);
        let (before, after) = self.keys.split_at(at.map_or(self.keys.len(), |at| at + 1));
        let added = (self.added.keys)().iter().copied();
        before.iter().chain(added).chain(after)
    }

    /// The key of that name, those of `one_of` aside.
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.all().find(|key| key.name == name)
    }

    /// The name of every key.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + Clone + use<> {
        let keys = self.all().map(|key| key.name);
        keys.chain((self.one_of)().iter().map(|table_keys| table_keys.what))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// Whether the table takes the key, and with values for which `fits` holds.
    pub(crate) fn takes(&self, name: &str, fits: impl Fn(&KeyType) -> bool) -> bool {
        match self.key(name) {
            Some(key) => fits(&key.kind),
            None => self.has(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every table of the format, the file's first.
    fn all_keys() -> Vec<&'static TableKeys> {
        let mut all: Vec<&'static TableKeys> = vec![&FILE];
        let mut at = 0;
        while let Some(table_keys) = all.get(at).copied() {
            let inner = table_keys.all().filter_map(|key| key.kind.table_keys());
            for inner in inner.chain((table_keys.one_of)()) {
                // Constants have no address of their own; two tables of one name are one table.
                if all.iter().all(|known| known.what != inner.what) {
                    all.push(inner);
                }
            }
            at += 1;
        }
        all
    }

    #[test]
    fn the_readme_documents_every_key() {
        let readme = include_str!("../../../../../scenarios/README.md");
        for table_keys in all_keys() {
            for key in table_keys.names() {
                let what = table_keys.what;
                assert!(readme.contains(&format!("`{key}`")), "`{key}` of {what}");
            }
        }
    }

    #[test]
    fn no_table_has_a_key_twice_or_one_without_words() {
        for table_keys in all_keys() {
            let mut names: Vec<_> = table_keys.names().collect();
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            assert_eq!(names.len(), count, "{}", table_keys.what);
            for key in table_keys.all() {
                assert!(!key.doc.is_empty() && !key.doc.ends_with('.'), "{key:?}");
                assert!(key.default.is_none_or(|text| !text.is_empty()), "{key:?}");
            }
        }
    }

    #[test]
    fn the_base_has_the_keys_it_is_said_to_have() {
        let base: toml::Table = include_str!("../base.toml").parse().unwrap();
        let mut keys: Vec<_> = base.keys().map(String::as_str).collect();
        keys.sort_unstable_by_key(|key| BASED.iter().position(|known| known == key));
        assert_eq!(keys, BASED);
    }

    #[test]
    fn what_is_laid_over_the_file_is_a_key_of_both() {
        for key in LAYERED {
            assert!(FILE.has(key) && VARIANT.has(key), "{key}");
        }
    }
}
