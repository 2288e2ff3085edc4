//! Which files and folders a scenario's file names.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::OnceLock;

use toml::{Table, Value};

use super::keys::{FILE, KeyType, TableKeys};

/// Keys and relative paths, those of its variants included.
///
/// # Errors
/// When the text is no TOML.
pub fn references(text: &str) -> Result<BTreeSet<(String, String)>, toml::de::Error> {
    let mut found = BTreeSet::new();
    gather(&text.parse()?, &mut found);
    Ok(found)
}

/// Keys and values of [`paths`] anywhere in a table.
fn gather(table: &Table, found: &mut BTreeSet<(String, String)>) {
    for (key, value) in table {
        match value {
            Value::Table(inner) => gather(inner, found),
            Value::Array(items) => {
                let tables = items.iter().filter_map(Value::as_table);
                tables.for_each(|inner| gather(inner, found));
            }
            _ => {}
        }
        if paths().contains(key.as_str()) {
            // Of the matrix there are several: each is the value of one form.
            let one = std::slice::from_ref(value);
            let texts = value.as_array().map_or(one, Vec::as_slice).iter();
            let texts = texts
                .filter_map(Value::as_str)
                .filter(|text| is_beside(text));
            found.extend(texts.map(|text| (key.clone(), text.to_owned())));
        }
    }
}

fn is_beside(text: &str) -> bool {
    !text.is_empty() && !Path::new(text).is_absolute()
}

/// Keys whose value is a file or folder beside the scenario's file.
fn paths() -> &'static BTreeSet<&'static str> {
    static PATHS: OnceLock<BTreeSet<&'static str>> = OnceLock::new();
    PATHS.get_or_init(|| {
        let mut found = BTreeSet::new();
        keys(&FILE, &mut Vec::new(), &mut found);
        found
    })
}

/// Keys of paths in a table and in those below it.
fn keys(
    table_keys: &'static TableKeys,
    seen: &mut Vec<&'static str>,
    found: &mut BTreeSet<&'static str>,
) {
    if seen.contains(&table_keys.what) {
        return;
    }
    seen.push(table_keys.what);
    for key in table_keys.all() {
        if let Some(inner) = key.kind.table_keys() {
            keys(inner, seen, found);
        } else if matches!(key.kind, KeyType::Like("path", _)) {
            found.insert(key.name);
        }
    }
    for one in (table_keys.one_of)() {
        keys(one, seen, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_of_a_matrix_is_a_path() {
        let text = "[matrix]\nunits = ['a', 'b']\n[matrix.host]\nnetworkd = ['c', '/d']\n\
            [guests.x]\nfiles = 'e'\nwithout_units = ['f']\n";
        let found = references(text).expect("TOML");
        let paths: Vec<_> = found.iter().map(|(_, path)| path.as_str()).collect();
        assert_eq!(paths, ["e", "c", "a", "b"]);
    }
}
