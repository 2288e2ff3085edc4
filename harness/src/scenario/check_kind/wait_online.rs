//! `systemd-networkd-wait-online` returns success.

use super::asked::{Asked, Declared, Looks};
use crate::scenario::keys::{KeyType, TableKeys, may, table_keys};
use crate::scenario::names::IfName;

/// `systemd-networkd-wait-online` returns success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitOnline {
    /// Only this link (`-i`); `None`: all managed links.
    pub interface: Option<IfName>,
}

impl Declared for WaitOnline {
    const KEYS: TableKeys = table_keys(
        "wait_online",
        "`systemd-networkd-wait-online` succeeds",
        &[may(
            "interface",
            KeyType::INTERFACE,
            "all",
            "only this link",
        )],
    );
    const LOOKS: Looks = Looks::networkd();

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        Some(Self {
            interface: asked.interface(),
        })
    }
}
