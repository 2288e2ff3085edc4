//! A link: `ip -d link show dev INTERFACE`. What is `None` does not matter.

use std::collections::BTreeMap;

use crate::scenario::check_kind::{ABSENT, Asked, Declared, Looks, seen};
use crate::scenario::error::{Fault, code};
use crate::scenario::keys::{self, KeyType, TableKeys, may, must, table_keys};
use crate::scenario::names::IfName;
use crate::scenario::net::Mac;
use crate::scenario::parse::{bad, one_of};
use crate::scenario::read::{Bad, parsed};
use crate::scenario::validate::port_flags;
use crate::scenario::{PortFlag, parse};

/// A link: `ip -d link show dev INTERFACE`. What is `None` does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Name.
    pub interface: IfName,
    /// It must not exist.
    pub absent: bool,
    /// Bridge (or bond, VRF) that it is a port of.
    pub master: Option<IfName>,
    /// It must be a port of nothing.
    pub nomaster: bool,
    /// Whether there is carrier (`LOWER_UP`).
    pub carrier: Option<bool>,
    /// `up`, `down`, `lowerlayerdown`, `dormant`, `unknown`, ...
    pub operstate: Option<String>,
    /// Bytes.
    pub mtu: Option<u32>,
    /// MAC address.
    pub mac: Option<Mac>,
    /// State of the bridge port: `disabled`, `listening`, `learning`, `forwarding`, `blocking`.
    pub state: Option<String>,
    /// Flags that must be set, as `ip` prints them: `UP`, `PROMISC`, `ALLMULTI`.
    pub flags: Vec<String>,
    /// `bridge`, `veth`, `tun`, `macvtap`, ...
    pub kind: Option<String>,
    /// Whether a TAP was made with `multi_queue` (`IFF_MULTI_QUEUE`).
    pub multi_queue: Option<bool>,
    /// Whether a TAP was made with `vnet_hdr` (`IFF_VNET_HDR`).
    pub vnet_hdr: Option<bool>,
    /// Switches of the bridge port.
    pub port_flags: BTreeMap<PortFlag, bool>,
}

impl Declared for Link {
    const KEYS: TableKeys = table_keys(
        "link",
        "`ip -d link` shows all of them so",
        keys::port_flags!(
            seen,
            [
                must("interface", KeyType::INTERFACE, "link"),
                ABSENT,
                may("master", KeyType::INTERFACE, "any", "its master"),
                may("nomaster", KeyType::Flag, "false", "it has no master"),
                may("carrier", KeyType::Flag, "any", "carrier"),
                may(
                    "operstate",
                    KeyType::Words(&[
                        "up",
                        "down",
                        "lowerlayerdown",
                        "dormant",
                        "testing",
                        "notpresent",
                        "unknown",
                    ]),
                    "any",
                    "operational state (RFC 2863)",
                ),
                may("mtu", KeyType::Integer(68, 65_535), "any", "MTU in bytes"),
                may("mac", KeyType::MAC, "any", "MAC address"),
                may(
                    "state",
                    KeyType::Words(&[
                        "disabled",
                        "listening",
                        "learning",
                        "forwarding",
                        "blocking",
                    ]),
                    "any",
                    "of a bridge port",
                ),
                may(
                    "flags",
                    KeyType::List(&KeyType::Text),
                    "any",
                    "flags as `ip link` prints them",
                ),
                may("kind", KeyType::Text, "any", "kind of link"),
                may("multi_queue", KeyType::Flag, "any", "of a TAP"),
                may("vnet_hdr", KeyType::Flag, "any", "of a TAP")
            ],
            []
        ),
    );
    const HOLDS: &'static str = "`ip -d link` shows all of them so";
    const LOOKS: Looks = Looks::ANYWHERE;

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked {
            context, reader, ..
        } = *asked;
        const OWN: [&str; 11] = [
            "master",
            "nomaster",
            "carrier",
            "operstate",
            "mtu",
            "mac",
            "state",
            "flags",
            "kind",
            "multi_queue",
            "vnet_hdr",
        ];
        let port = PortFlag::ALL.iter().map(|(_, word)| *word);
        let facts: Vec<&str> = OWN.into_iter().chain(port).collect();
        let absent = asked.not_with_absent(&facts);
        // A link that must not exist may have a name that nothing in the scenario has, so the name is not looked up.
        let interface = match absent {
            true => reader
                .text("interface")
                .and_then(|text| parsed(text, parse::if_name, context.faults))
                .map(|name| name.value),
            false => asked.interface(),
        };
        let interface = reader.need("interface", interface);
        let mut said = vec!["absent"];
        said.extend(facts);
        asked.says_something(&said);
        let nomaster = reader.flag("nomaster").unwrap_or(false);
        if let (true, Some(entry)) = (nomaster, reader.entry("master")) {
            let message = "a link has a `master`, or it has none".to_owned();
            let label = "and `nomaster`".to_owned();
            context
                .faults
                .add(Fault::new(&entry.key, code::CONFLICT, message, label));
        }
        let flags = reader.words("flags", flag).into_iter();
        let master = asked.interface_at("master");
        let carrier = reader.flag("carrier");
        let operstate = reader.listed_word("operstate");
        let mtu = reader.number::<u32>("mtu");
        let mac = reader.word("mac", parse::mac);
        let state = reader.listed_word("state");
        let kind = reader.word("kind", kind_of_link);
        let multi_queue = reader.flag("multi_queue");
        let vnet_hdr = reader.flag("vnet_hdr");
        Some(Self {
            interface: interface?,
            absent,
            master,
            nomaster,
            carrier,
            operstate: operstate.map(|state| state.value.to_owned()),
            mtu,
            mac: mac.map(|mac| mac.value),
            state: state.map(|state| state.value.to_owned()),
            flags: flags.map(|flag| flag.value).collect(),
            kind: kind.map(|kind| kind.value),
            multi_queue,
            vnet_hdr,
            port_flags: port_flags(reader),
        })
    }
}

/// Reads a flag, as it stands between the angle brackets of `ip link`.
fn flag(text: &str) -> Result<String, Bad> {
    let flags = [
        "UP",
        "LOWER_UP",
        "NO-CARRIER",
        "BROADCAST",
        "MULTICAST",
        "ALLMULTI",
        "PROMISC",
        "NOARP",
        "POINTOPOINT",
        "LOOPBACK",
        "MASTER",
        "SLAVE",
        "DORMANT",
    ];
    one_of(text, "flags", &flags.map(|flag| (flag, flag))).map(str::to_owned)
}

/// Reads a link's kind, as `ip -d link` prints it. The kernel gets new kinds all the time, so any word will do.
fn kind_of_link(text: &str) -> Result<String, Bad> {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    if !text.is_empty() && text.len() <= 32 && text.bytes().all(letter) {
        return Ok(text.to_owned());
    }
    let fault = bad(
        format!("{text:?} is not a kind of link"),
        "not a kind of link",
    );
    Err(fault.help("for example `bridge`, `veth`, `tun`, `macvtap` or `vlan`"))
}
