//! A unit file as it is written.

use std::path::PathBuf;
use std::sync::Arc;

/// A systemd-networkd unit file: the same bytes one would put into `/etc/systemd/network`; or networkd's own configuration,
/// `networkd.conf` and `networkd.conf.d/NAME.conf` (networkd.conf(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitFile {
    /// Name below `/etc/systemd/network`, for example `10-lan.network`, or `10-lan.network.d/mtu.conf` of a drop-in.
    pub name: String,
    /// The file as shown to people; of one that a step has the text of, its name.
    pub shown: PathBuf,
    /// Unmodified content. Empty: the unit is masked (systemd.unit(5)).
    pub bytes: Arc<[u8]>,
}

/// The file of networkd's own configuration.
pub const NETWORKD_CONF: &str = "networkd.conf";

impl UnitFile {
    /// The unit that this is a drop-in of; `None`: it is a unit itself.
    pub fn drop_in_of(&self) -> Option<&str> {
        let (unit, _) = self.name.split_once(".d/")?;
        Some(unit)
    }

    /// Whether it is networkd's own configuration.
    pub fn is_configuration(&self) -> bool {
        self.drop_in_of().unwrap_or(&self.name) == NETWORKD_CONF
    }

    /// Where it lies below `/etc/systemd`.
    pub fn below_systemd(&self) -> String {
        match self.is_configuration() {
            true => self.name.clone(),
            false => format!("network/{}", self.name),
        }
    }
}
