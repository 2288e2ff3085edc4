//! What a file needs that declares an action of steps and reads it.

pub use super::action::{Action, ActionRow, Actions, Change, Declared};
pub use super::beneath::{UNIT as LARGEST_UNIT, from_here};
pub use super::check_kind::kinds;
pub use super::error::{Fault, code};
pub use super::keys::{
    COST, GROUP_FWD_MASK, Key, KeyType, PRIORITY, TableKeys, bridge_keys, first_of_each, may, must,
    port_flags, table_keys,
};
pub use super::parse::{bad, duration, if_name, ip, mac as parse_mac, our_name, sysctl};
pub use super::read::{At, Bad, parsed};
pub use super::validate::{AskedAction as Asked, Takes, bridge_options, port_options, read_kind};
pub use crate::networkd::SUFFIXES as UNIT_SUFFIXES;
