//! Links: whether they are up, how long a frame may be, which MAC address they have.

use crate::scenario::Segment;
use crate::scenario::file::Value;
use crate::scenario::mutation::numbers::{number, opposite};
use crate::scenario::mutation::row::{Layer, Operator, Sites};
use crate::scenario::mutation::texts::Texts;
use crate::scenario::mutation::unit_text::UnitText;

/// A `.network` that has none of these settings yet.
fn lacks(name: &str, unit: &UnitText<'_>, key: &str) -> bool {
    is_for_a_link(name, unit) && !unit.has("Link", key)
}

/// Whether it configures a link, by itself or as a drop-in.
fn is_for_a_link(name: &str, unit: &UnitText<'_>) -> bool {
    name.ends_with(".network") && unit.sections.iter().any(|one| one.name == "Match")
}

/// A table for the switch port of each interface that has none: `segments.lan.ports."host/eno1"`.
fn of_interfaces(texts: Texts<'_>, keys: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (machine, it) in &texts.form.machines {
        for interface in &it.interfaces {
            let (segment, name) = (interface.segment.as_str(), interface.name.as_str());
            let known = texts.form.segments.get(segment);
            if matches!(known, Some(Segment::Switch(switch)) if switch.ports.is_empty()) {
                let port = format!("{}/{name}", machine.as_str());
                found.push(format!("[segments.{segment}.ports.\"{port}\"]\n{keys}"));
            }
        }
    }
    found
}

pub(in crate::scenario::mutation) const ROWS: &[Operator] = &[
    Operator {
        name: "link.unmanaged",
        layer: Layer::Link,
        says: "`Unmanaged=yes`: networkd leaves the link alone.",
        needs_guests: false,
        sites: Sites::Lines {
            section: "Link",
            lines: "Unmanaged=yes",
            to: |name, unit| lacks(name, unit, "Unmanaged"),
        },
    },
    Operator {
        name: "link.always-down",
        layer: Layer::Link,
        says: "`ActivationPolicy=always-down`: networkd keeps the link down.",
        needs_guests: false,
        sites: Sites::Lines {
            section: "Link",
            lines: "ActivationPolicy=always-down",
            to: |name, unit| lacks(name, unit, "ActivationPolicy"),
        },
    },
    Operator {
        name: "link.no-arp",
        layer: Layer::Link,
        says: "`ARP=no`: the link answers and asks no ARP.",
        needs_guests: false,
        sites: Sites::Lines {
            section: "Link",
            lines: "ARP=no",
            to: |name, unit| lacks(name, unit, "ARP"),
        },
    },
    Operator {
        name: "link.mac",
        layer: Layer::Link,
        says: "`MACAddress=` of a link becomes another one.",
        needs_guests: false,
        sites: Sites::Lines {
            section: "Link",
            lines: "MACAddress=02:00:00:00:be:ef",
            to: |name, unit| lacks(name, unit, "MACAddress"),
        },
    },
    Operator {
        name: "link.required-for-online",
        layer: Layer::Link,
        says: "`RequiredForOnline=` becomes its opposite: a state becomes `no`.",
        needs_guests: false,
        sites: Sites::Setting(|setting| {
            let required = setting.key == "RequiredForOnline";
            required.then(|| opposite(&setting.value).unwrap_or("no").to_owned())
        }),
    },
    Operator {
        name: "mtu.one-hop",
        layer: Layer::Link,
        says: "One link gets an MTU of 1280 bytes by its unit file.",
        needs_guests: false,
        sites: Sites::Lines {
            section: "Link",
            lines: "MTUBytes=1280",
            to: |name, unit| lacks(name, unit, "MTUBytes"),
        },
    },
    Operator {
        name: "mtu.smaller",
        layer: Layer::Link,
        says: "An MTU that the scenario's file says becomes smaller by 100 bytes.",
        needs_guests: false,
        sites: Sites::Key(|key| {
            let is_mtu = key
                .path
                .last()
                .is_some_and(|name| name == "mtu" || name == "host_mtu");
            match (&key.value, key.path[0].as_str()) {
                (Value::Integer(mtu), "machines" | "guests" | "segments") if is_mtu => {
                    number(&mtu.to_string(), |mtu| mtu.saturating_sub(100).max(68))
                }
                _ => None,
            }
        }),
    },
    Operator {
        name: "port.isolated",
        layer: Layer::Link,
        says: "A port of a switch is isolated.",
        needs_guests: false,
        sites: Sites::Tables(|texts| of_interfaces(texts, "isolated = true")),
    },
    Operator {
        name: "port.no-flood",
        layer: Layer::Link,
        says: "A port of a switch does not learn, and gets no frames to addresses that are not known.",
        needs_guests: false,
        sites: Sites::Tables(|texts| of_interfaces(texts, "learning = false\nflood = false")),
    },
    Operator {
        name: "port.no-broadcast",
        layer: Layer::Link,
        says: "A port of a switch gets no broadcasts.",
        needs_guests: false,
        sites: Sites::Tables(|texts| of_interfaces(texts, "bcast_flood = false")),
    },
    Operator {
        name: "port.no-multicast",
        layer: Layer::Link,
        says: "A port of a switch gets no multicast that nobody asked for.",
        needs_guests: false,
        sites: Sites::Tables(|texts| of_interfaces(texts, "mcast_flood = false")),
    },
];
