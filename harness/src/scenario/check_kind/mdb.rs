//! An entry of a bridge's multicast database: `bridge mdb show`.

use std::net::IpAddr;

use super::asked::{Asked, Declared, Looks};
use super::keys::ABSENT;
use crate::scenario::error::{Fault, code};
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::names::IfName;
use crate::scenario::parse;

/// An entry of a bridge's multicast database: `bridge mdb show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mdb {
    /// Multicast group.
    pub group: IpAddr,
    /// Port with members of the group; the bridge itself has entries, too. `None`: any.
    pub interface: Option<IfName>,
    /// Bridge; `None`: any.
    pub bridge: Option<IfName>,
    /// There must be no such entry.
    pub absent: bool,
}

impl Declared for Mdb {
    const KEYS: TableKeys = table_keys(
        "mdb",
        "`bridge mdb` has members of the group behind that port",
        &[
            must("group", KeyType::IP, "multicast group"),
            may(
                "interface",
                KeyType::INTERFACE,
                "any port, or the bridge",
                "port",
            ),
            may("bridge", KeyType::INTERFACE, "any", "bridge"),
            ABSENT,
        ],
    );
    const LOOKS: Looks = Looks::machine_or_guest(|image| (!image.tools).then_some("`bridge`"));

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked {
            context, reader, ..
        } = *asked;
        let group = reader.need("group", reader.word("group", parse::ip));
        if let Some(group) = &group
            && !group.value.is_multicast()
        {
            let message = format!("`{}` is not a multicast group", group.value);
            let label = "not a multicast address".to_owned();
            let help = "for example `239.1.2.3` or `ff02::1:ff00:b`".to_owned();
            let fault = Fault::new(group.place, code::BAD_VALUE, message, label);
            context.faults.add(fault.help(help));
        }
        let interface = asked.interface();
        let bridge = asked.interface_at("bridge");
        let absent = reader.flag("absent").unwrap_or(false);
        Some(Self {
            group: group?.value,
            interface,
            bridge,
            absent,
        })
    }
}
