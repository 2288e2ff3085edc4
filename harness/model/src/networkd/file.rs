//! Unit files as they are written, and which files of a folder networkd takes for such.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::syntax::settings;
use crate::did_you_mean::nearest;

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

/// What the names of unit files end in.
pub const SUFFIXES: [&str; 3] = [".network", ".netdev", ".link"];

/// What a masked unit is a link to: systemd.unit(5).
pub const MASK: &str = "/dev/null";

/// The file of networkd's own configuration.
pub const NETWORKD_CONF: &str = "networkd.conf";

impl UnitFile {
    /// The unit that this is a drop-in of; `None`: it is a unit itself.
    pub fn drop_in_of(&self) -> Option<&str> {
        let (unit, _) = self.name.split_once(".d/")?;
        Some(unit)
    }

    /// The unit that it belongs to, itself or as a drop-in.
    pub fn unit(&self) -> &str {
        self.drop_in_of().unwrap_or(&self.name)
    }

    /// Whether it is networkd's own configuration.
    pub fn is_configuration(&self) -> bool {
        self.unit() == NETWORKD_CONF
    }

    /// Where it lies below `/etc/systemd`.
    pub fn below_systemd(&self) -> String {
        match self.is_configuration() {
            true => self.name.clone(),
            false => format!("network/{}", self.name),
        }
    }
}

/// What networkd takes an entry of its folder for, by the name. What begins with a dot is editors' and version control's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// A unit file, or networkd's own configuration.
    Unit,
    /// A folder of drop-ins, of which it takes what ends in `.conf`.
    DropIns,
    /// Nothing: a `README` or an editor's backup.
    PassedOver,
}

impl Taken {
    /// By the name.
    pub fn of(name: &str) -> Self {
        let of_kind = |name: &str| {
            name == NETWORKD_CONF || SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
        };
        match () {
            () if of_kind(name) => Self::Unit,
            () if name.strip_suffix(".d").is_some_and(of_kind) => Self::DropIns,
            () => Self::PassedOver,
        }
    }
}

/// Whether a file that networkd passes over has nearly the name of a unit: `10-lan.nework`, `10-lan.conf`, or that of a drop-in
/// folder, `10-lan.network.d`. An editor's backup (`10-lan.network~`) has not.
pub fn looks_like_a_unit(name: &str) -> bool {
    let name = name.strip_suffix(".d").unwrap_or(name);
    let Some((_, ending)) = name.rsplit_once('.') else {
        return false;
    };
    let endings = ["network", "netdev", "link", "conf"];
    !ending.ends_with('~') && nearest(ending, endings).is_some()
}

/// Interfaces that `.netdev` files make, each with its drop-ins.
pub fn netdevs(units: &[UnitFile]) -> BTreeSet<String> {
    let mut named = BTreeMap::new();
    for unit in units.iter().filter(|one| one.unit().ends_with(".netdev")) {
        named.extend(made(&unit.bytes).map(|name| (unit.unit(), name)));
    }
    named.into_values().collect()
}

/// The interface that a `.netdev` makes: `Name=` of `[NetDev]`.
pub fn made(bytes: &[u8]) -> Option<String> {
    let settings = settings(&String::from_utf8_lossy(bytes)).into_iter();
    let is_name = |section: &str, key: &str| section == "NetDev" && key == "Name";
    let mut names = settings
        .rev()
        .filter(|(section, key, _)| is_name(section, key));
    names.next().map(|(_, _, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_by_nearly_its_name_is_no_backup() {
        for nearly in [
            "10-lan.nework",
            "10-lan.conf",
            "br0.netdv",
            "a.links",
            "a.network.d",
        ] {
            assert!(looks_like_a_unit(nearly), "{nearly}");
        }
        for other in [
            "README",
            "README.md",
            "10-lan.network~",
            "10-lan.network.bak",
            "notes.txt",
        ] {
            assert!(!looks_like_a_unit(other), "{other}");
        }
    }

    #[test]
    fn netdevs_are_named_in_their_own_section() {
        let file = b"# x\n[Match]\nName=no\n[NetDev]\nKind=bridge\nName = br0\n[Bridge]\nName=no\n";
        assert_eq!(made(file).as_deref(), Some("br0"));
        assert_eq!(made(b"[NetDev]\nKind=bridge\n"), None);
        let marked = b"\xef\xbb\xbf[NetDev]\nName=br0\n";
        assert_eq!(made(marked).as_deref(), Some("br0"));
        let twice = b"[NetDev]\nName=a\nName=br0\n";
        assert_eq!(made(twice).as_deref(), Some("br0"));
        assert_eq!(made(b"\xff\xfe="), None);
    }
}
