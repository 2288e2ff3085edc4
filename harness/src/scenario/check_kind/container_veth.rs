//! The container's veth in the guest is a port of Docker's bridge.

use super::asked::{Asked, Declared, Looks};
use crate::scenario::keys::{KeyType, TableKeys, must, table_keys};
use crate::scenario::names::{IfName, MachineName};

/// The container's veth in the guest is a port of Docker's bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerVeth {
    /// Container of the vantage's guest.
    pub container: MachineName,
    /// Bridge it must be a port of.
    pub bridge: IfName,
}

impl Declared for ContainerVeth {
    const KEYS: TableKeys = table_keys(
        "container_veth",
        "the container's veth is a port of the bridge; from the guest",
        &[
            must("container", KeyType::NAME, "container of the guest"),
            must("bridge", KeyType::INTERFACE, "Docker's bridge"),
        ],
    );
    const LOOKS: Looks = Looks::docker();

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked { reader, .. } = *asked;
        let container = asked.container("container");
        let bridge = reader.need("bridge", asked.interface_at("bridge"));
        Some(Self {
            container: container?,
            bridge: bridge?,
        })
    }
}
