//! Which files and folders a scenario's file names.

use std::collections::BTreeSet;
use std::path::Path;

use toml::{Table, Value};

/// Keys whose value is a file or folder beside the scenario's file.
const PATHS: [&str; 7] = [
    "networkd",
    "units",
    "files",
    "nftables",
    "iptables",
    "ip6tables",
    "file",
];

/// Keys and relative paths, those of its variants included.
///
/// # Errors
/// When the text is no TOML.
pub(crate) fn references(text: &str) -> Result<BTreeSet<(String, String)>, toml::de::Error> {
    let mut found = BTreeSet::new();
    gather(&text.parse()?, &mut found);
    Ok(found)
}

/// Keys and values of [`PATHS`] anywhere in a table.
fn gather(table: &Table, found: &mut BTreeSet<(String, String)>) {
    for (key, value) in table {
        match value {
            Value::String(text) if PATHS.contains(&key.as_str()) && is_beside(text) => {
                found.insert((key.clone(), text.clone()));
            }
            Value::Table(inner) => gather(inner, found),
            Value::Array(items) => {
                let tables = items.iter().filter_map(Value::as_table);
                tables.for_each(|inner| gather(inner, found));
                // Of the matrix: each is the value of one form.
                let texts = items.iter().filter_map(Value::as_str);
                let texts = texts.filter(|text| PATHS.contains(&key.as_str()) && is_beside(text));
                found.extend(texts.map(|text| (key.clone(), text.to_owned())));
            }
            _ => {}
        }
    }
}

fn is_beside(text: &str) -> bool {
    !text.is_empty() && !Path::new(text).is_absolute()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::keys::{FILE, KeyType, TableKeys};

    /// Keys of paths in a table and in those below it.
    fn keys<'s>(
        table_keys: &'s TableKeys,
        seen: &mut Vec<&'static str>,
        found: &mut BTreeSet<&'s str>,
    ) {
        if seen.contains(&table_keys.what) {
            return;
        }
        seen.push(table_keys.what);
        for key in table_keys.keys {
            let mut kind = &key.kind;
            while let KeyType::List(inner) | KeyType::Map(inner) = kind {
                kind = inner;
            }
            match kind {
                KeyType::Like("path", _) => drop(found.insert(key.name)),
                KeyType::Table(inner) | KeyType::TextOr(inner) | KeyType::ById(inner) => {
                    keys(inner, seen, found);
                }
                _ => {}
            }
        }
        for one in (table_keys.one_of)() {
            keys(one, seen, found);
        }
    }

    #[test]
    fn each_value_of_a_matrix_is_a_path() {
        let text = "[matrix]\nunits = ['a', 'b']\n[matrix.host]\nnetworkd = ['c', '/d']\n\
            [guests.x]\nfiles = 'e'\nwithout_units = ['f']\n";
        let found = references(text).expect("TOML");
        let paths: Vec<_> = found.iter().map(|(_, path)| path.as_str()).collect();
        assert_eq!(paths, ["e", "c", "a", "b"]);
    }

    #[test]
    fn every_key_of_a_path_is_known_here() {
        let mut found = BTreeSet::new();
        keys(&FILE, &mut Vec::new(), &mut found);
        assert_eq!(found, BTreeSet::from(PATHS));
    }
}
