//! The format as data: which keys each table takes, of which type, with which default, and what they mean.
//!
//! The reader knows keys and types from here, `schema` makes the JSON Schema of it, and a test holds
//! `scenarios/README.md` against it. A new key is one line in the file of its table, one in the README, and the
//! code in `validate` that reads it.

mod every_check;
mod file;
mod guest;
mod key;
mod machine;
mod port;
pub(crate) mod requires;
mod step;

pub(crate) use every_check::CHECK;
pub(crate) use file::{ANY_OF, BASED, BASES, FILE, IS_SWITCH, LAYERED, SEGMENT, VARIANT};
pub(crate) use guest::{CONTAINER, GUEST, GUEST_INTERFACE};
pub use key::{Added, Key, KeyType, TableKeys, first_of_each};
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
