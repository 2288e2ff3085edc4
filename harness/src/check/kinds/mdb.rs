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
use crate::scenario::check_kind::{ABSENT, Asked, Declared, Looks};
use crate::scenario::error::{Fault, code};
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::names::IfName;
use crate::scenario::parse;

/// An entry of a bridge's multicast database: `bridge mdb show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mdb {
    /// Multicast group.
    pub group: IpAddr,
    /// Port with members of the group; the bridge itself has entries, too. `None`: any.
    pub interface: Option<IfName>,
    /// Bridge; `None`: any.
    pub bridge: Option<IfName>,
    /// There must be no such entry.
    pub absent: bool,
}

impl Declared for Mdb {
    const KEYS: TableKeys = table_keys(
        "mdb",
        "`bridge mdb` has members of the group behind that port",
        &[
            must("group", KeyType::IP, "multicast group"),
            may(
                "interface",
                KeyType::INTERFACE,
                "any port, or the bridge",
                "port",
            ),
            may("bridge", KeyType::INTERFACE, "any", "bridge"),
            ABSENT,
        ],
    );
    const HOLDS: &'static str = "`bridge mdb` has members of the group behind that port";
    const LOOKS: Looks = Looks::machine_or_guest(|image| (!image.tools).then_some("`bridge`"));

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked {
            context, reader, ..
        } = *asked;
        let group = reader.need("group", reader.word("group", parse::ip));
        if let Some(group) = &group
            && !group.value.is_multicast()
        {
            let message = format!("`{}` is not a multicast group", group.value);
            let label = "not a multicast address".to_owned();
            let help = "for example `239.1.2.3` or `ff02::1:ff00:b`".to_owned();
            let fault = Fault::new(group.place, code::BAD_VALUE, message, label);
            context.faults.add(fault.help(help));
        }
        let interface = asked.interface();
        let bridge = asked.interface_at("bridge");
        let absent = reader.flag("absent").unwrap_or(false);
        Some(Self {
            group: group?.value,
            interface,
            bridge,
            absent,
        })
    }
}

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
