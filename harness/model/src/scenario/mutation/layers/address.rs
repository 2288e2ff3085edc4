//! Addresses, prefixes, gateways, routes, name servers.

use crate::scenario::file::Value;
use crate::scenario::mutation::keys::TomlKey;
use crate::scenario::mutation::numbers::{other_host, other_network, other_prefix};
use crate::scenario::mutation::row::{Layer, Operator, Sites};
use crate::scenario::mutation::unit_text::UnitSetting;

/// The value of that key, whatever its section: `[Network]` and `[Address]` have an `Address=`.
fn of<'s>(setting: &'s UnitSetting<'_>, key: &str) -> Option<&'s str> {
    (setting.key == key).then_some(setting.value.as_str())
}

/// A text of a machine or guest whose path ends so, as TOML after the change; a `*` of `end` is any one name.
fn text(key: &TomlKey, end: &str, change: impl Fn(&str) -> Option<String>) -> Option<String> {
    let makes = ["machines", "guests"].contains(&key.path[0].as_str());
    let end: Vec<&str> = end.split('.').collect();
    let from = key.path.len().checked_sub(end.len())?;
    let mut pairs = end.iter().zip(&key.path[from..]);
    let is_so = makes && pairs.all(|(end, name)| *end == "*" || end == name);
    match &key.value {
        Value::String(text) if is_so => change(text).map(|other| format!("\"{other}\"")),
        _ => None,
    }
}

pub(in crate::scenario::mutation) const ROWS: &[Operator] = &[
    Operator {
        name: "address.other-host",
        layer: Layer::Address,
        says: "`Address=` becomes that of another host of the network.",
        needs_guests: false,
        sites: Sites::Setting(|setting| other_host(of(setting, "Address")?)),
    },
    Operator {
        name: "address.other-network",
        layer: Layer::Address,
        says: "`Address=` becomes that of the same host in a neighbouring network.",
        needs_guests: false,
        sites: Sites::Setting(|setting| other_network(of(setting, "Address")?)),
    },
    Operator {
        name: "address.prefix-shorter",
        layer: Layer::Address,
        says: "The prefix length of `Address=` becomes 8 shorter.",
        needs_guests: false,
        sites: Sites::Setting(|setting| {
            other_prefix(of(setting, "Address")?, |prefix, _| prefix.checked_sub(8))
        }),
    },
    Operator {
        name: "address.prefix-longer",
        layer: Layer::Address,
        says: "The prefix length of `Address=` becomes as long as it can be.",
        needs_guests: false,
        sites: Sites::Setting(|setting| {
            other_prefix(of(setting, "Address")?, |_, most| Some(most))
        }),
    },
    Operator {
        name: "gateway.other",
        layer: Layer::Address,
        says: "`Gateway=` becomes another host of the network, which is not there.",
        needs_guests: false,
        sites: Sites::Setting(|setting| other_host(of(setting, "Gateway")?)),
    },
    Operator {
        name: "dns.other",
        layer: Layer::Address,
        says: "`DNS=` becomes another host of the network, which is not there.",
        needs_guests: false,
        sites: Sites::Setting(|setting| other_host(of(setting, "DNS")?)),
    },
    Operator {
        name: "route.destination",
        layer: Layer::Address,
        says: "`Destination=` of a route becomes a neighbouring network.",
        needs_guests: false,
        sites: Sites::Setting(|setting| other_network(of(setting, "Destination")?)),
    },
    Operator {
        name: "machine.address",
        layer: Layer::Address,
        says: "An address that the scenario's file says becomes that of another host of the network.",
        needs_guests: false,
        sites: Sites::Key(|key| {
            text(key, "addresses.*", other_host)
                .or_else(|| text(key, "host_addresses.*", other_host))
        }),
    },
    Operator {
        name: "machine.prefix",
        layer: Layer::Address,
        says: "The prefix length of an address that the scenario's file says becomes as long as it can be.",
        needs_guests: false,
        sites: Sites::Key(|key| {
            text(key, "addresses.*", |it| {
                other_prefix(it, |_, most| Some(most))
            })
        }),
    },
    Operator {
        name: "route.via",
        layer: Layer::Address,
        says: "The next hop of a route that the scenario's file says becomes another host of the network.",
        needs_guests: false,
        sites: Sites::Key(|key| text(key, "via", other_host)),
    },
    Operator {
        name: "route.to",
        layer: Layer::Address,
        says: "The destination of a route that the scenario's file says becomes a neighbouring network, or private addresses where it was all.",
        needs_guests: false,
        sites: Sites::Key(|key| {
            text(key, "to", |to| match to {
                "0.0.0.0/0" => Some("10.0.0.0/8".to_owned()),
                "::/0" => Some("fd00::/8".to_owned()),
                other => other_network(other),
            })
        }),
    },
];
