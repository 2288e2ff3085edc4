//! What a layer takes away from those below it, by path: `remove = ["guests.test1.docker", "checks.ping.within"]`.

use super::error::code;
use super::file::{Node, Table, Value};
use super::read::{At, Faults};

/// The tree without what the paths lead to; a path that leads nowhere is a fault.
pub(super) fn without(tree: &Table, paths: &[At<'_, &str>], faults: &Faults) -> Table {
    let mut tree = tree.clone();
    for path in paths {
        if let Err((rest, known)) = take(&mut tree, path.value) {
            let message = format!("there is no `{}` to remove", path.value);
            let label = format!("no `{rest}` there in a layer below");
            let known = known.iter().map(String::as_str);
            let help = faults.suggest(&rest, "keys there", known);
            let told = faults.report(path.place, code::UNKNOWN_NAME, message, label);
            told.help_if(help);
        }
    }
    tree
}

/// The most dots of a path that leads anywhere. What is tried at each of them is looked for anew.
const DOTS: usize = 64;

/// The part of a path that leads nowhere, and what there is in its place.
type Nowhere = (String, Vec<String>);

/// A key may have dots itself, as those of `sysctls` have; the longest that fits is meant.
fn take(table: &mut Table, path: &str) -> Result<(), Nowhere> {
    if table.remove(path).is_some() {
        return Ok(());
    }
    if path.bytes().filter(|&byte| byte == b'.').count() > DOTS {
        return Err((path.to_owned(), table.keys().cloned().collect()));
    }
    for (key, rest) in splits(path) {
        if let Some(entry) = table.get_mut(key) {
            return take_from(&mut entry.node, rest);
        }
    }
    Err((path.to_owned(), table.keys().cloned().collect()))
}

fn take_from(node: &mut Node, path: &str) -> Result<(), Nowhere> {
    let items = match &mut node.value {
        Value::Table(table) => return take(table, path),
        Value::Array(items) => items,
        _ => return Err((path.to_owned(), Vec::new())),
    };
    let at = |items: &[Node], name: &str| items.iter().position(|item| name_of(item) == Some(name));
    if let Some(found) = at(items, path) {
        items.remove(found);
        return Ok(());
    }
    for (name, rest) in splits(path) {
        if let Some(found) = at(items, name) {
            return take_from(&mut items[found], rest);
        }
    }
    let names = items.iter().filter_map(name_of).map(str::to_owned);
    Err((path.to_owned(), names.collect()))
}

/// The path before and behind each of its dots, the last one first.
fn splits(path: &str) -> impl Iterator<Item = (&str, &str)> {
    let dots = path.rmatch_indices('.');
    dots.map(|(at, _)| (&path[..at], &path[at + 1..]))
}

/// By which an element of an array is known: the `id` of a check, a step or a guest's interface, the `name` of a machine's.
pub(super) fn name_of(node: &Node) -> Option<&str> {
    let table = node.value.as_table()?;
    let entry = table.get("id").or_else(|| table.get("name"))?;
    entry.node.value.as_text()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::file::{Source, parse};
    use super::*;

    const TREE: &str = "a = 1\n[m.x]\nk = [1]\nsysctls = { 'net.ipv4.x' = '1', 'net.ipv4.y' = '2' }\n\
        interfaces = [{ name = 'eth0', mtu = 9000 }, { name = 'eth1' }]\n[[checks]]\nid = 'a.b'\nwithin = '1s'\n";

    fn left(path: &str) -> Result<String, Nowhere> {
        let source = Source::new(PathBuf::from("a.toml"), TREE.to_owned(), false);
        let mut tree = parse(&source).expect("TOML");
        take(&mut tree, path)?;
        Ok(format!("{:?}", shown(&Value::Table(tree))))
    }

    /// Keys and single values, without places.
    fn shown(value: &Value) -> Vec<String> {
        match value {
            Value::Table(table) => {
                let entries = table.iter().flat_map(|(key, entry)| {
                    let inner = shown(&entry.node.value);
                    std::iter::once(key.clone()).chain(inner)
                });
                entries.collect()
            }
            Value::Array(items) => items.iter().flat_map(|item| shown(&item.value)).collect(),
            Value::String(text) => vec![text.clone()],
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_path_leads_through_tables_keys_with_dots_and_ids() {
        for (path, gone) in [
            ("a", "\"a\", "),
            ("m.x.sysctls.net.ipv4.y", "\"net.ipv4.y\""),
            ("m.x.interfaces.eth0.mtu", "\"mtu\""),
            ("m.x.interfaces.eth1", "\"eth1\""),
            ("checks.a.b.within", "\"within\""),
            ("checks.a.b", "\"a.b\""),
        ] {
            let left = left(path).unwrap_or_else(|nowhere| panic!("{path}: {nowhere:?}"));
            assert!(!left.contains(gone), "{path}: {left}");
            assert!(left.contains("net.ipv4.x"), "{path}: {left}");
        }
        let (rest, known) = left("m.x.kk").expect_err("there is none");
        assert_eq!(rest, "kk");
        assert_eq!(known, ["interfaces", "k", "sysctls"]);
        assert!(left("m.x.k.1").is_err());
    }
}
