//! Keys that several kinds of checks have.

use crate::scenario::keys::{Key, KeyType, may};

/// A switch of a bridge's port that is looked at.
pub const fn seen(name: &'static str, kind: KeyType, _: &str, doc: &'static str) -> Key {
    may(name, kind, "any", doc)
}

/// `absent`, of a kind that looks for something by its name.
pub const ABSENT: Key = may("absent", KeyType::Flag, "false", "there is none");

/// `source`, of a kind that sends packets.
pub const SOURCE: Key = may(
    "source",
    KeyType::IP,
    "the kernel's choice",
    "address of the vantage to send from",
);
