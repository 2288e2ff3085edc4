//! What a file needs that declares an action of steps and reads it.

pub(crate) use super::action::{Action, ActionRow, Actions, Change, Declared};
pub(crate) use super::beneath::UNIT as LARGEST_UNIT;
pub(crate) use super::check_kind::kinds;
pub(crate) use super::error::{Fault, code};
pub(crate) use super::keys::{
    COST, GROUP_FWD_MASK, Key, KeyType, PRIORITY, TableKeys, bridge_keys, first_of_each, may, must,
    port_flags, table_keys,
};
pub(crate) use super::load::shown;
pub(crate) use super::parse::{bad, duration, if_name, ip, mac as parse_mac, our_name, sysctl};
pub(crate) use super::read::{At, Bad, parsed};
pub(crate) use super::validate::{
    AskedAction as Asked, Takes, bridge_options, port_options, read_kind,
};
pub(crate) use crate::networkd::SUFFIXES as UNIT_SUFFIXES;
