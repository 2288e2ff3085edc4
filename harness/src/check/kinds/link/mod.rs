//! A link as `ip -j -d link` prints it, versions 6.1 to 6.15.

mod declared;

use futures_util::FutureExt;
use serde_json::Value;

use crate::check::Verdict;
use crate::check::ghosts::{self, Ghosts};
use crate::check::iproute2::{array, text};
use crate::check::kind::{Kind, Looked};
use crate::check::looking::Looking;
use crate::scenario::names::IfName;

pub use declared::Link;

impl Kind for Link {
    fn expected(&self) -> String {
        expected(self)
    }

    fn holds_by_lack(&self) -> bool {
        self.absent || self.nomaster || self.carrier == Some(false)
    }

    fn ghost_limit(&self, ghosts: &Ghosts<'_>) -> Option<String> {
        let interface = &self.interface;
        let of_a_tun = self.kind.is_some() || self.multi_queue.is_some() || self.vnet_hdr.is_some();
        let state = self.operstate.as_deref();
        let down = self.carrier == Some(false)
            || state.is_some_and(|state| state != "up" && state != "unknown");
        match ghosts.is_tap(interface) {
            true if of_a_tun => Some(format!("{interface} is a veth here, not a TAP")),
            true if down => Some(ghosts::carrier_of_a_veth(interface)),
            _ => None,
        }
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async {
            let links = at.json(&["ip", "-j", "-d", "link"]).await?;
            let name = self.interface.as_ref();
            // A guest's NIC that is gone is judged by the name in the check, which no link has: it is reported as missing.
            let name = at.link_in(&links, name).unwrap_or_else(|_| name.to_owned());
            Ok(judge(&links, &name, self))
        }
        .boxed_local()
    }

    fn links(&self) -> Vec<IfName> {
        vec![self.interface.clone()]
    }
}

/// Judges the links of a machine: the one named `name` there is as `wanted` says.
fn judge(links: &Value, name: &str, wanted: &Link) -> Verdict {
    let shown = wanted.interface.as_ref();
    let Some(link) = array(links).find(|link| link["ifname"] == name) else {
        let got = format!("there is no {shown}");
        return match wanted.absent {
            true => Verdict::holds(got),
            false => Verdict::violated(got),
        };
    };
    if wanted.absent {
        let kind = link["linkinfo"]["info_kind"].as_str();
        let kind = kind.map_or_else(String::new, |kind| format!(", a {kind}"));
        return Verdict::violated(format!("there is {shown}{kind}"));
    }
    let facts = facts(link, wanted);
    let list = |right: bool| -> String {
        let said = facts.iter().filter(|fact| fact.right == right);
        let said: Vec<&str> = said.map(|fact| fact.got.as_str()).collect();
        said.join(", ")
    };
    match facts.iter().all(|fact| fact.right) {
        true => Verdict::holds(format!("{shown}: {}", list(true))),
        false => Verdict::violated(format!("{shown}: {}", list(false))),
    }
}

/// What a link should be, in words.
fn expected(wanted: &Link) -> String {
    let name = &wanted.interface;
    if wanted.absent {
        return format!("no {name}");
    }
    let mut told = Vec::new();
    let mut tell = |key: &str, value: Option<String>| {
        told.extend(value.map(|value| format!("{key} {value}")));
    };
    tell("kind", wanted.kind.clone());
    tell("master", wanted.master.as_ref().map(ToString::to_string));
    tell("no", wanted.nomaster.then(|| "master".to_owned()));
    tell(
        "carrier",
        wanted.carrier.map(|carrier| on(carrier).to_owned()),
    );
    tell("operstate", wanted.operstate.clone());
    tell("state", wanted.state.clone());
    tell("mtu", wanted.mtu.map(|mtu| mtu.to_string()));
    tell("mac", wanted.mac.map(|mac| mac.to_string()));
    let flags = (!wanted.flags.is_empty()).then(|| wanted.flags.join(","));
    tell("flags", flags);
    tell(
        "multi_queue",
        wanted.multi_queue.map(|flag| on(flag).to_owned()),
    );
    tell("vnet_hdr", wanted.vnet_hdr.map(|flag| on(flag).to_owned()));
    for (flag, wanted) in &wanted.port_flags {
        tell(flag.word(), Some(on(*wanted).to_owned()));
    }
    format!("{name} with {}", told.join(", "))
}

/// One property of a link, in words, and whether it is as wanted.
struct Fact {
    got: String,
    right: bool,
}

fn facts(link: &Value, wanted: &Link) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut compare = |key: &str, got: &str, wanted: Option<&str>| {
        facts.extend(wanted.map(|wanted| Fact {
            got: format!("{key} {got}"),
            right: got == wanted,
        }));
    };
    let info = &link["linkinfo"];
    let or_none = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    let flag = |name: &str| array(&link["flags"]).any(|flag| flag == name);
    compare("kind", &or_none(&info["info_kind"]), wanted.kind.as_deref());
    let master = wanted.master.as_ref().map(AsRef::as_ref);
    let master = if wanted.nomaster {
        Some("none")
    } else {
        master
    };
    compare("master", &or_none(&link["master"]), master);
    compare("carrier", on(flag("LOWER_UP")), wanted.carrier.map(on));
    let operstate = text(link, "operstate").to_lowercase();
    compare("operstate", &operstate, wanted.operstate.as_deref());
    let state = or_none(&info["info_slave_data"]["state"]);
    compare("state", &state, wanted.state.as_deref());
    let mtu = wanted.mtu.map(|mtu| mtu.to_string());
    compare("mtu", &link["mtu"].to_string(), mtu.as_deref());
    let mac = wanted.mac.map(|mac| mac.to_string());
    compare("mac", text(link, "address"), mac.as_deref());
    for wanted in &wanted.flags {
        let got = if flag(wanted) { "" } else { "not " };
        facts.push(Fact {
            got: format!("{got}{wanted}"),
            right: got.is_empty(),
        });
    }
    let tun = |key: &str| match info["info_data"][key].as_bool() {
        Some(value) => on(value).to_owned(),
        None => "none".to_owned(),
    };
    let mut compare = |key: &str, wanted: Option<bool>| {
        facts.extend(wanted.map(|wanted| Fact {
            got: format!("{key} {}", tun(key)),
            right: tun(key) == on(wanted),
        }));
    };
    compare("multi_queue", wanted.multi_queue);
    compare("vnet_hdr", wanted.vnet_hdr);
    for (flag, wanted) in &wanted.port_flags {
        let word = flag.word();
        let got = info["info_slave_data"][word].as_bool();
        facts.push(Fact {
            got: format!("{word} {}", got.map_or("none", on)),
            right: got == Some(*wanted),
        });
    }
    facts
}

/// Word for a flag, as iproute2 prints it.
fn on(flag: bool) -> &'static str {
    if flag { "on" } else { "off" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::PortFlag;
    use crate::scenario::names::IfName;

    /// A bridge with STP, 9 s old, with a veth that forwards, and a TAP that no program has open.
    const SETTLED: [&str; 2] = [
        include_str!("../../fixtures/iproute2-6.1/link.json"),
        include_str!("../../fixtures/iproute2-6.15/link.json"),
    ];
    /// The same links right after they were made.
    const YOUNG: [&str; 2] = [
        include_str!("../../fixtures/iproute2-6.1/link-learning.json"),
        include_str!("../../fixtures/iproute2-6.15/link-learning.json"),
    ];

    fn links(text: &str) -> Value {
        serde_json::from_str(text).expect("what `ip` printed")
    }

    fn name(text: &str) -> IfName {
        IfName::try_from(text).expect("a name")
    }

    fn any(interface: &str) -> Link {
        Link {
            interface: name(interface),
            absent: false,
            master: None,
            nomaster: false,
            carrier: None,
            operstate: None,
            mtu: None,
            mac: None,
            state: None,
            flags: Vec::new(),
            kind: None,
            multi_queue: None,
            vnet_hdr: None,
            port_flags: std::collections::BTreeMap::new(),
        }
    }

    fn seen(text: &str, wanted: &Link) -> Verdict {
        judge(&links(text), wanted.interface.as_ref(), wanted)
    }

    #[test]
    fn every_property_is_read_from_both_versions() {
        for text in SETTLED {
            let port = Link {
                master: Some(name("br0")),
                carrier: Some(true),
                operstate: Some("up".to_owned()),
                mtu: Some(1500),
                state: Some("forwarding".to_owned()),
                flags: vec!["UP".to_owned(), "MULTICAST".to_owned()],
                kind: Some("veth".to_owned()),
                ..any("veth0")
            };
            let told = "veth0: kind veth, master br0, carrier on, operstate up, state forwarding, mtu 1500, UP, MULTICAST";
            assert_eq!(seen(text, &port), Verdict::holds(told));
            let tap = Link {
                carrier: Some(false),
                operstate: Some("down".to_owned()),
                state: Some("disabled".to_owned()),
                kind: Some("tun".to_owned()),
                multi_queue: Some(true),
                vnet_hdr: Some(true),
                ..any("vm-test1")
            };
            assert!(seen(text, &tap).holds, "{:?}", seen(text, &tap));
        }
    }

    #[test]
    fn every_switch_of_a_port_is_in_both_versions() {
        let defaults = |flag| {
            matches!(
                flag,
                PortFlag::Learning | PortFlag::Flood | PortFlag::McastFlood | PortFlag::BcastFlood
            )
        };
        for text in SETTLED {
            for (flag, word) in PortFlag::ALL {
                let port = |wanted| Link {
                    port_flags: [(flag, wanted)].into(),
                    ..any("veth0")
                };
                assert!(seen(text, &port(defaults(flag))).holds, "{word}");
                let told = format!("veth0: {word} {}", on(defaults(flag)));
                assert_eq!(seen(text, &port(!defaults(flag))), Verdict::violated(told));
            }
            let no_port = Link {
                port_flags: [(PortFlag::Hairpin, false)].into(),
                ..any("br0")
            };
            assert_eq!(seen(text, &no_port), Verdict::violated("br0: hairpin none"));
        }
    }

    #[test]
    fn only_what_differs_is_told() {
        for text in SETTLED {
            let wrong = Link {
                mtu: Some(9000),
                state: Some("learning".to_owned()),
                kind: Some("veth".to_owned()),
                flags: vec!["UP".to_owned(), "PROMISC".to_owned()],
                ..any("veth0")
            };
            let told = "veth0: state forwarding, mtu 1500, not PROMISC";
            assert_eq!(seen(text, &wrong), Verdict::violated(told));
            let masterless = Link {
                nomaster: true,
                ..any("veth0")
            };
            assert_eq!(
                seen(text, &masterless),
                Verdict::violated("veth0: master br0")
            );
            let masterless = Link {
                nomaster: true,
                multi_queue: Some(false),
                ..any("br0")
            };
            assert_eq!(
                seen(text, &masterless),
                Verdict::violated("br0: multi_queue none")
            );
        }
    }

    #[test]
    fn a_port_of_a_young_bridge_with_stp_listens() {
        for text in YOUNG {
            let listening = Link {
                state: Some("listening".to_owned()),
                ..any("veth0")
            };
            assert!(seen(text, &listening).holds);
            let bridge = Link {
                carrier: Some(true),
                ..any("br0")
            };
            assert_eq!(seen(text, &bridge), Verdict::violated("br0: carrier off"));
        }
    }

    #[test]
    fn absence_is_a_property_too() {
        let gone = Link {
            absent: true,
            ..any("vm-test9")
        };
        assert_eq!(
            seen(SETTLED[0], &gone),
            Verdict::holds("there is no vm-test9")
        );
        let there = Link {
            absent: true,
            ..any("vm-test1")
        };
        assert_eq!(
            seen(SETTLED[0], &there),
            Verdict::violated("there is vm-test1, a tun")
        );
        assert_eq!(
            seen(SETTLED[1], &any("vm-test9")),
            Verdict::violated("there is no vm-test9")
        );
    }
}
