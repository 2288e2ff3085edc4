//! Keys that several kinds of checks have.

use crate::scenario::keys::{Key, Kind, may};

/// A switch of a bridge's port that is looked at.
pub(super) const fn seen(name: &'static str, kind: Kind, _: &str, doc: &'static str) -> Key {
    may(name, kind, "any", doc)
}

pub(super) const ABSENT: Key = may("absent", Kind::Flag, "false", "there is none");

pub(super) const SOURCE: Key = may(
    "source",
    Kind::IP,
    "the kernel's choice",
    "address of the vantage to send from",
);
