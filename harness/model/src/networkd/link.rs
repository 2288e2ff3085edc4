//! The links that a `[Match]` can find, as far as they are known.

use super::file::UnitFile;
use super::keys::UnitKind;
use super::link_kind::LinkKind;
use super::unit::Unit;

/// What is known of a link's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkName {
    /// This one.
    Exactly(String),
    /// A NIC of a machine that boots, by its number: the kernel's `eth0`, or whatever beginning with `en` udev makes of it.
    Nic(usize),
    /// Beginning so: Docker's.
    Beginning(&'static str),
}

/// A link.
#[derive(Debug, Clone)]
pub struct Link {
    /// Its name.
    pub name: LinkName,
    /// Its MAC address, as `ip link` prints it; `None`: nobody knows it beforehand.
    pub mac: Option<String>,
    /// What makes it.
    pub kind: LinkKind,
}

/// The links of one networkd.
#[derive(Debug, Default)]
pub struct Links {
    /// Those that are known.
    pub all: Vec<Link>,
    /// Whether there may be more.
    pub open: bool,
    /// Whether a `.netdev` sets a MAC address.
    pub chosen_mac: bool,
    /// Whether udev runs there.
    pub udev: bool,
}

impl Links {
    /// Adds one of this name.
    pub fn add(&mut self, name: impl ToString, kind: LinkKind, mac: Option<String>) {
        let name = LinkName::Exactly(name.to_string());
        self.all.push(Link { name, mac, kind });
    }

    /// Adds what `.netdev` files make.
    pub fn add_netdevs<'f>(&mut self, units: impl IntoIterator<Item = &'f UnitFile>) {
        for unit in Unit::all(units) {
            if unit.kind == UnitKind::Netdev {
                self.chosen_mac |= unit.last("NetDev", "MACAddress").is_some();
                let kind = match unit.last("NetDev", "Kind") {
                    Some(kind) if !kind.is_empty() => LinkKind::Made(kind.to_owned().into()),
                    _ => LinkKind::Unknown,
                };
                if let Some(name) = unit.last("NetDev", "Name") {
                    self.add(name, kind.clone(), None);
                }
                // A veth's other end.
                if let Some(name) = unit.last("Peer", "Name") {
                    self.add(name, kind, None);
                }
            }
        }
    }

    /// Their names, as a suggestion has them.
    pub fn names(&self) -> Vec<String> {
        let name = |link: &Link| match &link.name {
            LinkName::Exactly(name) => name.clone(),
            LinkName::Nic(index) => format!("eth{index}"),
            LinkName::Beginning(beginning) => format!("{beginning}*"),
        };
        self.all.iter().map(name).collect()
    }

    /// Whether one of them may have this name.
    pub fn may_have(&self, name: &str) -> bool {
        self.all.iter().any(|link| match &link.name {
            LinkName::Exactly(exactly) => exactly == name,
            LinkName::Nic(index) => name == format!("eth{index}") || name.starts_with("en"),
            LinkName::Beginning(beginning) => name.starts_with(beginning),
        })
    }
}
