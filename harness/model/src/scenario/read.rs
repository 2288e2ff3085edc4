//! Typed reading of the tree: each getter takes what it can and reports the rest, so that one fault hides no
//! other.

use std::collections::BTreeMap;

pub use super::error::Bad;
use super::error::code;
pub use super::faults::{At, Faults, Reported};
use super::file::{Entry, Node, Place, Table, Value};
use super::keys::{KeyType, Requires, TableKeys};
use super::parse::one_of;

/// Turns a string into what it means.
pub(crate) type Word<T> = fn(&str) -> Result<T, Bad>;

/// One table being read.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    table: &'a Table,
    /// Where it stands.
    pub place: &'a Place,
    pub(crate) table_keys: &'static TableKeys,
    faults: &'a Faults,
}

impl<'a> Reader<'a> {
    /// Starts reading a table, reporting every key that its declaration does not have.
    pub(crate) fn new(
        table: &'a Table,
        place: &'a Place,
        table_keys: &'static TableKeys,
        faults: &'a Faults,
    ) -> Self {
        Self::within(None, table, place, table_keys, faults)
    }

    /// As [`Reader::new`], of a table that stands in one of another kind: its keys may be meant for that.
    fn within(
        outer: Option<&'static TableKeys>,
        table: &'a Table,
        place: &'a Place,
        table_keys: &'static TableKeys,
        faults: &'a Faults,
    ) -> Self {
        for (key, entry) in table {
            if !table_keys.has(key) {
                let message = format!("unknown key `{key}` in {}", table_keys.what);
                let label = "not a known key";
                let outer = outer.filter(|outer| outer.key(key).is_some());
                let help = match outer {
                    Some(outer) => Some(format!("`{key}` is a key of {}", outer.what)),
                    None => faults.suggest(key, "keys", table_keys.names()),
                };
                let told = faults.report(&entry.key, code::UNKNOWN_KEY, message, label);
                told.help_if(help);
            }
        }
        Self {
            table,
            place,
            table_keys,
            faults,
        }
    }

    /// A reader for a value that must be a table.
    pub(crate) fn of(
        node: &'a Node,
        key: &str,
        table_keys: &'static TableKeys,
        faults: &'a Faults,
    ) -> Option<Self> {
        Self::of_within(None, node, key, table_keys, faults)
    }

    fn of_within(
        outer: Option<&'static TableKeys>,
        node: &'a Node,
        key: &str,
        table_keys: &'static TableKeys,
        faults: &'a Faults,
    ) -> Option<Self> {
        if let Value::Table(table) = &node.value {
            return Some(Self::within(outer, table, &node.place, table_keys, faults));
        }
        faults.wrong_type(node, key, "a table");
        None
    }

    /// Whether every key is one that the declaration has.
    pub(crate) fn all_known(&self) -> bool {
        self.table.keys().all(|key| self.table_keys.has(key))
    }

    /// The key with its value, where it is there.
    pub fn entry(&self, key: &str) -> Option<&'a Entry> {
        debug_assert!(
            self.table_keys.has(key),
            "`{key}` is not in its declaration"
        );
        self.table.get(key)
    }

    /// The string of a key, which is read and judged elsewhere.
    pub fn said(&self, key: &str) -> Option<&'a str> {
        self.entry(key)?.node.value.as_text()
    }

    fn node(&self, key: &str) -> Option<&'a Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// That a key is read as what its declaration says it is; the schema is made of the declaration.
    fn is(&self, key: &str, fits: impl Fn(&KeyType) -> bool) {
        debug_assert!(
            self.table_keys.takes(key, fits),
            "`{key}` of {} is read as another type than its declaration has",
            self.table_keys.what
        );
    }

    /// Reports a key that is not there; one that is there but wrong was reported when it was read.
    pub fn need<T>(&self, key: &str, value: Option<T>) -> Option<T> {
        if self.entry(key).is_none() {
            let message = format!("{} needs `{key}`", self.table_keys.what);
            let label = format!("`{key}` is missing");
            self.faults
                .report(self.place, code::MISSING_KEY, message, label);
        }
        value
    }

    /// Reports a key that cannot hold beside what else is said, where it is there.
    pub fn conflict(
        &self,
        key: &str,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Reported<'a> {
        match self.entry(key) {
            Some(entry) => self.faults.conflict(&entry.key, message, label),
            None => Reported::nothing(self.faults),
        }
    }

    /// The same of each of these keys; `message` gets its name.
    pub(crate) fn conflicts(
        &self,
        keys: &[&str],
        message: impl Fn(&str) -> String,
        label: &str,
        help: Option<&str>,
    ) {
        for key in keys {
            let told = self.conflict(key, message(key), label);
            told.help_if(help.map(str::to_owned));
        }
    }

    /// Reports keys that say nothing where what they require is not said in this table.
    pub(crate) fn requires(&self, rule: &Requires) {
        let said = match self.table_keys.key(rule.other).map(|key| key.kind) {
            Some(KeyType::Flag) => self.flag(rule.other) == Some(true),
            _ => self.entry(rule.other).is_some(),
        };
        if !said {
            self.without(rule);
        }
    }

    /// Reports them whatever this table says, of what is required in another one.
    pub(crate) fn without(&self, rule: &Requires) {
        let message = |key: &str| format!("`{key}` without `{}`", rule.other);
        self.conflicts(rule.keys, message, rule.label, rule.help);
    }

    /// The text of a key; another kind of value is reported.
    pub fn text(&self, key: &str) -> Option<At<'a, &'a str>> {
        self.is(key, KeyType::is_text);
        let node = self.node(key)?;
        text_of(node, key, self.faults)
    }

    /// The text of a key, read by `parse`, which says what is wrong with it.
    pub fn word<T>(&self, key: &str, parse: Word<T>) -> Option<At<'a, T>> {
        parsed(self.text(key)?, parse, self.faults)
    }

    /// One of the words that its declaration has.
    pub fn listed_word(&self, key: &str) -> Option<At<'a, &'static str>> {
        let words = self.listed(key);
        let known: Vec<_> = words.iter().map(|&word| (word, word)).collect();
        parsed(
            self.text(key)?,
            |text| one_of(text, key, &known),
            self.faults,
        )
    }

    /// As [`Reader::listed_word`]: what the word stands for, by the table that the declaration was made of.
    pub fn meaning<T: Copy>(&self, key: &str, table: &[(&'static str, T)]) -> Option<At<'a, T>> {
        debug_assert!(
            self.listed(key)
                .iter()
                .eq(table.iter().map(|(word, _)| word)),
            "`{key}` of {} is read by another table than it is declared by",
            self.table_keys.what
        );
        parsed(
            self.text(key)?,
            |text| one_of(text, key, table),
            self.faults,
        )
    }

    /// The words that the declaration has for a key.
    fn listed(&self, key: &str) -> &'static [&'static str] {
        match self.table_keys.key(key).map(|key| key.kind) {
            Some(KeyType::Words(words)) => words,
            _ => {
                debug_assert!(
                    false,
                    "`{key}` of {} has no list of words",
                    self.table_keys.what
                );
                &[]
            }
        }
    }

    /// Whether a key is set; another kind of value is reported.
    pub fn flag(&self, key: &str) -> Option<bool> {
        self.is(key, |kind| matches!(kind, KeyType::Flag));
        let node = self.node(key)?;
        if let Value::Boolean(truth) = node.value {
            return Some(truth);
        }
        self.faults.wrong_type(node, key, "a boolean");
        None
    }

    /// An integer, in the range that its declaration has; the type must hold all of that.
    pub fn number<T: TryFrom<i64>>(&self, key: &str) -> Option<T> {
        let range = self.range(key, |kind| match *kind {
            KeyType::Integer(low, high) => Some((low, high)),
            _ => None,
        });
        let node = self.node(key)?;
        let Value::Integer(number) = node.value else {
            self.faults.wrong_type(node, key, "an integer");
            return None;
        };
        self.in_range(node, key, number, range)
    }

    /// The ends of the range that the declaration has for a key, where `ends` finds one.
    fn range(&self, key: &str, ends: impl Fn(&KeyType) -> Option<(i64, i64)>) -> (i64, i64) {
        let range = self.table_keys.key(key).and_then(|key| ends(&key.kind));
        debug_assert!(
            range.is_some(),
            "`{key}` of {} is read as another type than its declaration has",
            self.table_keys.what
        );
        range.unwrap_or((i64::MIN, i64::MAX))
    }

    fn in_range<T: TryFrom<i64>>(
        &self,
        node: &Node,
        key: &str,
        number: i64,
        (low, high): (i64, i64),
    ) -> Option<T> {
        let fits = [low, high].into_iter().all(|end| T::try_from(end).is_ok());
        debug_assert!(
            fits,
            "`{key}` of {} may be larger than its type",
            self.table_keys.what
        );
        if (low..=high).contains(&number) {
            return T::try_from(number).ok();
        }
        let label = format!("must be between {low} and {high}");
        self.out_of_range(node, key, label);
        None
    }

    fn out_of_range(&self, node: &Node, key: &str, label: String) {
        let message = format!("`{key}` is out of range");
        self.faults
            .report(&node.place, code::BAD_VALUE, message, label);
    }

    /// Two integers as `[least, most]`, or one that is the least; in the range that its declaration has.
    pub fn bounds(&self, key: &str) -> Option<(u32, Option<u32>)> {
        let range = self.range(key, |kind| match *kind {
            KeyType::Range(low, high) => Some((low, high)),
            _ => None,
        });
        let node = self.node(key)?;
        let one = |node: &Node| match node.value {
            Value::Integer(number) => self.in_range(node, key, number, range),
            _ => {
                self.faults
                    .wrong_type(node, key, "an integer, or an array of two");
                None
            }
        };
        let Value::Array(items) = &node.value else {
            return one(node).map(|least| (least, None));
        };
        let [least, most] = items.as_slice() else {
            self.out_of_range(node, key, "must be `[least, most]`".to_owned());
            return None;
        };
        match (one(least)?, one(most)?) {
            (least, most) if least <= most => Some((least, Some(most))),
            _ => {
                let label = "the first must not be the larger one".to_owned();
                self.out_of_range(node, key, label);
                None
            }
        }
    }

    /// The elements of an array; none when the key is absent.
    pub fn items(&self, key: &str) -> &'a [Node] {
        self.is(key, |kind| kind.is_list(|_| true));
        match self.node(key).map(|node| (node, &node.value)) {
            None => &[],
            Some((_, Value::Array(items))) => items,
            Some((node, _)) => {
                self.faults.wrong_type(node, key, "an array");
                &[]
            }
        }
    }

    /// An array of strings.
    pub fn texts(&self, key: &str) -> Vec<At<'a, &'a str>> {
        self.is(key, |kind| kind.is_list(KeyType::is_text));
        let items = self.items(key).iter();
        items
            .filter_map(|item| text_of(item, key, self.faults))
            .collect()
    }

    /// An array of strings that mean something.
    pub fn words<T>(&self, key: &str, parse: Word<T>) -> Vec<At<'a, T>> {
        let texts = self.texts(key).into_iter();
        texts
            .filter_map(|text| parsed(text, parse, self.faults))
            .collect()
    }

    /// The same, where nobody asks for their places.
    pub fn values<T>(&self, key: &str, parse: Word<T>) -> Vec<T> {
        let words = self.words(key, parse).into_iter();
        words.map(|word| word.value).collect()
    }

    /// An array of tables.
    pub(crate) fn tables(&self, key: &str, table_keys: &'static TableKeys) -> Vec<Reader<'a>> {
        self.is(key, |kind| kind.is_list(|kind| kind.is_table(table_keys)));
        let items = self.items(key).iter();
        items
            .filter_map(|item| Reader::of(item, key, table_keys, self.faults))
            .collect()
    }

    /// A table whose keys the scenario chooses; none when the key is absent.
    pub(crate) fn map(
        &self,
        key: &str,
    ) -> impl Iterator<Item = (At<'a, &'a str>, &'a Node)> + use<'a> {
        self.is(key, |kind| {
            matches!(kind, KeyType::Map(_) | KeyType::Matrix)
        });
        let table = match self.node(key).map(|node| (node, &node.value)) {
            None => None,
            Some((_, Value::Table(table))) => Some(table),
            Some((node, _)) => {
                self.faults.wrong_type(node, key, "a table");
                None
            }
        };
        table.into_iter().flatten().map(|(key, entry)| {
            let place = &entry.key;
            (
                At {
                    value: key.as_str(),
                    place,
                },
                &entry.node,
            )
        })
    }

    /// The same by what the names mean; `read` has each name and its value.
    pub(crate) fn named<N: Ord, T>(
        &self,
        key: &str,
        parse: Word<N>,
        mut read: impl FnMut(At<'a, &'a str>, &'a Node) -> Option<T>,
    ) -> BTreeMap<N, T> {
        let named = self.map(key).filter_map(|(name, node)| {
            let (parsed, value) = (parsed(name, parse, self.faults), read(name, node));
            Some((parsed?.value, value?))
        });
        named.collect()
    }

    /// The table of a key, to be read by its own declaration.
    pub fn table(&self, key: &str, table_keys: &'static TableKeys) -> Option<Reader<'a>> {
        self.is(key, |kind| kind.is_table(table_keys));
        Reader::of_within(
            Some(self.table_keys),
            self.node(key)?,
            key,
            table_keys,
            self.faults,
        )
    }
}

/// A value that must be a string.
pub(crate) fn text_of<'a>(node: &'a Node, key: &str, faults: &Faults) -> Option<At<'a, &'a str>> {
    let place = &node.place;
    let Value::String(text) = &node.value else {
        faults.wrong_type(node, key, "a string");
        return None;
    };
    if text.contains('\0') {
        // The kernel takes a string up to its first NUL byte: execve(2), open(2), netlink(7) alike.
        let message = format!("`{key}` holds a NUL byte");
        let label = "no command, file or name can hold one";
        faults.report(place, code::BAD_VALUE, message, label);
        return None;
    }
    Some(At { value: text, place })
}

/// What a string means, or its fault.
pub fn parsed<'a, T>(
    text: At<'a, &str>,
    parse: impl FnOnce(&str) -> Result<T, Bad>,
    faults: &Faults,
) -> Option<At<'a, T>> {
    let place = text.place;
    match parse(text.value) {
        Ok(value) => Some(At { value, place }),
        Err(bad) => {
            let told = faults.report(place, bad.code, bad.message, bad.label);
            told.help_if(bad.help);
            None
        }
    }
}
