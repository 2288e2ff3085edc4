//! A VLAN of a bridge port: `bridge vlan show`.

use super::asked::{Asked, Declared, Looks};
use super::keys::ABSENT;
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::names::IfName;

/// A VLAN of a bridge port: `bridge vlan show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeVlan {
    /// Port, or the bridge itself.
    pub interface: IfName,
    /// VLAN.
    pub vlan: u16,
    /// Whether untagged frames that come in belong to it, when that matters.
    pub pvid: Option<bool>,
    /// Whether its frames go out untagged, when that matters.
    pub untagged: Option<bool>,
    /// The port must not be in it.
    pub absent: bool,
}

impl Declared for BridgeVlan {
    const KEYS: TableKeys = table_keys(
        "bridge_vlan",
        "`bridge vlan` has the port in the VLAN",
        &[
            must("interface", KeyType::INTERFACE, "port"),
            must("vlan", KeyType::Integer(1, 4094), "VLAN"),
            may("pvid", KeyType::Flag, "any", "VLAN of untagged frames"),
            may("untagged", KeyType::Flag, "any", "leaves untagged"),
            ABSENT,
        ],
    );
    const LOOKS: Looks = Looks::machine_or_guest(|image| (!image.tools).then_some("`bridge`"));

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked { reader, .. } = *asked;
        let absent = asked.not_with_absent(&["pvid", "untagged"]);
        let interface = reader.need("interface", asked.interface());
        let vlan = reader.need("vlan", reader.number::<u16>("vlan"));
        let (pvid, untagged) = (reader.flag("pvid"), reader.flag("untagged"));
        Some(Self {
            interface: interface?,
            vlan: vlan?,
            pvid,
            untagged,
            absent,
        })
    }
}
