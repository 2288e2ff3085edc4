//! Keys that several kinds of checks have.

use crate::scenario::keys::{Key, KeyType, may};

/// A switch of a bridge's port that is looked at.
pub(crate) const fn seen(name: &'static str, kind: KeyType, _: &str, doc: &'static str) -> Key {
    may(name, kind, "any", doc)
}

pub(crate) const ABSENT: Key = may("absent", KeyType::Flag, "false", "there is none");

pub(crate) const SOURCE: Key = may(
    "source",
    KeyType::IP,
    "the kernel's choice",
    "address of the vantage to send from",
);
