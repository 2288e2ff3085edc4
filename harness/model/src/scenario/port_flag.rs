//! Switches of a bridge's port: `bridge link set dev PORT WORD on` (bridge(8)).

/// A switch of a bridge's port. A new one is a row here, one of `keys::port`, and one in `host/netlink/bridge.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PortFlag {
    /// It hears no other isolated port.
    Isolated,
    /// Frames may leave by the port that they came in by.
    Hairpin,
    /// Source addresses are remembered.
    Learning,
    /// Frames to unknown unicast addresses leave by it.
    Flood,
    /// Multicast frames that nobody asked for leave by it.
    McastFlood,
    /// Broadcast frames leave by it.
    BcastFlood,
    /// ARP and neighbour solicitations that the bridge can answer do not leave by it (RFC 7432).
    NeighSuppress,
    /// The bridge answers ARP for it.
    ProxyArp,
    /// It is shut when an STP frame comes in (BPDU guard).
    Guard,
    /// It never becomes the root port.
    RootBlock,
}

impl PortFlag {
    /// Each with its word: `ip`'s, that of `ip -j -d link`, and the key in a scenario.
    pub const ALL: [(Self, &'static str); 10] = [
        (Self::Isolated, "isolated"),
        (Self::Hairpin, "hairpin"),
        (Self::Learning, "learning"),
        (Self::Flood, "flood"),
        (Self::McastFlood, "mcast_flood"),
        (Self::BcastFlood, "bcast_flood"),
        (Self::NeighSuppress, "neigh_suppress"),
        (Self::ProxyArp, "proxy_arp"),
        (Self::Guard, "guard"),
        (Self::RootBlock, "root_block"),
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        let row = Self::ALL.iter().find(|(flag, _)| *flag == self);
        row.map_or("", |(_, word)| *word)
    }
}
