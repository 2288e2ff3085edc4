//! Lays one layer over another: base, then file, then variant.
//!
//! Tables merge key by key, checks and steps merge by id, everything else replaces. An empty table takes away what is below
//! it, other than a machine, guest or segment: there it is one of which nothing is changed. Places travel with the values, so a
//! fault in the result still points at the layer that wrote it.

use std::collections::BTreeMap;

use super::action;
use super::check_kind::kinds;
use super::file::{Entry, Node, Table, Value};
use super::keys::TableKeys;
use super::lookup;

/// `over` laid over `base`.
pub(super) fn lay(base: &Table, over: &Table) -> Table {
    let mut laid = base.clone();
    for (key, entry) in over {
        let kinds = match key.as_str() {
            "checks" => Some(kinds()),
            "steps" => Some(action::keys()),
            _ => None,
        };
        if let Some(kinds) = kinds
            && let Some(below) = laid.get_mut(key)
        {
            lay_by_id(&mut below.node, &entry.node, kinds);
        } else if NAMED.contains(&key.as_str()) {
            lay_named(&mut laid, key, entry);
        } else {
            lay_entry(&mut laid, key, entry);
        }
    }
    laid
}

/// Tables of things that a layer takes away by name, not by saying nothing of them.
const NAMED: [&str; 3] = ["machines", "guests", "segments"];

fn lay_named(table: &mut Table, key: &str, over: &Entry) {
    if let Some(below) = table.get_mut(key)
        && let Value::Table(below) = &mut below.node.value
        && let Value::Table(above) = &over.node.value
        && !above.is_empty()
    {
        for (name, one) in above {
            match below.get_mut(name) {
                Some(known) if is_empty(&one.node) => known.key = one.key.clone(),
                _ => lay_entry(below, name, one),
            }
        }
    } else {
        lay_entry(table, key, over);
    }
}

fn is_empty(node: &Node) -> bool {
    matches!(&node.value, Value::Table(table) if table.is_empty())
}

fn lay_entry(table: &mut Table, key: &str, over: &Entry) {
    match table.get_mut(key) {
        Some(below) if matches!(below.node.value, Value::Table(_)) && is_empty(&over.node) => {
            table.remove(key);
        }
        Some(below) => {
            below.key = over.key.clone();
            lay_node(&mut below.node, &over.node);
        }
        None => {
            table.insert(key.to_owned(), over.clone());
        }
    }
}

fn lay_node(base: &mut Node, over: &Node) {
    let (Value::Table(below), Value::Table(above)) = (&mut base.value, &over.value) else {
        *base = over.clone();
        return;
    };
    base.place = over.place.clone();
    for (key, entry) in above {
        lay_entry(below, key, entry);
    }
}

/// Changes the checks or steps whose id is there already and appends the others, in order; a new one with `before`
/// goes before the one of that id.
///
/// An id that `over` itself holds twice is laid once and appended once, so that it is reported as a duplicate.
fn lay_by_id(base: &mut Node, over: &Node, kinds: &[TableKeys]) {
    let (Value::Array(below), Value::Array(above)) = (&mut base.value, &over.value) else {
        *base = over.clone();
        return;
    };
    let mut open: BTreeMap<String, usize> = below
        .iter()
        .enumerate()
        .rev() // of duplicates the first stays
        .filter_map(|(at, one)| Some((text(one, "id")?.to_owned(), at)))
        .collect();
    let mut new = Vec::new();
    for one in above {
        match text(one, "id").and_then(|id| open.remove(id)) {
            Some(at) => {
                drop_other_kind(&mut below[at], one, kinds);
                lay_node(&mut below[at], one);
            }
            None => new.push(one),
        }
    }
    for one in new {
        let at = text(one, "before").and_then(|before| {
            let is_it = |other: &Node| text(other, "id") == Some(before);
            below.iter().position(is_it)
        });
        below.insert(at.unwrap_or(below.len()), one.clone());
    }
}

fn text<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    lookup::text(node.value.as_table()?, key)
}

/// A layer that gives a check another kind, or a step another action, takes the old one away.
fn drop_other_kind(base: &mut Node, over: &Node, kinds: &[TableKeys]) {
    let (Value::Table(below), Value::Table(above)) = (&mut base.value, &over.value) else {
        return;
    };
    let is_kind = |key: &str| kinds.iter().any(|kind| kind.what == key);
    if above.keys().any(|key| is_kind(key)) {
        below.retain(|key, _| !is_kind(key) || above.contains_key(key));
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::scenario::file::{Source, parse};

    fn table(text: &str) -> Table {
        parse(&Source::new(
            PathBuf::from("a.toml"),
            text.to_owned(),
            false,
        ))
        .unwrap()
    }

    /// The tree as text, without places.
    fn show(table: &Table) -> String {
        fn value(node: &Node) -> String {
            match &node.value {
                Value::String(text) => text.clone(),
                Value::Integer(number) => number.to_string(),
                Value::Array(items) => {
                    format!(
                        "[{}]",
                        items.iter().map(value).collect::<Vec<_>>().join(" ")
                    )
                }
                Value::Table(table) => format!("{{{}}}", show(table)),
                other => other.kind().to_owned(),
            }
        }
        let entry = |(key, entry): (&String, &Entry)| format!("{key}={}", value(&entry.node));
        table.iter().map(entry).collect::<Vec<_>>().join(" ")
    }

    fn laid(base: &str, over: &str) -> String {
        show(&lay(&table(base), &table(over)))
    }

    #[test]
    fn tables_merge_and_everything_else_replaces() {
        assert_eq!(
            laid(
                "a = 1\n[m.x]\nk = [1, 2]\nl = 1",
                "[m.x]\nk = [3]\n[m.y]\nz = 1"
            ),
            "a=1 m={x={k=[3] l=1} y={z=1}}"
        );
        assert_eq!(laid("a = { b = 1 }", "a = 2"), "a=2");
        assert_eq!(laid("a = 2", "a = { b = 1 }"), "a={b=1}");
    }

    #[test]
    fn an_empty_table_takes_away_what_is_below_it() {
        let base = "[guests.a]\ndocker = { x = 1 }\nmem = 1\n[guests.b]\nmem = 2";
        assert_eq!(
            laid(base, "[guests.a]\ndocker = {}\n[guests.b]"),
            "guests={a={mem=1} b={mem=2}}"
        );
        assert_eq!(laid(base, "guests = {}"), "");
        assert_eq!(laid("a = 1", "b = {}"), "a=1 b={}");
    }

    #[test]
    fn duplicates_within_one_layer_stay_two() {
        assert_eq!(
            laid(
                "checks = [{ id = 'a' }, { id = 'a' }]",
                "checks = [{ id = 'b' }, { id = 'b' }]"
            ),
            "checks=[{id=a} {id=a} {id=b} {id=b}]"
        );
        assert_eq!(
            laid(
                "checks = [{ id = 'a' }]",
                "checks = [{ id = 'a', x = 1 }, { id = 'a' }]"
            ),
            "checks=[{id=a x=1} {id=a}]"
        );
    }
}
