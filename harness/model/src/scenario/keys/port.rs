//! Ports of bridges.

use super::{KeyType, TableKeys, list, may, table_keys};

/// The switches of a port, with the kernel's defaults, between the keys that stand before and behind them. Written by
/// `$row`: `may` for a table that sets them.
#[doc(hidden)]
#[macro_export]
macro_rules! port_flags {
    ($row:ident, [$($before:expr),*], [$($behind:expr),*]) => {
        &[
            $($before,)*
            $row(
                "isolated",
                KeyType::Flag,
                "false",
                "hears no other isolated port",
            ),
            $row(
                "hairpin",
                KeyType::Flag,
                "false",
                "frames may go back where they came from",
            ),
            $row(
                "learning",
                KeyType::Flag,
                "true",
                "learns addresses",
            ),
            $row(
                "flood",
                KeyType::Flag,
                "true",
                "gets frames to addresses that no port is known for",
            ),
            $row(
                "mcast_flood",
                KeyType::Flag,
                "true",
                "gets multicast frames that nobody asked for",
            ),
            $row(
                "bcast_flood",
                KeyType::Flag,
                "true",
                "gets broadcast frames",
            ),
            $row(
                "neigh_suppress",
                KeyType::Flag,
                "false",
                "ARP and neighbour solicitations that the bridge can answer do not leave by it",
            ),
            $row(
                "proxy_arp",
                KeyType::Flag,
                "false",
                "the bridge answers ARP for it",
            ),
            $row(
                "guard",
                KeyType::Flag,
                "false",
                "goes down when an STP frame comes in (BPDU guard)",
            ),
            $row(
                "root_block",
                KeyType::Flag,
                "false",
                "never becomes the root port",
            ),
            $($behind),*
        ]
    };
}
#[doc(inline)]
pub use port_flags;

/// `cost` of a port.
pub const COST: super::Key = may(
    "cost",
    KeyType::Integer(1, 65_535),
    "the kernel's",
    "of the path, for STP",
);
/// `priority` of a port.
pub const PRIORITY: super::Key = may(
    "priority",
    KeyType::Integer(0, 63),
    "32",
    "of the port, for STP",
);
/// `group_fwd_mask` of a port.
pub const GROUP_FWD_MASK: super::Key = may(
    "group_fwd_mask",
    KeyType::Integer(0, 65_535),
    "0",
    "bit N: frames to 01:80:c2:00:00:0N that come in by it pass on",
);

pub(crate) const BRIDGE_PORT: TableKeys = table_keys(
    "a bridge's port",
    "`bridge link set dev PORT`",
    port_flags!(
        may,
        [],
        [
            COST,
            PRIORITY,
            GROUP_FWD_MASK,
            may(
                "pvid",
                KeyType::Integer(1, 4094),
                "the bridge's",
                "VLAN of untagged frames"
            ),
            list(
                "vlans",
                &KeyType::Integer(1, 4094),
                "VLANs whose tagged frames pass"
            ),
            list(
                "untagged",
                &KeyType::Integer(1, 4094),
                "VLANs whose frames pass and leave untagged, besides the PVID"
            )
        ]
    ),
);

pub(crate) const SWITCH_PORT: TableKeys = table_keys(
    "a switch's port",
    "`bridge link set dev PORT`",
    port_flags!(may, [], [GROUP_FWD_MASK]),
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::PortFlag;

    #[test]
    fn every_switch_of_a_port_is_a_key() {
        for (_, word) in PortFlag::ALL {
            for table_keys in [&BRIDGE_PORT, &SWITCH_PORT] {
                assert!(table_keys.has(word), "{word} of {}", table_keys.what);
            }
        }
        let flags = SWITCH_PORT.names().count() - 1;
        assert_eq!(flags, PortFlag::ALL.len());
    }
}
