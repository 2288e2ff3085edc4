//! Looks into a tree that nobody has judged: what is of another kind than is asked for is not there.

use super::file::{Entry, Node, Table, Value};

/// The value of a key.
pub(super) fn value<'t>(table: &'t Table, key: &str) -> Option<&'t Value> {
    table.get(key).map(|entry| &entry.node.value)
}

/// A string.
pub(super) fn text<'t>(table: &'t Table, key: &str) -> Option<&'t str> {
    value(table, key)?.as_text()
}

/// A table.
pub(super) fn table<'t>(table: &'t Table, key: &str) -> Option<&'t Table> {
    value(table, key)?.as_table()
}

/// An array; empty where there is none.
pub(super) fn items<'t>(table: &'t Table, key: &str) -> &'t [Node] {
    match value(table, key) {
        Some(Value::Array(items)) => items,
        _ => &[],
    }
}

/// The tables of an array.
pub(super) fn rows<'t>(
    table: &'t Table,
    key: &str,
) -> impl Iterator<Item = &'t Table> + Clone + use<'t> {
    let items = items(table, key).iter();
    items.filter_map(|item| item.value.as_table())
}

/// The tables of a table, by their names.
pub(super) fn tables<'t>(
    tree: &'t Table,
    key: &str,
) -> impl Iterator<Item = (&'t str, &'t Table)> + Clone + use<'t> {
    let named = table(tree, key).into_iter().flatten();
    named.filter_map(|(name, Entry { node, .. })| Some((name.as_str(), node.value.as_table()?)))
}

/// Checks or steps by their ids.
pub(super) fn with_ids<'t>(
    tree: &'t Table,
    key: &str,
) -> impl Iterator<Item = (&'t str, &'t Table)> + use<'t> {
    rows(tree, key).filter_map(|one| Some((text(one, "id")?, one)))
}

/// Whether a thing of a tree is taken away.
pub(super) fn is_off(thing: &Table) -> bool {
    matches!(value(thing, "enabled"), Some(Value::Boolean(false)))
}
