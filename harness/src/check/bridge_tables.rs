//! The tables of bridges as `bridge -j fdb`, `bridge -j mdb` and `bridge -j vlan` print them, versions 6.1 to 6.15.

use std::net::IpAddr;

use serde_json::Value;

use super::Verdict;
use super::ip::{array, text};
use crate::scenario::{BridgeVlan, Fdb, Mdb};

/// Judges `bridge -j fdb show`; `interface` is the port's name at the vantage.
pub fn judge_fdb(entries: &Value, interface: Option<&str>, wanted: &Fdb) -> Verdict {
    let mac = wanted.mac.to_string();
    // Without a master it is a filter of the NIC itself, not something that a bridge learnt.
    let known: Vec<&Value> = array(entries)
        .filter(|entry| entry["mac"] == mac.as_str())
        .filter(|entry| entry["master"].is_string())
        .collect();
    let right = |entry: &&&Value| {
        let bridge = wanted.bridge.as_ref().map(AsRef::as_ref);
        is_or_any(&entry["master"], bridge)
            && is_or_any(&entry["ifname"], interface)
            && wanted.vlan.is_none_or(|vlan| entry["vlan"] == vlan)
    };
    let sentence = |entry: &&Value| {
        let vlan = entry["vlan"].as_u64();
        let vlan = vlan.map_or_else(String::new, |vlan| format!(" in VLAN {vlan}"));
        let state = match text(entry, "state") {
            "" => "learnt",
            state => state,
        };
        let (port, bridge) = (text(entry, "ifname"), text(entry, "master"));
        format!("{mac} is behind {port} of {bridge}{vlan}, {state}")
    };
    let found: Vec<String> = known.iter().filter(right).map(sentence).collect();
    let others: Vec<String> = known.iter().map(sentence).collect();
    let nowhere = || format!("no bridge knows {mac}");
    verdict(&found, &others, nowhere, wanted.absent)
}

/// What is wanted of the forwarding database, in words.
pub fn expected_fdb(wanted: &Fdb) -> String {
    let port = wanted.interface.as_ref();
    let port = port.map_or_else(|| "a port".to_owned(), ToString::to_string);
    let bridge = wanted.bridge.as_ref();
    let bridge = bridge.map_or_else(|| "a bridge".to_owned(), ToString::to_string);
    let vlan = wanted.vlan.map(|vlan| format!(" in VLAN {vlan}"));
    format!(
        "{} {}behind {port} of {bridge}{}",
        wanted.mac,
        if wanted.absent { "not " } else { "" },
        vlan.unwrap_or_default()
    )
}

/// Judges `bridge -j mdb show`; `interface` is the port's name at the vantage.
pub fn judge_mdb(tables: &Value, interface: Option<&str>, wanted: &Mdb) -> Verdict {
    let group = wanted.group;
    let known: Vec<&Value> = array(tables)
        .flat_map(|table| array(&table["mdb"]))
        .filter(|entry| text(entry, "grp").parse::<IpAddr>() == Ok(group))
        .collect();
    let right = |entry: &&&Value| {
        let bridge = wanted.bridge.as_ref().map(AsRef::as_ref);
        is_or_any(&entry["dev"], bridge) && is_or_any(&entry["port"], interface)
    };
    let sentence = |entry: &&Value| {
        let (port, bridge) = (text(entry, "port"), text(entry, "dev"));
        format!("{group} has members behind {port} of {bridge}")
    };
    let found: Vec<String> = known.iter().filter(right).map(sentence).collect();
    let others: Vec<String> = known.iter().map(sentence).collect();
    let nowhere = || format!("no bridge knows members of {group}");
    verdict(&found, &others, nowhere, wanted.absent)
}

/// What is wanted of the multicast database, in words.
pub fn expected_mdb(wanted: &Mdb) -> String {
    let port = wanted.interface.as_ref();
    let port = port.map_or_else(|| "a port".to_owned(), ToString::to_string);
    let no = if wanted.absent { "no " } else { "" };
    format!("{no}members of {} behind {port}", wanted.group)
}

/// Judges `bridge -j vlan show`; `name` is the port's name at the vantage.
pub fn judge_vlan(ports: &Value, name: &str, wanted: &BridgeVlan) -> Verdict {
    let (shown, vlan) = (&wanted.interface, u64::from(wanted.vlan));
    let Some(port) = array(ports).find(|port| port["ifname"] == name) else {
        return match wanted.absent {
            true => Verdict::holds(format!("{shown} has no VLANs")),
            false => Verdict::violated(format!("{shown} has no VLANs")),
        };
    };
    // A range of VLANs is one entry with an end.
    let entry = array(&port["vlans"]).find(|entry| {
        let first = entry["vlan"].as_u64().unwrap_or_default();
        let last = entry["vlanEnd"].as_u64().unwrap_or(first);
        (first..=last).contains(&vlan)
    });
    let Some(entry) = entry else {
        let others: Vec<String> = array(&port["vlans"])
            .map(|entry| entry["vlan"].to_string())
            .collect();
        let got = format!(
            "{shown} is not in VLAN {vlan}, but in {}",
            others.join(", ")
        );
        return match wanted.absent {
            true => Verdict::holds(got),
            false => Verdict::violated(got),
        };
    };
    let has = |flag: &str| array(&entry["flags"]).any(|one| one == flag);
    let (pvid, untagged) = (has("PVID"), has("Egress Untagged"));
    let got = format!(
        "{shown} is in VLAN {vlan}, {}, {}",
        if pvid { "pvid" } else { "not pvid" },
        if untagged { "untagged" } else { "tagged" }
    );
    let right = !wanted.absent
        && wanted.pvid.is_none_or(|wanted| wanted == pvid)
        && wanted.untagged.is_none_or(|wanted| wanted == untagged);
    match right {
        true => Verdict::holds(got),
        false => Verdict::violated(got),
    }
}

/// What is wanted of a port's VLANs, in words.
pub fn expected_vlan(wanted: &BridgeVlan) -> String {
    let not = if wanted.absent { "not " } else { "" };
    let flag = |name: &str, flag: Option<bool>| match flag {
        None => String::new(),
        Some(true) => format!(", {name}"),
        Some(false) => format!(", not {name}"),
    };
    format!(
        "{} {not}in VLAN {}{}{}",
        wanted.interface,
        wanted.vlan,
        flag("pvid", wanted.pvid),
        flag("untagged", wanted.untagged)
    )
}

fn is_or_any(value: &Value, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| value == wanted)
}

fn verdict(
    found: &[String],
    others: &[String],
    nowhere: impl Fn() -> String,
    absent: bool,
) -> Verdict {
    let told = |list: &[String]| match list {
        [] => nowhere(),
        list => list.join("; "),
    };
    match (found.is_empty(), absent) {
        (false, false) => Verdict::holds(told(found)),
        (true, true) => Verdict::holds(told(others)),
        (false, true) => Verdict::violated(told(found)),
        (true, false) => Verdict::violated(told(others)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::names::IfName;

    fn json(text: &str) -> Value {
        serde_json::from_str(text).expect("what `bridge` printed")
    }

    fn name(text: &str) -> Option<IfName> {
        IfName::try_from(text).ok()
    }

    /// What a veth's peer sent from, and what the veth itself has.
    const FDB: [(&str, &str, &str); 2] = [
        (
            include_str!("fixtures/iproute2-6.1/fdb.json"),
            "d6:d7:2b:a9:e5:83",
            "fe:08:2d:46:92:97",
        ),
        (
            include_str!("fixtures/iproute2-6.15/fdb.json"),
            "96:96:e2:7b:da:c2",
            "ea:06:cb:ab:d1:c2",
        ),
    ];

    #[test]
    fn the_fdb_tells_behind_which_port() {
        for (text, learnt, own) in FDB {
            let entries = json(text);
            let at = |mac: &str, absent| Fdb {
                mac: mac.parse().expect("a MAC address"),
                interface: None,
                bridge: None,
                vlan: None,
                absent,
            };
            let told = format!("{learnt} is behind veth0 of br0, learnt");
            assert_eq!(
                judge_fdb(&entries, Some("veth0"), &at(learnt, false)),
                Verdict::holds(told.clone())
            );
            assert_eq!(
                judge_fdb(&entries, Some("vm-test1"), &at(learnt, false)),
                Verdict::violated(told.clone())
            );
            assert!(judge_fdb(&entries, Some("vm-test1"), &at(learnt, true)).holds);
            assert_eq!(
                judge_fdb(&entries, None, &at(learnt, true)),
                Verdict::violated(told)
            );
            let own = judge_fdb(&entries, None, &at(own, false));
            assert!(own.holds && own.got.ends_with("permanent"), "{own:?}");
            assert_eq!(
                judge_fdb(&entries, None, &at("02:00:00:00:00:09", false)),
                Verdict::violated("no bridge knows 02:00:00:00:00:09")
            );
            let elsewhere = Fdb {
                bridge: name("br1"),
                ..at(learnt, false)
            };
            assert!(!judge_fdb(&entries, None, &elsewhere).holds);
            let tagged = Fdb {
                vlan: Some(20),
                ..at(learnt, false)
            };
            assert!(!judge_fdb(&entries, None, &tagged).holds);
        }
    }

    #[test]
    fn the_mdb_tells_who_wants_a_group() {
        for text in [
            include_str!("fixtures/iproute2-6.1/mdb.json"),
            include_str!("fixtures/iproute2-6.15/mdb.json"),
        ] {
            let tables = json(text);
            let group = |group: &str, absent| Mdb {
                group: group.parse().expect("an address"),
                interface: None,
                bridge: None,
                absent,
            };
            assert_eq!(
                judge_mdb(&tables, Some("veth0"), &group("239.1.2.3", false)),
                Verdict::holds("239.1.2.3 has members behind veth0 of br0")
            );
            assert!(judge_mdb(&tables, None, &group("ff05::1234", false)).holds);
            // br0 itself joins the solicited-node group of its address (RFC 4291).
            let solicited = group("ff02::1:ff00:1", false);
            assert!(judge_mdb(&tables, Some("br0"), &solicited).holds);
            assert!(!judge_mdb(&tables, Some("veth0"), &solicited).holds);
            assert!(judge_mdb(&tables, None, &group("239.9.9.9", true)).holds);
            assert_eq!(
                judge_mdb(&tables, None, &group("239.9.9.9", false)),
                Verdict::violated("no bridge knows members of 239.9.9.9")
            );
        }
    }
}
