//! Values that stand over every layer of a scenario, for as long as one command: `bridgelab run NAME --set vcpu=2`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::file::{Entry, Node, Place, Source, Table, Value};
use super::keys::{GUEST, GUEST_INTERFACE, Key, KeyType, TableKeys};
use super::matrix_value::MatrixValue;
use crate::diagnostic::Diagnose;
use crate::did_you_mean::suggest;
use crate::place::COMMAND_LINE;

/// Words of a command line for keys whose own name says too little there.
const ALIASES: [(&str, &str); 1] = [("nic", "type")];

/// One key of guests, or of the interfaces of guests, and the value that it has in all of them. Whatever file, variant
/// and matrix say of it does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Overrides {
    /// As it was asked for: the key, or another word for it (`nic`: `type` of an interface).
    word: String,
    /// The value as text.
    value: String,
}

/// What cannot be imposed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct OverridesError {
    message: String,
    help: Option<String>,
}

impl Diagnose for OverridesError {
    fn code(&self) -> &'static str {
        "scenario.imposed"
    }

    fn help(&self) -> Option<String> {
        self.help.clone()
    }
}

impl Overrides {
    /// A key of guests or of their interfaces that takes a single value, or `nic`; and a value that it takes.
    ///
    /// # Errors
    ///
    /// When there is no such key, or it takes no such value in any scenario. Whether the value goes with the rest of a
    /// scenario only [`load_with`](super::load_with) can tell.
    pub fn new(word: &str, value: &str) -> Result<Self, OverridesError> {
        let Some((_, key)) = place_of(word) else {
            let known = KINDS.iter().flat_map(|table_keys| single(table_keys));
            let known = known.chain(ALIASES.map(|(alias, _)| alias));
            return Err(OverridesError {
                message: format!(
                    "`{word}` is no key of guests or of their interfaces that takes a single value"
                ),
                help: Some(suggest(word, "such keys", known)),
            });
        };
        let refused = |help: String| OverridesError {
            message: format!("`{word}` cannot be `{value}`"),
            help: Some(help),
        };
        if let Some(words) = key.kind.words()
            && !words.contains(&value)
        {
            let help = suggest(value, "known words", words.into_iter());
            return Err(refused(help));
        }
        match key.kind {
            KeyType::Integer(low, high)
                if !value
                    .parse()
                    .is_ok_and(|number: i64| (low..=high).contains(&number)) =>
            {
                Err(refused(format!("a number between {low} and {high}")))
            }
            KeyType::Flag if value.parse::<bool>().is_err() => {
                Err(refused("`true` or `false`".to_owned()))
            }
            _ => Ok(Self {
                word: word.to_owned(),
                value: value.to_owned(),
            }),
        }
    }

    /// As forms name it.
    pub(super) fn named(&self) -> MatrixValue {
        MatrixValue {
            owner: None,
            interface: None,
            key: self.word.clone(),
            value: self.value.clone(),
        }
    }

    /// The key that it sets.
    pub(super) fn key(&self) -> &str {
        key_of(&self.word)
    }

    /// Sets it in every guest of a tree.
    pub(super) fn lay(&self, tree: &mut Table) {
        let Some((table_keys, key)) = place_of(&self.word) else {
            return; // `new` lets none of these through
        };
        let value = match key.kind {
            KeyType::Integer(..) => self.value.parse().map(Value::Integer).ok(),
            KeyType::Flag => self.value.parse().map(Value::Boolean).ok(),
            _ => None,
        };
        let value = value.unwrap_or_else(|| Value::String(self.value.clone()));
        let entry = self.entry(value);
        let guests = tree.get_mut("guests");
        let guests = guests.and_then(|entry| entry.node.value.as_table_mut());
        for guest in guests.into_iter().flat_map(BTreeMap::values_mut) {
            let Some(guest) = guest.node.value.as_table_mut() else {
                continue;
            };
            if table_keys.what == GUEST.what {
                guest.insert(key.name.to_owned(), entry.clone());
                continue;
            }
            let interfaces = guest.get_mut("interfaces");
            let interfaces = interfaces.and_then(|entry| entry.node.value.as_array_mut());
            for interface in interfaces.into_iter().flatten() {
                if let Some(interface) = interface.value.as_table_mut() {
                    interface.insert(key.name.to_owned(), entry.clone());
                }
            }
        }
    }

    /// The value with the place that faults point at: what was typed.
    fn entry(&self, value: Value) -> Entry {
        let text = self.to_string();
        let ends = text.len();
        let source = Source::new(PathBuf::from(COMMAND_LINE), text, false);
        let place = |span| Place {
            source: source.clone(),
            span,
        };
        Entry {
            key: place(0..self.word.len()),
            node: Node {
                place: place(self.word.len() + 1..ends),
                value,
            },
        }
    }
}

const KINDS: [&TableKeys; 2] = [&GUEST, &GUEST_INTERFACE];

fn key_of(word: &str) -> &str {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == word);
    alias.map_or(word, |&(_, key)| key)
}

/// The key that a word means, and the table that it stands in.
fn place_of(word: &str) -> Option<(&'static TableKeys, &'static Key)> {
    let found = |table_keys: &&'static TableKeys| {
        let key = table_keys.key(key_of(word))?;
        key.kind.is_single().then_some((*table_keys, key))
    };
    KINDS.iter().find_map(found)
}

/// The keys of a table that take single values.
fn single(table_keys: &TableKeys) -> impl Iterator<Item = &'static str> + Clone + use<> {
    let keys = table_keys.all().filter(|key| key.kind.is_single());
    keys.map(|key| key.name)
}

/// `KEY=VALUE`, as on a command line.
impl fmt::Display for Overrides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.word, self.value)
    }
}

impl FromStr for Overrides {
    type Err = OverridesError;

    fn from_str(text: &str) -> Result<Self, OverridesError> {
        let Some((word, value)) = text.split_once('=') else {
            return Err(OverridesError {
                message: format!("`{text}` is not `KEY=VALUE`"),
                help: Some("for example `vcpu=2`".to_owned()),
            });
        };
        Self::new(word, value)
    }
}

impl TryFrom<String> for Overrides {
    type Error = OverridesError;

    fn try_from(text: String) -> Result<Self, OverridesError> {
        text.parse()
    }
}

impl From<Overrides> for String {
    fn from(overrides: Overrides) -> Self {
        overrides.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnose;

    #[test]
    fn only_single_values_that_a_key_takes_can_be_imposed() {
        for (text, message, help) in [
            ("vpcu=2", "`vpcu` is no key", "did you mean `vcpu`?"),
            ("units=host", "", ""),
            ("sysctls=1", "`sysctls` is no key", ""),
            (
                "vcpu=none",
                "`vcpu` cannot be `none`",
                "a number between 1 and 255",
            ),
            (
                "vcpu=300",
                "`vcpu` cannot be `300`",
                "a number between 1 and 255",
            ),
            (
                "transport=pcie",
                "`transport` cannot be `pcie`",
                "did you mean `pci`?",
            ),
            ("vhost=on", "`vhost` cannot be `on`", "`true` or `false`"),
            ("vcpu", "`vcpu` is not `KEY=VALUE`", "for example"),
        ] {
            let refused = text.parse::<Overrides>();
            if message.is_empty() {
                assert!(refused.is_ok(), "{text}");
                continue;
            }
            let refused = refused.unwrap_err();
            assert!(refused.to_string().starts_with(message), "{refused}");
            let said = refused.help().unwrap_or_default();
            assert!(said.starts_with(help), "{said}");
        }
    }
}
