//! A router advertisement was accepted: an address in `prefix` beside the static ones, past duplicate.

use ipnet::Ipv6Net;

use super::asked::{Asked, Declared, Looks};
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::names::IfName;
use crate::scenario::parse;

/// A router advertisement was accepted: an address in `prefix` beside the static ones, past duplicate
/// address detection, and a default route with `proto ra`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RaAccepted {
    /// Interface; `None`: any.
    pub interface: Option<IfName>,
    /// Prefix of the SLAAC address.
    pub prefix: Ipv6Net,
}

impl Declared for RaAccepted {
    const KEYS: TableKeys = table_keys(
        "ra_accepted",
        "there is an address in the prefix beside the static ones, and a default route by advertisement",
        &[
            may("interface", KeyType::INTERFACE, "any", "interface"),
            must("prefix", KeyType::IPV6_PREFIX, "prefix of the address"),
        ],
    );
    const LOOKS: Looks = Looks::ANYWHERE;

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked { reader, .. } = *asked;
        let interface = asked.interface();
        let prefix = reader.need("prefix", reader.word("prefix", parse::prefix_v6));
        Some(Self {
            interface,
            prefix: prefix?.value,
        })
    }
}
