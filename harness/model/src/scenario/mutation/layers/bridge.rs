//! Bridges, their ports and VLANs.

use crate::scenario::file::Value;
use crate::scenario::mutation::numbers::{number, other_character};
use crate::scenario::mutation::row::{Layer, Operator, Sites};
use crate::scenario::mutation::unit_text::{UnitSetting, UnitText};

/// The value of that key of a section.
fn of<'s>(setting: &'s UnitSetting<'_>, section: &str, key: &str) -> Option<&'s str> {
    (setting.section.name == section && setting.key == key).then_some(setting.value.as_str())
}

/// Whether the unit puts a link on a bridge, and says nothing of this option.
fn is_port(unit: &UnitText<'_>, key: &str) -> bool {
    unit.has("Network", "Bridge") && !unit.has("Bridge", key)
}

/// Whether the unit makes a bridge, and says nothing of this option.
fn is_bridge(unit: &UnitText<'_>, key: &str) -> bool {
    unit.last("NetDev", "Kind") == Some("bridge") && !unit.has("Bridge", key)
}

pub(in crate::scenario::mutation) const ROWS: &[Operator] = &[
    Operator {
        name: "bridge.other-master",
        layer: Layer::Bridge,
        says: "`Bridge=` names another bridge.",
        needs_guests: false,
        sites: Sites::Setting(|setting| other_character(of(setting, "Network", "Bridge")?)),
    },
    Operator {
        name: "bridge.kind",
        layer: Layer::Bridge,
        says: "`Kind=` of a `.netdev` becomes `dummy`.",
        needs_guests: false,
        sites: Sites::Setting(|setting| {
            let kind = of(setting, "NetDev", "Kind")?;
            (kind != "dummy").then(|| "dummy".to_owned())
        }),
    },
    Operator {
        name: "bridge.name",
        layer: Layer::Bridge,
        says: "`Name=` of a `.netdev` becomes another one.",
        needs_guests: false,
        sites: Sites::Setting(|setting| other_character(of(setting, "NetDev", "Name")?)),
    },
    Operator {
        name: "bridge.port-isolated",
        layer: Layer::Bridge,
        says: "`Isolated=yes` for ports of a bridge.",
        needs_guests: false,
        sites: Sites::Lines {
            section: "Bridge",
            lines: "Isolated=yes",
            to: |_, unit| is_port(unit, "Isolated"),
        },
    },
    Operator {
        name: "bridge.port-no-flood",
        layer: Layer::Bridge,
        says: "`Learning=no` and `UnicastFlood=no` for ports of a bridge.",
        needs_guests: false,
        sites: Sites::Lines {
            section: "Bridge",
            lines: "Learning=no\nUnicastFlood=no",
            to: |_, unit| is_port(unit, "UnicastFlood"),
        },
    },
    Operator {
        name: "bridge.port-no-multicast",
        layer: Layer::Bridge,
        says: "`MulticastFlood=no` for ports of a bridge.",
        needs_guests: false,
        sites: Sites::Lines {
            section: "Bridge",
            lines: "MulticastFlood=no",
            to: |_, unit| is_port(unit, "MulticastFlood"),
        },
    },
    Operator {
        name: "bridge.stp",
        layer: Layer::Bridge,
        says: "`STP=yes` of a bridge: its ports forward half a minute later.",
        needs_guests: false,
        sites: Sites::Lines {
            section: "Bridge",
            lines: "STP=yes",
            to: |_, unit| is_bridge(unit, "STP"),
        },
    },
    Operator {
        name: "bridge.vlan-filtering",
        layer: Layer::Bridge,
        says: "`VLANFiltering=yes` and `DefaultPVID=none` of a bridge: no frame without a tag passes.",
        needs_guests: false,
        sites: Sites::Lines {
            section: "Bridge",
            lines: "VLANFiltering=yes\nDefaultPVID=none",
            to: |_, unit| is_bridge(unit, "VLANFiltering"),
        },
    },
    Operator {
        name: "vlan.pvid",
        layer: Layer::Bridge,
        says: "The VLAN of a port's untagged frames, a `pvid` of the scenario's file, becomes another one.",
        needs_guests: false,
        sites: Sites::Key(|key| {
            let names = ["pvid", "default_pvid"];
            let is_pvid = key
                .path
                .last()
                .is_some_and(|name| names.contains(&name.as_str()));
            match (&key.value, key.path[0].as_str()) {
                (Value::Integer(vlan), "machines" | "guests" | "segments") if is_pvid => {
                    number(&vlan.to_string(), |vlan| vlan + 1)
                }
                _ => None,
            }
        }),
    },
];
