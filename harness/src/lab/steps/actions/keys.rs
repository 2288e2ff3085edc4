//! Keys that several actions have.

use crate::scenario::declare::{Key, KeyType, must};

/// Documentation of the key `on`, for actions on machines and guests, and for those on machines only.
pub(super) const ON: &str = "where it is done: a machine or a guest";

pub(super) const ON_MACHINE: &str = "where it is done: a machine";

/// The keys of an action on one link.
pub(super) const LINK: &[Key] = &[
    must("on", KeyType::Text, ON),
    must("interface", KeyType::INTERFACE, "link"),
];
