//! From where a check looks.

use std::fmt;

use super::names::MachineName;

/// Where a check looks from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum VantagePoint {
    /// A namespace machine.
    Machine(MachineName),
    /// Inside a guest.
    Guest(MachineName),
    /// Inside a container of a guest; written `GUEST/CONTAINER`.
    Container(MachineName, MachineName),
}

/// As it is written: a name, or `GUEST/CONTAINER`.
impl fmt::Display for VantagePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine(name) | Self::Guest(name) => write!(f, "{name}"),
            Self::Container(guest, container) => write!(f, "{guest}/{container}"),
        }
    }
}
