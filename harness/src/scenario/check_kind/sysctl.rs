//! `sysctl -n KEY` is the value.

use super::asked::{Asked, Declared, Looks};
use crate::scenario::keys::{KeyType, TableKeys, must, table_keys};
use crate::scenario::parse;

/// `sysctl -n KEY` is the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sysctl {
    /// Dotted key below `net.`.
    pub key: String,
    /// Value.
    pub value: String,
}

impl Declared for Sysctl {
    const KEYS: TableKeys = table_keys(
        "sysctl",
        "`sysctl -n` prints the value",
        &[
            must("key", KeyType::Text, "below `net.`"),
            must("value", KeyType::Text, "value"),
        ],
    );
    const LOOKS: Looks = Looks::ANYWHERE;

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked { reader, .. } = *asked;
        let key = reader.need("key", reader.word("key", parse::sysctl));
        let value = reader.need("value", reader.text("value"));
        Some(Self {
            key: key?.value,
            value: value?.value.to_owned(),
        })
    }
}
