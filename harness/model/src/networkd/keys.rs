//! Which sections and keys the files of networkd can have.

use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The table, as text: see its head.
const TABLE: &str = include_str!("keys.txt");

/// A kind of file that has keys of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnitKind {
    /// systemd.network(5).
    Network,
    /// systemd.netdev(5).
    Netdev,
    /// systemd.link(5).
    Link,
}

/// Keys of a section, each with the version of systemd that brought it; 0: it is not documented.
pub type Section = BTreeMap<&'static str, u16>;

impl UnitKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Network, Self::Netdev, Self::Link];

    /// What the name of such a file ends in, without the dot.
    pub fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Netdev => "netdev",
            Self::Link => "link",
        }
    }

    /// The kind of a unit file by its name, for example `10-lan.network`.
    pub fn of(unit: &str) -> Option<Self> {
        let (_, ending) = unit.rsplit_once('.')?;
        Self::ALL.into_iter().find(|kind| kind.name() == ending)
    }

    /// Sections that it can have, with their keys.
    pub fn sections(self) -> &'static BTreeMap<&'static str, Section> {
        static SECTIONS: OnceLock<BTreeMap<UnitKind, BTreeMap<&'static str, Section>>> =
            OnceLock::new();
        static NONE: BTreeMap<&'static str, Section> = BTreeMap::new();
        let all = SECTIONS.get_or_init(read);
        all.get(&self).unwrap_or(&NONE)
    }
}

fn read() -> BTreeMap<UnitKind, BTreeMap<&'static str, Section>> {
    let mut kinds: BTreeMap<UnitKind, BTreeMap<&'static str, Section>> = BTreeMap::new();
    let mut section: Option<&mut Section> = None;
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        if let Some(head) = line.strip_prefix('[') {
            let head = head.trim_end_matches(']').split_once(' ');
            section = head.and_then(|(kind, name)| {
                let kind = UnitKind::ALL.into_iter().find(|one| one.name() == kind)?;
                Some(kinds.entry(kind).or_default().entry(name).or_default())
            });
        } else if let Some(section) = section.as_deref_mut() {
            let (key, since) = line.split_once(' ').unwrap_or((line, "0"));
            section.insert(key, since.parse().unwrap_or(0));
        }
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_whole() {
        let network = UnitKind::Network.sections();
        assert_eq!(network["Match"]["Name"], 211);
        assert_eq!(network["Network"]["IPv6AcceptRouterAdvertisements"], 0);
        assert_eq!(UnitKind::Netdev.sections()["Bridge"]["STP"], 232);
        assert_eq!(UnitKind::Link.sections()["Match"]["OriginalName"], 218);
        let keys = TABLE.lines().filter(|line| !line.starts_with(['#', '[']));
        let kinds = UnitKind::ALL
            .iter()
            .flat_map(|kind| kind.sections().values());
        assert_eq!(keys.count(), kinds.map(BTreeMap::len).sum::<usize>());
    }

    #[test]
    fn a_kind_is_told_by_the_name_s_end() {
        assert_eq!(UnitKind::of("10-lan.network"), Some(UnitKind::Network));
        assert_eq!(UnitKind::of("br0.netdev"), Some(UnitKind::Netdev));
        assert_eq!(UnitKind::of("README"), None);
    }
}
