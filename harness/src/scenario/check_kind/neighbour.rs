//! A neighbour: `ip neigh show ADDRESS`.

use std::net::IpAddr;

use super::asked::{Asked, Declared, Looks};
use super::keys::ABSENT;
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::names::IfName;
use crate::scenario::net::Mac;
use crate::scenario::{parse, states};

/// A neighbour: `ip neigh show ADDRESS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// Interface; `None`: any.
    pub interface: Option<IfName>,
    /// Its IP address.
    pub address: IpAddr,
    /// Its MAC address, when it matters.
    pub mac: Option<Mac>,
    /// State (`reachable`, `stale`, `failed`, ...); `None`: any in which its MAC address is known.
    pub state: Option<String>,
    /// There must be no such entry.
    pub absent: bool,
}

impl Declared for Neighbour {
    const KEYS: TableKeys = table_keys(
        "neighbour",
        "`ip neigh` has it: with its MAC address, or in that state",
        &[
            may("interface", KeyType::INTERFACE, "any", "interface"),
            must("address", KeyType::IP, "address"),
            may("mac", KeyType::MAC, "any", "MAC address"),
            may(
                "state",
                KeyType::Words(&[
                    "incomplete",
                    "reachable",
                    "stale",
                    "delay",
                    "probe",
                    "failed",
                    "noarp",
                    "permanent",
                ]),
                "resolved",
                "its state",
            ),
            ABSENT,
        ],
    );
    const LOOKS: Looks = Looks::ANYWHERE;

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked { reader, .. } = *asked;
        let absent = asked.not_with_absent(&["mac", "state"]);
        let interface = asked.interface();
        let address = reader.need("address", reader.word("address", parse::ip));
        let mac = reader.word("mac", parse::mac);
        let state = reader.word("state", states::neighbour_state);
        Some(Self {
            interface,
            address: address?.value,
            mac: mac.map(|mac| mac.value),
            state: state.map(|state| state.value),
            absent,
        })
    }
}
