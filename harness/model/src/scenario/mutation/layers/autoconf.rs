//! IPv6 by itself, and DHCP: router advertisements, link-local addresses.

use crate::scenario::mutation::row::{Layer, Operator, Sites};
use crate::scenario::mutation::unit_text::UnitText;

/// A `.network` with a `[Match]` that does not say this yet.
fn lacks(name: &str, unit: &UnitText<'_>, key: &str) -> bool {
    let configures = unit.sections.iter().any(|one| one.name == "Network");
    name.ends_with(".network") && configures && !unit.has("Network", key)
}

pub(in crate::scenario::mutation) const ROWS: &[Operator] = &[
    Operator {
        name: "ipv6.no-accept-ra",
        layer: Layer::Autoconf,
        says: "`IPv6AcceptRA=no`: networkd ignores router advertisements.",
        needs_guests: false,
        sites: Sites::Lines {
            section: "Network",
            lines: "IPv6AcceptRA=no",
            to: |name, unit| lacks(name, unit, "IPv6AcceptRA"),
        },
    },
    Operator {
        name: "ipv6.no-link-local",
        layer: Layer::Autoconf,
        says: "`LinkLocalAddressing=no`: the link has no link-local address.",
        needs_guests: false,
        sites: Sites::Lines {
            section: "Network",
            lines: "LinkLocalAddressing=no",
            to: |name, unit| lacks(name, unit, "LinkLocalAddressing"),
        },
    },
    Operator {
        name: "ipv6.privacy",
        layer: Layer::Autoconf,
        says: "`IPv6PrivacyExtensions=yes`: the link speaks from temporary addresses.",
        needs_guests: false,
        sites: Sites::Lines {
            section: "Network",
            lines: "IPv6PrivacyExtensions=yes",
            to: |name, unit| lacks(name, unit, "IPv6PrivacyExtensions"),
        },
    },
    Operator {
        name: "ipv6.no-autonomous-prefix",
        layer: Layer::Autoconf,
        says: "`UseAutonomousPrefix=no`: no address is made of an advertised prefix.",
        needs_guests: false,
        sites: Sites::Lines {
            section: "IPv6AcceptRA",
            lines: "UseAutonomousPrefix=no",
            to: |name, unit| {
                lacks(name, unit, "UseAutonomousPrefix")
                    && !unit.has("IPv6AcceptRA", "UseAutonomousPrefix")
            },
        },
    },
    Operator {
        name: "dhcp.other-family",
        layer: Layer::Autoconf,
        says: "`DHCP=` asks for the other family, or for none.",
        needs_guests: false,
        sites: Sites::Setting(|setting| {
            let other = match (setting.key, setting.value.as_str()) {
                ("DHCP", "ipv4") => "ipv6",
                ("DHCP", "ipv6") => "ipv4",
                ("DHCP", "yes" | "true") => "ipv6",
                ("DHCP", "no" | "false") => "ipv4",
                _ => return None,
            };
            Some(other.to_owned())
        }),
    },
];
