//! The forwarding databases of bridges: `bridge -j fdb show`.

use futures_util::FutureExt;
use serde_json::Value;

use crate::check::Verdict;
use crate::check::bridge::{is_or_any, verdict};
use crate::check::ghosts::Ghosts;
use crate::check::iproute2::{array, text};
use crate::check::kind::{Kind, Looked};
use crate::check::looking::Looking;
use crate::scenario::check_kind::{ABSENT, Asked, Declared, Looks};
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::names::IfName;
use crate::scenario::net::Mac;
use crate::scenario::parse;

/// An entry of a bridge's forwarding database: `bridge fdb show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fdb {
    /// MAC address.
    pub mac: Mac,
    /// Port behind which it is; `None`: any.
    pub interface: Option<IfName>,
    /// Bridge; `None`: any.
    pub bridge: Option<IfName>,
    /// VLAN, when it matters.
    pub vlan: Option<u16>,
    /// There must be no such entry.
    pub absent: bool,
}

impl Declared for Fdb {
    const KEYS: TableKeys = table_keys(
        "fdb",
        "`bridge fdb` has the MAC address behind that port",
        &[
            must("mac", KeyType::MAC, "MAC address"),
            may("interface", KeyType::INTERFACE, "any port", "port"),
            may("bridge", KeyType::INTERFACE, "any", "bridge"),
            may("vlan", KeyType::Integer(1, 4094), "any", "VLAN"),
            ABSENT,
        ],
    );
    const HOLDS: &'static str = "`bridge fdb` has the MAC address behind that port";
    const LOOKS: Looks = Looks::machine_or_guest(|image| (!image.tools).then_some("`bridge`"));

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked { reader, .. } = *asked;
        let mac = reader.need("mac", reader.word("mac", parse::mac));
        let interface = asked.interface();
        let bridge = asked.interface_at("bridge");
        let vlan = reader.number::<u16>("vlan");
        let absent = reader.flag("absent").unwrap_or(false);
        Some(Self {
            mac: mac?.value,
            interface,
            bridge,
            vlan,
            absent,
        })
    }
}

impl Kind for Fdb {
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
            let entries = at.json(&["bridge", "-j", "fdb", "show"]).await?;
            Ok(judge(&entries, port.as_deref(), self))
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

/// Judges `bridge -j fdb show`; `interface` is the port's name at the vantage.
fn judge(entries: &Value, interface: Option<&str>, wanted: &Fdb) -> Verdict {
    let mac = wanted.mac.to_string();
    // An entry without a master is a filter of the NIC itself, not something that a bridge learnt.
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
fn expected(wanted: &Fdb) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Value {
        serde_json::from_str(text).expect("what `bridge` printed")
    }

    fn name(text: &str) -> Option<IfName> {
        IfName::try_from(text).ok()
    }

    /// `bridge -j fdb`, the MAC address that a veth's peer sent from, and the veth's own.
    const FDB: [(&str, &str, &str); 2] = [
        (
            include_str!("../fixtures/iproute2-6.1/fdb.json"),
            "d6:d7:2b:a9:e5:83",
            "fe:08:2d:46:92:97",
        ),
        (
            include_str!("../fixtures/iproute2-6.15/fdb.json"),
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
                judge(&entries, Some("veth0"), &at(learnt, false)),
                Verdict::holds(told.clone())
            );
            assert_eq!(
                judge(&entries, Some("vm-test1"), &at(learnt, false)),
                Verdict::violated(told.clone())
            );
            assert!(judge(&entries, Some("vm-test1"), &at(learnt, true)).holds);
            assert_eq!(
                judge(&entries, None, &at(learnt, true)),
                Verdict::violated(told)
            );
            let own = judge(&entries, None, &at(own, false));
            assert!(own.holds && own.got.ends_with("permanent"), "{own:?}");
            assert_eq!(
                judge(&entries, None, &at("02:00:00:00:00:09", false)),
                Verdict::violated("no bridge knows 02:00:00:00:00:09")
            );
            let elsewhere = Fdb {
                bridge: name("br1"),
                ..at(learnt, false)
            };
            assert!(!judge(&entries, None, &elsewhere).holds);
            let tagged = Fdb {
                vlan: Some(20),
                ..at(learnt, false)
            };
            assert!(!judge(&entries, None, &tagged).holds);
        }
    }
}
