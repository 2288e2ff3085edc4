//! `ip addr show dev INTERFACE` has the address, in that state.

use ipnet::IpNet;

use super::asked::{Asked, Declared, Looks};
use crate::scenario::error::{Fault, code};
use crate::scenario::keys::{KeyType, TableKeys, may, table_keys};
use crate::scenario::names::IfName;
use crate::scenario::{parse, states};

/// `ip addr show dev INTERFACE` has the address, in that state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Interface; `None`: any.
    pub interface: Option<IfName>,
    /// Address with prefix length, or a prefix that stands for every address in it.
    pub address: IpNet,
    /// Whether `address` is such a prefix.
    pub any_of_prefix: bool,
    /// In which state.
    pub state: AddressState,
}

/// In which state an address must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddressState {
    /// There, and past duplicate address detection.
    #[default]
    Usable,
    /// Not there.
    Absent,
    /// Duplicate address detection is under way.
    Tentative,
    /// Another machine has it (RFC 4862).
    DadFailed,
    /// There, but not for new connections.
    Deprecated,
}

impl Declared for Address {
    const KEYS: TableKeys = table_keys(
        "address",
        "the address is there, with this prefix length, and not tentative",
        &[
            may("interface", KeyType::INTERFACE, "any", "interface"),
            may(
                "address",
                KeyType::ADDRESS,
                "none, with `prefix`",
                "address",
            ),
            may(
                "prefix",
                KeyType::PREFIX,
                "none, with `address`",
                "any address of it",
            ),
            may(
                "state",
                KeyType::Words(&["usable", "absent", "tentative", "dadfailed", "deprecated"]),
                "\"usable\"",
                "its state",
            ),
        ],
    );
    const LOOKS: Looks = Looks::ANYWHERE;

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked {
            context, reader, ..
        } = *asked;
        let interface = asked.interface();
        let state = reader.word("state", states::address_state);
        let one = reader.word("address", parse::address);
        let any = reader.word("prefix", parse::prefix);
        let any_of_prefix = reader.entry("prefix").is_some();
        if !any_of_prefix {
            reader.need("address", one.as_ref());
        } else if let Some(entry) = reader.entry("address") {
            let message = "an `address` check has either `address` or `prefix`".to_owned();
            let label = "and `prefix`".to_owned();
            context
                .faults
                .add(Fault::new(&entry.key, code::CONFLICT, message, label));
        }
        let address = if any_of_prefix { any } else { one };
        Some(Self {
            interface,
            address: address?.value,
            any_of_prefix,
            state: state.map_or_else(Default::default, |state| state.value),
        })
    }
}
