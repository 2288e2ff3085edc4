//! What was typed: a TOML document as a tree in which every key and value knows its place.
//!
//! serde is not asked to read scenarios. It stops at the first unknown key or wrong type, and it forgets
//! which file a value came from once a variant is laid over it. The tree keeps both, so
//! [`validate`](super::validate) can report every fault of every layer at once.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Fault, ScenarioErrors, code};

/// A text that values point into.
#[derive(Debug)]
pub(crate) struct Source {
    /// Path as it is shown to people.
    pub(crate) shown: PathBuf,
    /// The whole text.
    pub(crate) text: String,
    /// Whether this is the built-in base; where a clash has two places, the other one is at fault.
    pub(crate) built_in: bool,
    /// Byte offset of the start of each line.
    lines: Vec<usize>,
    /// Characters before every [`STRIDE`]th byte: in a long line nobody counts from its start for each fault.
    characters: Vec<usize>,
}

/// Bytes between two that characters are counted up to.
const STRIDE: usize = 1024;

impl Source {
    pub(crate) fn new(shown: PathBuf, text: String, built_in: bool) -> Arc<Self> {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(starts).collect();
        let mut count = 0;
        let characters = text.as_bytes().chunks(STRIDE).map(|chunk| {
            let before = count;
            count += begun(chunk);
            before
        });
        let characters = characters.collect();
        Arc::new(Self {
            shown,
            text,
            built_in,
            lines,
            characters,
        })
    }

    /// Line (from 0) of a byte offset.
    fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|&start| start <= offset) - 1
    }

    /// Line and column of a byte offset, both from 1; columns count characters.
    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let offset = boundary(&self.text, offset);
        let line = self.line(offset);
        let column = self.characters_before(offset) - self.characters_before(self.lines[line]);
        (line + 1, column + 1)
    }

    /// Characters of the text before a byte offset at which one begins.
    fn characters_before(&self, offset: usize) -> usize {
        // The text's end may be where the next stretch would begin.
        let at = (offset / STRIDE).min(self.characters.len().saturating_sub(1));
        let before = self.characters.get(at).copied().unwrap_or_default();
        before + begun(&self.text.as_bytes()[at * STRIDE..offset])
    }

    /// The line that holds a byte offset, without its line end, and the offset of its first byte.
    pub(crate) fn line_at(&self, offset: usize) -> (usize, &str) {
        let line = self.line(offset.min(self.text.len()));
        let start = self.lines[line];
        let end = self
            .lines
            .get(line + 1)
            .map_or(self.text.len(), |&next| next);
        (start, self.text[start..end].trim_end_matches(['\n', '\r']))
    }
}

/// Characters that begin in these bytes of UTF-8.
fn begun(bytes: &[u8]) -> usize {
    let begins = |byte: &&u8| **byte & 0xc0 != 0x80;
    bytes.iter().filter(begins).count()
}

/// The nearest character boundary at or before an offset.
pub(crate) fn boundary(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Where something stands.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) source: Arc<Source>,
    /// Bytes of the source.
    pub(crate) span: Range<usize>,
}

impl Place {
    /// Sorts the built-in base first, then by position: of two that clash the later one is reported.
    pub(crate) fn order(&self) -> (bool, usize, usize) {
        (!self.source.built_in, self.span.start, self.span.end)
    }
}

/// A value and its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// A TOML value; the kinds that no key takes are kept by name only.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    String(String),
    Integer(i64),
    Boolean(bool),
    Array(Vec<Node>),
    Table(Table),
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
    pub(crate) fn is_array(&self) -> bool {
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
pub(crate) struct Entry {
    pub(crate) key: Place,
    pub(crate) node: Node,
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
    use super::*;

    fn source(text: &str) -> Arc<Source> {
        Source::new(PathBuf::from("a.toml"), text.to_owned(), false)
    }

    #[test]
    fn positions_count_lines_and_characters() {
        let source = source("a\n\u{e4}b\r\n\nlast");
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(4), (2, 2));
        assert_eq!(source.position(3), (2, 1), "inside a character: its start");
        assert_eq!(source.position(7), (3, 1));
        assert_eq!(source.position(99), (4, 5));
        assert_eq!(source.line_at(4), (2, "\u{e4}b"));
        assert_eq!(source.line_at(99), (8, "last"));
    }

    #[test]
    fn columns_of_a_long_line_are_those_of_a_short_one() {
        let text = "a\u{e4}\u{1f600}b".repeat(1000);
        let source = source(&text);
        for (before, (at, _)) in text.char_indices().enumerate() {
            assert_eq!(source.position(at), (1, before + 1));
        }
        assert_eq!(source.position(text.len()), (1, 4001));
        assert_eq!(
            super::Source::new(PathBuf::new(), String::new(), false).position(0),
            (1, 1)
        );
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
