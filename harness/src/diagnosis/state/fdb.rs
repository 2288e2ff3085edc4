//! Neighbours, forwarding entries, VLANs and group memberships: `ip -j neighbour`, `bridge -j fdb|vlan|mdb show`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;
use serde_json::Value;

use super::rows::rows;

/// A neighbour entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(in crate::diagnosis) struct Neighbour {
    /// Whose.
    #[serde(rename = "dst")]
    pub(in crate::diagnosis) address: Option<IpAddr>,
    /// At which link.
    #[serde(rename = "dev")]
    pub(in crate::diagnosis) link: String,
    /// MAC address, where one is known.
    #[serde(rename = "lladdr")]
    pub(in crate::diagnosis) mac: Option<String>,
    /// `REACHABLE`, `PERMANENT`, `FAILED`, ...
    pub(in crate::diagnosis) state: Vec<String>,
}

impl Neighbour {
    /// Whether its MAC address is used without asking first.
    pub(in crate::diagnosis) fn is_known(&self) -> bool {
        let lost = |state: &String| matches!(state.as_str(), "FAILED" | "INCOMPLETE");
        self.mac.is_some() && !self.state.iter().any(lost)
    }

    /// Whether an administrator made it.
    pub(in crate::diagnosis) fn is_permanent(&self) -> bool {
        self.state.iter().any(|state| state == "PERMANENT")
    }
}

/// A forwarding entry of a bridge.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(in crate::diagnosis) struct FdbEntry {
    /// MAC address.
    pub(in crate::diagnosis) mac: String,
    /// Port behind which it is.
    #[serde(rename = "ifname")]
    pub(in crate::diagnosis) port: String,
    /// Bridge; `None`: an entry of the link itself.
    pub(in crate::diagnosis) master: Option<String>,
    /// VLAN.
    pub(in crate::diagnosis) vlan: Option<u16>,
    /// `permanent`: the bridge's own address; `static`: by an administrator; empty: learnt.
    pub(in crate::diagnosis) state: String,
    /// `sticky`, `self`, ...
    pub(in crate::diagnosis) flags: Vec<String>,
}

/// A VLAN of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnosis) struct PortVlan {
    /// First of the range.
    pub(in crate::diagnosis) first: u16,
    /// Last of the range.
    pub(in crate::diagnosis) last: u16,
    /// Untagged frames that come in belong to it.
    pub(in crate::diagnosis) pvid: bool,
    /// Its frames go out untagged.
    pub(in crate::diagnosis) untagged: bool,
}

impl PortVlan {
    /// Whether the VLAN is in the range.
    pub(in crate::diagnosis) fn has(&self, vlan: u16) -> bool {
        (self.first..=self.last).contains(&vlan)
    }
}

/// A membership of a multicast group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(in crate::diagnosis) struct MdbEntry {
    /// Bridge.
    #[serde(rename = "dev")]
    pub(in crate::diagnosis) bridge: String,
    /// Port with a member.
    pub(in crate::diagnosis) port: String,
    /// Group.
    #[serde(rename = "grp")]
    pub(in crate::diagnosis) group: String,
}

/// Reads `bridge -j vlan show`.
pub(super) fn vlans(text: &str) -> BTreeMap<String, Vec<PortVlan>> {
    let ports: Vec<Value> = rows(text);
    let named = ports.iter().filter_map(|port| {
        let vlans = port["vlans"].as_array()?.iter().filter_map(vlan);
        Some((port["ifname"].as_str()?.to_owned(), vlans.collect()))
    });
    named.collect()
}

fn vlan(row: &Value) -> Option<PortVlan> {
    let number = |key: &str| row[key].as_u64().and_then(|vlan| u16::try_from(vlan).ok());
    let first = number("vlan")?;
    let flags = row["flags"].as_array().into_iter().flatten();
    let flags: Vec<&str> = flags.filter_map(Value::as_str).collect();
    Some(PortVlan {
        first,
        last: number("vlanEnd").unwrap_or(first),
        pvid: flags.contains(&"PVID"),
        untagged: flags.contains(&"Egress Untagged"),
    })
}

/// Reads `bridge -j -d mdb show`.
pub(super) fn memberships(text: &str) -> Vec<MdbEntry> {
    let all: Vec<Value> = rows(text);
    let lists = all
        .iter()
        .filter_map(|one| one["mdb"].as_array())
        .flatten()
        .cloned();
    lists
        .filter_map(|row| serde_json::from_value(row).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vlans_are_read_with_ranges_and_flags() {
        // iproute2 6.1: `bridge vlan add vid 20 dev v0 pvid untagged`, `bridge vlan add vid 30-32 dev v0`.
        let text = r#"[{"ifname":"v0","vlans":[{"vlan":20,"flags":["PVID","Egress Untagged"]},{"vlan":30,"vlanEnd":32}]}]"#;
        let read = vlans(text);
        let [own, more] = read["v0"].as_slice() else {
            panic!("{read:?}")
        };
        assert!(own.pvid && own.untagged && own.has(20) && !own.has(21));
        assert!(!more.pvid && !more.untagged && more.has(32) && !more.has(33));
        assert!(vlans("[]").is_empty());
    }

    #[test]
    fn a_failed_neighbour_is_not_known() {
        let text = r#"[{"dst":"192.168.1.1","dev":"br0","state":["FAILED"]},
            {"dst":"192.168.1.3","dev":"br0","lladdr":"02:00:00:00:00:01","state":["PERMANENT"]}]"#;
        let read: Vec<Neighbour> = rows(text);
        assert!(!read[0].is_known() && !read[0].is_permanent());
        assert!(read[1].is_known() && read[1].is_permanent());
    }

    #[test]
    fn memberships_are_those_of_each_bridge() {
        let text = r#"[{"mdb":[{"index":3,"dev":"br0","port":"vm-tiny1","grp":"ff02::1:ff00:b","state":"temp"}],"router":{}}]"#;
        let read = memberships(text);
        assert_eq!(read.len(), 1);
        assert_eq!(
            (read[0].port.as_str(), read[0].group.as_str()),
            ("vm-tiny1", "ff02::1:ff00:b")
        );
    }
}
