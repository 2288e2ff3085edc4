//! The multicast databases of bridges: `bridge -j mdb show`.

use std::net::IpAddr;

use futures_util::FutureExt;
use serde_json::Value;

use crate::check::Verdict;
use crate::check::bridge::{is_or_any, verdict};
use crate::check::ghosts::Ghosts;
use crate::check::iproute2::{array, text};
use crate::check::kind::{Kind, Looked};
use crate::check::looking::Looking;
use crate::scenario::Mdb;
use crate::scenario::names::IfName;

impl Kind for Mdb {
    fn expected(&self) -> String {
        expected(self)
    }

    fn holds_by_lack(&self) -> bool {
        self.absent
    }

    fn ghost_limit(&self, _: &Ghosts<'_>) -> Option<String> {
        None
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async {
            let port = at.any_link(self.interface.as_ref()).await?;
            let tables = at.json(&["bridge", "-j", "mdb", "show"]).await?;
            Ok(judge(&tables, port.as_deref(), self))
        }
        .boxed_local()
    }

    fn links(&self) -> Vec<IfName> {
        self.interface.iter().cloned().collect()
    }

    fn lacking(&self) -> Vec<&IfName> {
        self.interface.iter().chain(&self.bridge).collect()
    }
}

/// Judges `bridge -j mdb show`; `interface` is the port's name at the vantage.
fn judge(tables: &Value, interface: Option<&str>, wanted: &Mdb) -> Verdict {
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
fn expected(wanted: &Mdb) -> String {
    let port = wanted.interface.as_ref();
    let port = port.map_or_else(|| "a port".to_owned(), ToString::to_string);
    let no = if wanted.absent { "no " } else { "" };
    format!("{no}members of {} behind {port}", wanted.group)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Value {
        serde_json::from_str(text).expect("what `bridge` printed")
    }

    #[test]
    fn the_mdb_tells_who_wants_a_group() {
        for text in [
            include_str!("../fixtures/iproute2-6.1/mdb.json"),
            include_str!("../fixtures/iproute2-6.15/mdb.json"),
        ] {
            let tables = json(text);
            let group = |group: &str, absent| Mdb {
                group: group.parse().expect("an address"),
                interface: None,
                bridge: None,
                absent,
            };
            assert_eq!(
                judge(&tables, Some("veth0"), &group("239.1.2.3", false)),
                Verdict::holds("239.1.2.3 has members behind veth0 of br0")
            );
            assert!(judge(&tables, None, &group("ff05::1234", false)).holds);
            // br0 itself joins the solicited-node group of its address (RFC 4291).
            let solicited = group("ff02::1:ff00:1", false);
            assert!(judge(&tables, Some("br0"), &solicited).holds);
            assert!(!judge(&tables, Some("veth0"), &solicited).holds);
            assert!(judge(&tables, None, &group("239.9.9.9", true)).holds);
            assert_eq!(
                judge(&tables, None, &group("239.9.9.9", false)),
                Verdict::violated("no bridge knows members of 239.9.9.9")
            );
        }
    }
}
