//! `bridge link`: the interface is a port of the bridge and forwards.

use super::asked::{Asked, Declared, Looks};
use crate::scenario::keys::{KeyType, TableKeys, must, table_keys};
use crate::scenario::names::IfName;

/// `bridge link`: the interface is a port of the bridge and forwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgePort {
    /// Port.
    pub interface: IfName,
    /// Its master.
    pub bridge: IfName,
}

impl Declared for BridgePort {
    const KEYS: TableKeys = table_keys(
        "bridge_port",
        "the interface is a forwarding port of the bridge",
        &[
            must("interface", KeyType::INTERFACE, "port"),
            must("bridge", KeyType::INTERFACE, "its master"),
        ],
    );
    const LOOKS: Looks = Looks::machine_or_guest(|_| None);

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked { reader, .. } = *asked;
        let port = reader.need("interface", asked.interface());
        let bridge = reader.need("bridge", asked.interface_at("bridge"));
        Some(Self {
            interface: port?,
            bridge: bridge?,
        })
    }
}
