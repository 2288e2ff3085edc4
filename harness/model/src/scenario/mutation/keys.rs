//! The keys of a scenario's file with their places.

use std::ops::Range;
use std::path::PathBuf;

use super::unit_text::line_around;
use crate::place::Source;
use crate::scenario::file::{Node, Value, parse};

/// A key of the file, or an element of an array.
#[derive(Debug, Clone)]
pub(super) struct TomlKey {
    /// Names from the file's top; an element of an array by its number.
    pub(super) path: Vec<String>,
    /// Bytes of the key's last part; of an element, of the element itself.
    pub(super) key_at: Range<usize>,
    /// Bytes of the value, with quotes.
    pub(super) value_at: Range<usize>,
    /// The value.
    pub(super) value: Value,
    /// Bytes of the array or inline table around it, where it is in one.
    pub(super) inside: Option<Range<usize>>,
}

impl TomlKey {
    /// Whether its path is of that form: `guests.*.mac`, with `*` for any one name.
    pub(super) fn is(&self, form: &str) -> bool {
        let form: Vec<&str> = form.split('.').collect();
        let mut pairs = form.iter().zip(&self.path);
        form.len() == self.path.len() && pairs.all(|(form, name)| *form == "*" || form == name)
    }

    /// The bytes with which the key goes: its whole lines, or in an array or inline table with one comma. `None`: it is a part of
    /// something that cannot be cut.
    pub(super) fn cut(&self, text: &str) -> Option<Range<usize>> {
        let from = self.key_at.start.min(self.value_at.start);
        match &self.inside {
            None => {
                let line = line_around(text, &(from..self.value_at.end));
                let before = &text[line.start..from];
                let plain = |c: char| c.is_alphanumeric() || " .\"-_'".contains(c);
                let after = text[self.value_at.end..line.end].trim();
                (before.chars().all(plain) && (after.is_empty() || after.starts_with('#')))
                    .then_some(line)
            }
            Some(around) => {
                let rest = &text[self.value_at.end..around.end];
                let blank = rest.len() - rest.trim_start().len();
                if rest.trim_start().starts_with(',') {
                    let end = self.value_at.end + blank + 1;
                    let more = &text[end..around.end];
                    let blank = more.len() - more.trim_start_matches(' ').len();
                    return Some(from..end + blank);
                }
                let before = text[around.start..from].trim_end();
                match before.strip_suffix(',') {
                    Some(before) => Some(around.start + before.len()..self.value_at.end),
                    None => Some(from..self.value_at.end),
                }
            }
        }
    }
}

/// All keys with a value, and elements of arrays, in the order of the file. Tables are none, but those inline.
pub(super) fn keys(text: &str) -> Vec<TomlKey> {
    let source = Source::new(PathBuf::new(), text.to_owned(), false);
    let Ok(tree) = parse(&source) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (name, entry) in &tree {
        walk(
            text,
            &mut vec![name.clone()],
            &entry.key.span,
            &entry.node,
            None,
            &mut found,
        );
    }
    found.sort_by_key(|key| (key.key_at.start, key.path.len()));
    found
}

/// Whether a table or array is written between brackets, and not with headers.
fn is_inline(text: &str, node: &Node) -> bool {
    let open = match node.value {
        Value::Table(_) => '{',
        Value::Array(_) => '[',
        _ => return true,
    };
    let written = &text[node.place.span.clone()];
    // A header's span is that of the header, which has no value in it.
    written.starts_with(open)
        && match &node.value {
            Value::Array(items) => items
                .iter()
                .all(|item| within(&item.place.span, &node.place.span)),
            Value::Table(table) => table
                .values()
                .all(|entry| within(&entry.node.place.span, &node.place.span)),
            _ => true,
        }
}

fn within(inner: &Range<usize>, outer: &Range<usize>) -> bool {
    outer.start < inner.start && inner.end < outer.end
}

fn walk(
    text: &str,
    path: &mut Vec<String>,
    key_at: &Range<usize>,
    node: &Node,
    inside: Option<&Range<usize>>,
    found: &mut Vec<TomlKey>,
) {
    let inline = is_inline(text, node);
    if inline {
        found.push(TomlKey {
            path: path.clone(),
            key_at: key_at.clone(),
            value_at: node.place.span.clone(),
            value: node.value.clone(),
            inside: inside.cloned(),
        });
    }
    let around = inline.then_some(&node.place.span);
    match &node.value {
        Value::Table(table) => {
            for (name, entry) in table {
                path.push(name.clone());
                walk(text, path, &entry.key.span, &entry.node, around, found);
                path.pop();
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                path.push(number.to_string());
                walk(text, path, &item.place.span, item, around, found);
                path.pop();
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "version = 1\nmachines.host.networkd = \"host\" # x\n[guests.a]\nmem = 5\n\
        interfaces = [{ type = \"tap\", mac = \"m\" }]\n[[checks]]\nid = \"c\"\n";

    fn cut(path: &str) -> Option<String> {
        let keys = keys(TEXT);
        let key = keys.iter().find(|key| key.path.join(".") == path)?;
        let span = key.cut(TEXT)?;
        Some(TEXT[span].to_owned())
    }

    #[test]
    fn keys_are_cut_with_their_line_or_their_comma() {
        for (path, text) in [
            (
                "machines.host.networkd",
                "machines.host.networkd = \"host\" # x\n",
            ),
            ("guests.a.mem", "mem = 5\n"),
            ("guests.a.interfaces.0.type", "type = \"tap\", "),
            ("guests.a.interfaces.0.mac", ", mac = \"m\""),
            ("guests.a.interfaces.0", "{ type = \"tap\", mac = \"m\" }"),
            ("checks.0.id", "id = \"c\"\n"),
        ] {
            assert_eq!(cut(path).as_deref(), Some(text), "{path}");
        }
        assert_eq!(cut("guests.a"), None, "a table with a header is no key");
    }

    #[test]
    fn a_path_is_of_a_form() {
        let keys = keys(TEXT);
        let mac = keys
            .iter()
            .filter(|key| key.is("guests.*.interfaces.*.mac"));
        assert_eq!(mac.count(), 1);
        assert!(!keys.iter().any(|key| key.is("guests.*.mac")));
    }
}
