//! What was typed: a TOML document as a tree in which every key and value knows its place.
//!
//! serde is not asked to read scenarios. It stops at the first unknown key or wrong type, and it forgets
//! which file a value came from once a variant is laid over it. The tree keeps both, so
//! [`validate`](super::validate) can report every fault of every layer at once.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Fault, ScenarioErrors, code};
pub use crate::place::{Place, Source};

/// A value and its place.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where it stands in its file.
    pub place: Place,
    /// What stands there.
    pub value: Value,
}

/// A TOML value; the kinds that no key takes are kept by name only.
#[derive(Debug, Clone)]
pub enum Value {
    /// A text.
    String(String),
    /// A whole number.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// A list.
    Array(Vec<Node>),
    /// A table.
    Table(Table),
    /// A kind of value that no key takes, by its name.
    Other(&'static str),
}

impl Value {
    /// The text of a string.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// A table.
    pub(crate) fn as_table(&self) -> Option<&Table> {
        match self {
            Self::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The same, to change it.
    pub(crate) fn as_table_mut(&mut self) -> Option<&mut Table> {
        match self {
            Self::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The elements of an array, to change them.
    pub(crate) fn as_array_mut(&mut self) -> Option<&mut Vec<Node>> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// Whether it is an array.
    pub fn is_array(&self) -> bool {
        matches!(self, Self::Array(_))
    }

    /// Whether both say the same, wherever they stand.
    pub(crate) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::String(one), Self::String(other)) => one == other,
            (Self::Integer(one), Self::Integer(other)) => one == other,
            (Self::Boolean(one), Self::Boolean(other)) => one == other,
            (Self::Array(one), Self::Array(other)) => {
                let mut pairs = one.iter().zip(other);
                one.len() == other.len() && pairs.all(|(one, other)| one.value.same(&other.value))
            }
            (Self::Table(one), Self::Table(other)) => same(one, other),
            // Of other kinds nothing is known but that no key takes them.
            _ => false,
        }
    }

    /// The kind with its article, as errors say it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::String(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Boolean(_) => "a boolean",
            Self::Array(_) => "an array",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }
}

/// A key's place and its value.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Where the key stands.
    pub key: Place,
    /// Its value.
    pub node: Node,
}

/// Keys and values.
pub(crate) type Table = BTreeMap<String, Entry>;

/// Whether both have the same keys with the same values, wherever they stand.
pub(crate) fn same(one: &Table, other: &Table) -> bool {
    let mut pairs = one.iter().zip(other);
    one.len() == other.len()
        && pairs.all(|((key, entry), (other_key, other))| {
            key == other_key && entry.node.value.same(&other.node.value)
        })
}

/// Reads a whole document; all syntax errors at once, of each line the first (the rest only echo it).
pub(crate) fn parse(source: &Arc<Source>) -> Result<Table, ScenarioErrors> {
    let (document, errors) = DeTable::parse_recoverable(&source.text);
    let mut first_of_line: BTreeMap<usize, (Range<usize>, &str)> = BTreeMap::new();
    for error in &errors {
        let span = error.span().unwrap_or_else(|| deepest(&source.text));
        let (line, _) = source.position(span.start);
        let earlier = first_of_line.get(&line);
        if earlier.is_none_or(|(other, _)| span.start < other.start) {
            first_of_line.insert(line, (span, error.message()));
        }
    }
    let fault = |(span, message): (Range<usize>, &str)| {
        let source = Arc::clone(source);
        let place = Place { source, span };
        Fault::new(&place, code::SYNTAX, "this is not TOML", message)
    };
    match ScenarioErrors::new(first_of_line.into_values().map(fault).collect()) {
        Some(errors) => Err(errors),
        None => Ok(table(source, document.get_ref())),
    }
}

/// Where a key is that has more parts than the parser takes, which does not say it: the line with the most dots.
fn deepest(text: &str) -> Range<usize> {
    let dots = |line: &str| line.bytes().filter(|byte| *byte == b'.').count();
    let (mut begin, mut most, mut found) = (0, 0, 0..0);
    for line in text.split_inclusive('\n') {
        if dots(line) > most {
            most = dots(line);
            found = begin..begin + line.trim_end().len();
        }
        begin += line.len();
    }
    found
}

fn table(source: &Arc<Source>, table: &DeTable<'_>) -> Table {
    let place = |span: Range<usize>| Place {
        source: Arc::clone(source),
        span,
    };
    let entry = |(key, value): (&Spanned<_>, &Spanned<_>)| {
        let text: &std::borrow::Cow<'_, str> = key.get_ref();
        let entry = Entry {
            key: place(key.span()),
            node: node(source, value),
        };
        (text.clone().into_owned(), entry)
    };
    table.iter().map(entry).collect()
}

fn node(source: &Arc<Source>, value: &Spanned<DeValue<'_>>) -> Node {
    let place = Place {
        source: Arc::clone(source),
        span: value.span(),
    };
    let value = match value.get_ref() {
        DeValue::String(text) => Value::String(text.clone().into_owned()),
        DeValue::Integer(digits) => i64::from_str_radix(digits.as_str(), digits.radix())
            .map_or(Value::Other("a huge integer"), Value::Integer),
        DeValue::Boolean(truth) => Value::Boolean(*truth),
        DeValue::Array(items) => {
            Value::Array(items.iter().map(|item| node(source, item)).collect())
        }
        DeValue::Table(inner) => Value::Table(table(source, inner)),
        DeValue::Float(_) => Value::Other("a float"),
        DeValue::Datetime(_) => Value::Other("a date"),
    };
    Node { place, value }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn source(text: &str) -> Arc<Source> {
        Source::new(PathBuf::from("a.toml"), text.to_owned(), false)
    }

    #[test]
    fn every_line_with_a_syntax_error_is_reported_once() {
        let errors = parse(&source(
            "version = 1\na = \nb = 192.168.1.1.1\nc = 1\nc = 2\n",
        ))
        .unwrap_err();
        let lines: Vec<_> = errors.faults().map(|fault| fault.line).collect();
        assert_eq!(lines, [2, 3, 5]);
    }

    #[test]
    fn nesting_without_end_is_refused_and_not_followed() {
        for text in [
            format!("{} = 1", vec!["a"; 50_000].join(".")),
            format!("[{}]", vec!["a"; 50_000].join(".")),
            format!("a = {}", "[".repeat(50_000)),
            format!("a = {}", "{a=".repeat(50_000)),
        ] {
            assert!(parse(&source(&text)).is_err());
        }
    }
}
