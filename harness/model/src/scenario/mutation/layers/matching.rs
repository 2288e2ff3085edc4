//! `[Match]`: which link a unit is for.

use crate::scenario::mutation::numbers::{other_character, other_mac};
use crate::scenario::mutation::row::{Layer, Operator, Sites};
use crate::scenario::mutation::unit_text::UnitSetting;

/// The value of that key of `[Match]`.
fn of<'s>(setting: &'s UnitSetting<'_>, key: &str) -> Option<&'s str> {
    (setting.section.name == "Match" && setting.key == key).then_some(setting.value.as_str())
}

pub(in crate::scenario::mutation) const ROWS: &[Operator] = &[
    Operator {
        name: "unit.match-name-character",
        layer: Layer::Match,
        says: "The last letter or digit of `Name=` in `[Match]` becomes another one.",
        needs_guests: false,
        sites: Sites::Setting(|setting| other_character(of(setting, "Name")?)),
    },
    Operator {
        name: "unit.match-name-no-glob",
        layer: Layer::Match,
        says: "`Name=` in `[Match]` loses its `*`.",
        needs_guests: false,
        sites: Sites::Setting(|setting| {
            let name = of(setting, "Name")?;
            let plain = name.replace('*', "");
            (plain != name && !plain.is_empty()).then_some(plain)
        }),
    },
    Operator {
        name: "unit.match-name-any",
        layer: Layer::Match,
        says: "`Name=` in `[Match]` becomes `*`, so that the unit takes every link.",
        needs_guests: false,
        sites: Sites::Setting(|setting| {
            of(setting, "Name")
                .filter(|name| *name != "*")
                .map(|_| "*".to_owned())
        }),
    },
    Operator {
        name: "unit.match-type",
        layer: Layer::Match,
        says: "`Type=` in `[Match]` becomes another one.",
        needs_guests: false,
        sites: Sites::Setting(|setting| {
            let other = if of(setting, "Type")? == "wlan" {
                "ether"
            } else {
                "wlan"
            };
            Some(other.to_owned())
        }),
    },
    Operator {
        name: "unit.match-kind",
        layer: Layer::Match,
        says: "`Kind=` in `[Match]` is negated.",
        needs_guests: false,
        sites: Sites::Setting(|setting| {
            let kind = of(setting, "Kind")?;
            Some(
                kind.strip_prefix('!')
                    .map_or_else(|| format!("!{kind}"), str::to_owned),
            )
        }),
    },
    Operator {
        name: "unit.match-mac",
        layer: Layer::Match,
        says: "The last byte of `MACAddress=` in `[Match]` becomes another one.",
        needs_guests: false,
        sites: Sites::Setting(|setting| other_mac(of(setting, "MACAddress")?)),
    },
];
