//! Which capabilities unit files ask for.

use std::collections::BTreeSet;

use super::capability::Capability;
use super::link_kind::LINK_KINDS;
use crate::networkd::settings;
use crate::scenario::UnitFile;

/// Kinds that every lab has, or whose capability has another name.
const OTHERS: [(&str, Capability); 5] = [
    ("bridge", Capability::Bridge),
    ("veth", Capability::Veth),
    ("tap", Capability::Tap),
    ("tun", Capability::Tap),
    ("macvtap", Capability::Macvtap),
];

/// Capabilities that unit files ask of the kernel: by the `Kind=` of what they make, and by what they set.
pub(super) fn asked_by(units: &[UnitFile]) -> BTreeSet<Capability> {
    let mut asked = BTreeSet::new();
    for unit in units {
        for (section, key, value) in settings(&String::from_utf8_lossy(&unit.bytes)) {
            asked.extend(match (section.as_str(), key.as_str()) {
                ("NetDev", "Kind") => kind_named(&value),
                ("Bridge", "VLANFiltering") => truth(&value).then_some(Capability::VlanFiltering),
                ("BridgeVLAN", _) => Some(Capability::VlanFiltering),
                ("NetworkEmulator", _) => Some(Capability::Netem),
                _ => None,
            });
        }
    }
    asked
}

fn kind_named(kind: &str) -> Option<Capability> {
    let others = OTHERS.iter().find(|(name, _)| *name == kind);
    let listed = || LINK_KINDS.iter().find(|row| row.name == kind);
    let other = others.map(|(_, capability)| *capability);
    other.or_else(|| listed().map(Capability::Link))
}

/// systemd.syntax(7), "boolean".
fn truth(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    ["1", "yes", "y", "true", "t", "on"].contains(&value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(text: &str) -> UnitFile {
        UnitFile {
            name: "10-x.netdev".to_owned(),
            shown: "10-x.netdev".into(),
            bytes: text.as_bytes().into(),
        }
    }

    fn asked(text: &str) -> Vec<&'static str> {
        let asked = asked_by(&[unit(text)]).into_iter();
        asked.map(Capability::name).collect()
    }

    #[test]
    fn a_unit_asks_for_the_kind_that_it_makes() {
        for kind in &LINK_KINDS {
            let name = kind.name;
            assert_eq!(asked(&format!("[NetDev]\nName=x\nKind={name}\n")), [name]);
        }
        assert_eq!(asked("[NetDev]\nKind = tun\n"), ["tap"]);
        assert_eq!(asked("[NetDev]\nKind=macvtap\n"), ["macvtap"]);
        // A kind in a match, one in a comment, and one that is not known.
        for none in [
            "[Match]\nKind=vlan\n",
            "[NetDev]\n# Kind=vlan\nName=x\n",
            "[NetDev]\nKind=fibre\n",
            "",
        ] {
            assert_eq!(asked(none), [""; 0], "{none}");
        }
    }

    #[test]
    fn a_unit_asks_for_what_it_sets() {
        let bridge = "[NetDev]\nKind=bridge\n[Bridge]\nVLANFiltering=";
        for (value, needs) in [
            ("yes", &["bridge", "vlan-filtering"][..]),
            ("0", &["bridge"]),
        ] {
            assert_eq!(asked(&format!("{bridge}{value}\n")), needs);
        }
        assert_eq!(asked("[BridgeVLAN]\nVLAN=7\n"), ["vlan-filtering"]);
        let lossy = "[NetworkEmulator]\nLossRate=50%\n";
        assert_eq!(asked(lossy), ["netem"]);
    }
}
