//! The neighbour cache as `ip -j neigh` prints it, versions 6.1 to 6.15.

use std::net::IpAddr;

use futures_util::FutureExt;
use serde_json::Value;

use crate::check::Verdict;
use crate::check::ghosts::Ghosts;
use crate::check::iproute2::{array, text};
use crate::check::kind::{Kind, Looked};
use crate::check::looking::Looking;
use crate::scenario::check_kind::{ABSENT, Asked, Declared, Looks};
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::names::IfName;
use crate::scenario::net::Mac;
use crate::scenario::parse;

/// A neighbour: `ip neigh show ADDRESS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// Interface; `None`: any.
    pub interface: Option<IfName>,
    /// Its IP address.
    pub address: IpAddr,
    /// Its MAC address, when it matters.
    pub mac: Option<Mac>,
    /// State (`reachable`, `stale`, `failed`, ...); `None`: any in which its MAC address is known.
    pub state: Option<String>,
    /// There must be no such entry.
    pub absent: bool,
}

impl Declared for Neighbour {
    const KEYS: TableKeys = table_keys(
        "neighbour",
        "`ip neigh` has it: with its MAC address, or in that state",
        &[
            may("interface", KeyType::INTERFACE, "any", "interface"),
            must("address", KeyType::IP, "address"),
            may("mac", KeyType::MAC, "any", "MAC address"),
            may(
                "state",
                KeyType::Words(&[
                    "incomplete",
                    "reachable",
                    "stale",
                    "delay",
                    "probe",
                    "failed",
                    "noarp",
                    "permanent",
                ]),
                "resolved",
                "its state",
            ),
            ABSENT,
        ],
    );
    const HOLDS: &'static str = "`ip neigh` has it: with its MAC address, or in that state (`\"reachable\"`, `\"stale\"`, `\"failed\"`, ...)";
    const LOOKS: Looks = Looks::ANYWHERE;

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked { reader, .. } = *asked;
        let absent = asked.not_with_absent(&["mac", "state"]);
        let interface = asked.interface();
        let address = reader.need("address", reader.word("address", parse::ip));
        let mac = reader.word("mac", parse::mac);
        let state = reader.listed_word("state");
        Some(Self {
            interface,
            address: address?.value,
            mac: mac.map(|mac| mac.value),
            state: state.map(|state| state.value.to_owned()),
            absent,
        })
    }
}

impl Kind for Neighbour {
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
            let name = at.any_link(self.interface.as_ref()).await?;
            let family = if self.address.is_ipv4() { "-4" } else { "-6" };
            let cache = at.json(&["ip", "-j", family, "neigh"]).await?;
            Ok(judge(&cache, name.as_deref(), self))
        }
        .boxed_local()
    }

    fn links(&self) -> Vec<IfName> {
        self.interface.iter().cloned().collect()
    }

    fn lacking(&self) -> Vec<&IfName> {
        self.interface.iter().collect()
    }
}

/// Judges the cache; `interface` is the name at the vantage, when one matters.
fn judge(cache: &Value, interface: Option<&str>, wanted: &Neighbour) -> Verdict {
    let address = wanted.address;
    let found: Vec<&Value> = array(cache)
        .filter(|entry| text(entry, "dst").parse::<IpAddr>() == Ok(address))
        .filter(|entry| interface.is_none_or(|name| entry["dev"] == name))
        .collect();
    let told = match found.as_slice() {
        [] => format!("no entry for {address}"),
        some => some
            .iter()
            .map(|entry| sentence(entry))
            .collect::<Vec<_>>()
            .join("; "),
    };
    let holds = match wanted.absent {
        true => found.is_empty(),
        false => found.iter().any(|entry| is_right(entry, wanted)),
    };
    match holds {
        true => Verdict::holds(told),
        false => Verdict::violated(told),
    }
}

/// What is wanted, in words.
fn expected(wanted: &Neighbour) -> String {
    let address = wanted.address;
    if wanted.absent {
        return format!("no neighbour {address}");
    }
    let mac = wanted.mac.map(|mac| format!(" at {mac}"));
    let state = wanted.state.as_ref().map(|state| format!(", {state}"));
    format!(
        "neighbour {address}{}{}",
        mac.unwrap_or_default(),
        state.unwrap_or_else(|| ", resolved".to_owned())
    )
}

fn is_right(entry: &Value, wanted: &Neighbour) -> bool {
    let mac = wanted.mac.map(|mac| mac.to_string());
    let same_mac = mac.is_none_or(|mac| entry["lladdr"] == mac.as_str());
    let is = |state: &str| array(&entry["state"]).any(|one| one == state);
    same_mac
        && match &wanted.state {
            Some(state) => is(&state.to_uppercase()),
            None => entry["lladdr"].is_string() && !is("FAILED") && !is("INCOMPLETE"),
        }
}

fn sentence(entry: &Value) -> String {
    let state: Vec<&str> = array(&entry["state"]).filter_map(Value::as_str).collect();
    let mac = entry["lladdr"].as_str().unwrap_or("no MAC address");
    format!(
        "{} dev {} at {mac}, {}",
        text(entry, "dst"),
        text(entry, "dev"),
        state.join(" ").to_lowercase()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ip -j neigh` with a neighbour that answered a ping and an address that nobody has; and the MAC address of the former.
    const CACHES: [(&str, &str); 2] = [
        (
            include_str!("../fixtures/iproute2-6.1/neigh.json"),
            "d6:d7:2b:a9:e5:83",
        ),
        (
            include_str!("../fixtures/iproute2-6.15/neigh.json"),
            "96:96:e2:7b:da:c2",
        ),
    ];

    fn any(address: &str) -> Neighbour {
        Neighbour {
            interface: None,
            address: address.parse().expect("an address"),
            mac: None,
            state: None,
            absent: false,
        }
    }

    #[test]
    fn resolved_means_with_an_address_that_was_answered() {
        for (text, mac) in CACHES {
            let cache = serde_json::from_str(text).expect("what `ip` printed");
            let told = format!("10.0.0.2 dev br0 at {mac}, reachable");
            assert_eq!(judge(&cache, None, &any("10.0.0.2")), Verdict::holds(told));
            assert_eq!(
                judge(&cache, Some("br0"), &any("10.0.0.77")),
                Verdict::violated("10.0.0.77 dev br0 at no MAC address, incomplete")
            );
            assert_eq!(
                judge(&cache, Some("eth0"), &any("10.0.0.2")),
                Verdict::violated("no entry for 10.0.0.2")
            );
            let incomplete = Neighbour {
                state: Some("incomplete".to_owned()),
                ..any("10.0.0.77")
            };
            assert!(judge(&cache, None, &incomplete).holds);
            let right = Neighbour {
                mac: mac.parse().ok(),
                ..any("10.0.0.2")
            };
            assert!(judge(&cache, None, &right).holds);
            let other = Neighbour {
                mac: "02:00:00:00:00:01".parse().ok(),
                ..any("10.0.0.2")
            };
            assert!(!judge(&cache, None, &other).holds);
        }
    }

    #[test]
    fn absent_means_no_entry_at_all() {
        let (text, _) = CACHES[0];
        let cache = serde_json::from_str(text).expect("what `ip` printed");
        let absent = |address| Neighbour {
            absent: true,
            ..any(address)
        };
        assert!(judge(&cache, None, &absent("10.0.0.3")).holds);
        assert!(!judge(&cache, None, &absent("10.0.0.77")).holds);
    }
}
