//! An entry of a bridge's forwarding database: `bridge fdb show`.

use super::asked::{Asked, Declared, Looks};
use super::keys::ABSENT;
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::names::IfName;
use crate::scenario::net::Mac;
use crate::scenario::parse;

/// An entry of a bridge's forwarding database: `bridge fdb show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fdb {
    /// MAC address.
    pub mac: Mac,
    /// Port behind which it is; `None`: any.
    pub interface: Option<IfName>,
    /// Bridge; `None`: any.
    pub bridge: Option<IfName>,
    /// VLAN, when it matters.
    pub vlan: Option<u16>,
    /// There must be no such entry.
    pub absent: bool,
}

impl Declared for Fdb {
    const KEYS: TableKeys = table_keys(
        "fdb",
        "`bridge fdb` has the MAC address behind that port",
        &[
            must("mac", KeyType::MAC, "MAC address"),
            may("interface", KeyType::INTERFACE, "any port", "port"),
            may("bridge", KeyType::INTERFACE, "any", "bridge"),
            may("vlan", KeyType::Integer(1, 4094), "any", "VLAN"),
            ABSENT,
        ],
    );
    const LOOKS: Looks = Looks::machine_or_guest(|image| (!image.tools).then_some("`bridge`"));

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked { reader, .. } = *asked;
        let mac = reader.need("mac", reader.word("mac", parse::mac));
        let interface = asked.interface();
        let bridge = asked.interface_at("bridge");
        let vlan = reader.number::<u16>("vlan");
        let absent = reader.flag("absent").unwrap_or(false);
        Some(Self {
            mac: mac?.value,
            interface,
            bridge,
            vlan,
            absent,
        })
    }
}
