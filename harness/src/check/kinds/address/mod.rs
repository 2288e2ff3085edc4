//! Addresses as `ip -j addr` prints them, versions 6.1 to 6.15.

mod dad;

use std::net::IpAddr;

use futures_util::FutureExt;
use ipnet::IpNet;
use serde_json::Value;

use crate::check::Verdict;
use crate::check::ghosts::Ghosts;
use crate::check::iproute2::{array, entries, text, trouble};
use crate::check::kind::{Kind, Looked};
use crate::check::looking::Looking;
use crate::scenario::check_kind::{Asked, Declared, Looks};
use crate::scenario::error::{Fault, code};
use crate::scenario::keys::{KeyType, TableKeys, first_of_each, may, table_keys};
use crate::scenario::names::IfName;
use crate::scenario::parse;

/// `ip addr show dev INTERFACE` has the address, in that state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Interface; `None`: any.
    pub interface: Option<IfName>,
    /// Address with prefix length, or a prefix that stands for every address in it.
    pub address: IpNet,
    /// Whether `address` is such a prefix.
    pub any_of_prefix: bool,
    /// In which state.
    pub state: AddressState,
}

/// In which state an address must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddressState {
    /// There, and past duplicate address detection.
    #[default]
    Usable,
    /// Not there.
    Absent,
    /// Duplicate address detection is under way.
    Tentative,
    /// Duplicate address detection refused it (RFC 4862): another machine has it, or its own solicitation came back.
    DadFailed,
    /// There, but not for new connections.
    Deprecated,
}

const STATES: [(&str, AddressState); 5] = [
    ("usable", AddressState::Usable),
    ("absent", AddressState::Absent),
    ("tentative", AddressState::Tentative),
    ("dadfailed", AddressState::DadFailed),
    ("deprecated", AddressState::Deprecated),
];

impl Declared for Address {
    const KEYS: TableKeys = table_keys(
        "address",
        "the address is there, with this prefix length, and not tentative",
        &[
            may("interface", KeyType::INTERFACE, "any", "interface"),
            may(
                "address",
                KeyType::ADDRESS,
                "none, with `prefix`",
                "address",
            ),
            may(
                "prefix",
                KeyType::PREFIX,
                "none, with `address`",
                "any address of it",
            ),
            may(
                "state",
                KeyType::Words(&first_of_each(&STATES)),
                "\"usable\"",
                "its state",
            ),
        ],
    );
    const HOLDS: &'static str = "the address, with this prefix length, or any address of the prefix is there and not tentative; other states: `\"absent\"`, `\"tentative\"`, `\"dadfailed\"`, `\"deprecated\"`";
    const LOOKS: Looks = Looks::ANYWHERE;

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked {
            context, reader, ..
        } = *asked;
        let interface = asked.interface();
        let state = reader.meaning("state", &STATES);
        let one = reader.word("address", parse::address);
        let any = reader.word("prefix", parse::prefix);
        let any_of_prefix = reader.entry("prefix").is_some();
        if !any_of_prefix {
            reader.need("address", one.as_ref());
        } else if let Some(entry) = reader.entry("address") {
            let message = "an `address` check has either `address` or `prefix`".to_owned();
            let label = "and `prefix`".to_owned();
            context
                .faults
                .add(Fault::new(&entry.key, code::CONFLICT, message, label));
        }
        let address = if any_of_prefix { any } else { one };
        Some(Self {
            interface,
            address: address?.value,
            any_of_prefix,
            state: state.map_or_else(Default::default, |state| state.value),
        })
    }
}

impl Kind for Address {
    fn expected(&self) -> String {
        let what = match self.any_of_prefix {
            true => format!("an address of {}", self.address),
            false => self.address.to_string(),
        };
        an_address(&what, self.interface.as_ref(), self.state)
    }

    fn holds_by_lack(&self) -> bool {
        self.state == AddressState::Absent
    }

    fn ghost_limit(&self, _: &Ghosts<'_>) -> Option<String> {
        None
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async {
            let name = at.any_link(self.interface.as_ref()).await?;
            let links = at.json(&["ip", "-j", "addr"]).await?;
            let mut verdict = judge(&links, name.as_deref(), self);
            if let Some(cause) = self.refused_by(&links, name.as_deref(), &verdict, at) {
                verdict.got = format!("{}; on its wire: {cause}", verdict.got);
            }
            Ok(verdict)
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

impl Address {
    /// Why duplicate address detection refused the address, as far as frames on the NIC's wire tell.
    fn refused_by(
        &self,
        links: &Value,
        name: Option<&str>,
        verdict: &Verdict,
        at: &Looking<'_>,
    ) -> Option<String> {
        let (written, name) = (self.interface.as_ref()?, name?);
        let IpAddr::V6(address) = self.address.addr() else {
            return None;
        };
        if !verdict.got.contains("is dadfailed") {
            return None;
        }
        let capture = at.capture(written).ok()?;
        let frames = capture.filter_map(|frame| Some((frame.outgoing, frame.bytes.clone())));
        let frames = frames.iter().map(|(out, bytes)| (*out, bytes.as_slice()));
        dad::cause(frames, address, mac_of(links, name))
    }
}

fn an_address(what: &str, interface: Option<&IfName>, state: AddressState) -> String {
    let on = match interface {
        Some(interface) => format!("on {interface}"),
        None => "on an interface".to_owned(),
    };
    match state {
        AddressState::Usable => format!("{what} {on}"),
        AddressState::Absent => match interface {
            Some(_) => format!("not {what} {on}"),
            None => format!("not {what} on any interface"),
        },
        AddressState::Tentative => format!("{what} {on}, tentative"),
        AddressState::DadFailed => format!("{what} {on}, dadfailed"),
        AddressState::Deprecated => format!("{what} {on}, deprecated"),
    }
}

/// Judges `ip -j addr`; `interface` is the name at the vantage.
fn judge(links: &Value, interface: Option<&str>, wanted: &Address) -> Verdict {
    let Address {
        address: wanted,
        any_of_prefix,
        state,
        ..
    } = *wanted;
    let same = |entry: &Value| {
        text(entry, "local").parse::<IpAddr>().is_ok_and(|local| {
            let exact = local == wanted.addr() && entry["prefixlen"] == wanted.prefix_len();
            exact || (any_of_prefix && wanted.contains(&local))
        })
    };
    let found: Vec<(&str, &Value)> = entries(links, interface)
        .filter(|(_, entry)| same(entry))
        .collect();
    let sentence = |&(link, entry): &(&str, &Value)| {
        let address = format!("{}/{} on {link}", text(entry, "local"), entry["prefixlen"]);
        match trouble(entry) {
            None => address,
            Some(trouble) => format!("{address} is {trouble}"),
        }
    };
    if state == AddressState::Absent {
        let there: Vec<String> = found.iter().map(sentence).collect();
        return match there.is_empty() {
            true => Verdict::holds(format!("there is no {wanted}")),
            false => Verdict::violated(there.join(", ")),
        };
    }
    let is = |flag: &str, entry: &Value| entry[flag] == true;
    let right = |entry: &Value| match state {
        AddressState::Usable => trouble(entry).is_none(),
        AddressState::Tentative => is("tentative", entry) && !is("dadfailed", entry),
        AddressState::DadFailed => is("dadfailed", entry),
        AddressState::Deprecated => is("deprecated", entry),
        AddressState::Absent => false,
    };
    if let Some(one) = found.iter().find(|(_, entry)| right(entry)) {
        return Verdict::holds(sentence(one));
    }
    if let Some(one) = found.first() {
        return Verdict::violated(sentence(one));
    }
    let others: Vec<String> = entries(links, interface)
        .filter(|(_, entry)| entry["scope"] == "global")
        .map(|(link, entry)| format!("{}/{} on {link}", text(entry, "local"), entry["prefixlen"]))
        .collect();
    let others = if others.is_empty() {
        "no address".to_owned()
    } else {
        others.join(", ")
    };
    Verdict::violated(format!("{wanted} is missing; there is {others}"))
}

/// The MAC address of a link in `ip -j addr`.
fn mac_of<'l>(links: &'l Value, name: &str) -> &'l str {
    let mut links = array(links);
    let link = links.find(|link| text(link, "ifname") == name);
    link.map_or("", |link| text(link, "address"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::iproute2::tests::addresses;
    use ipnet::IpNet;

    fn judge_address(
        links: &Value,
        interface: Option<&str>,
        address: IpNet,
        any_of_prefix: bool,
        state: AddressState,
    ) -> Verdict {
        let wanted = Address {
            interface: None,
            address,
            any_of_prefix,
            state,
        };
        judge(links, interface, &wanted)
    }

    #[test]
    fn an_address_must_be_past_detection() {
        let usable = |interface: Option<&str>, text: &str| {
            let net = text.parse::<IpNet>().expect("prefix");
            judge_address(&addresses(), interface, net, false, AddressState::Usable)
        };
        assert!(usable(None, "2001:db8::b/64").holds);
        assert!(usable(Some("eth0"), "192.168.1.3/24").holds);
        let tentative = usable(None, "2001:db8::c/64");
        assert_eq!(
            tentative.got,
            "2001:db8::c/64 on eth0 is tentative: duplicate address detection is under way"
        );
        let missing = usable(Some("veth2"), "192.168.1.3/24");
        assert_eq!(
            missing.got,
            "192.168.1.3/24 is missing; there is no address"
        );
        assert!(!usable(None, "192.168.1.3/16").holds);
    }

    /// `ip -j addr` with an address that another machine has and a deprecated one; and the same while detection is under way.
    const DETECTION: [(&str, &str); 2] = [
        (
            include_str!("../../fixtures/iproute2-6.1/addr-dad.json"),
            include_str!("../../fixtures/iproute2-6.1/addr-dad-tentative.json"),
        ),
        (
            include_str!("../../fixtures/iproute2-6.15/addr-dad.json"),
            include_str!("../../fixtures/iproute2-6.15/addr-dad-tentative.json"),
        ),
    ];

    #[test]
    fn every_state_of_an_address_is_told_from_the_others() {
        use AddressState::{Absent, DadFailed, Deprecated, Tentative, Usable};
        let seen = |text: &str, address: &str, state| {
            let links = serde_json::from_str(text).expect("what `ip` printed");
            let net = address.parse().expect("an address");
            judge_address(&links, Some("veth0"), net, false, state)
        };
        for (over, under_way) in DETECTION {
            let of = |text, address| {
                [Usable, Absent, Tentative, DadFailed, Deprecated]
                    .into_iter()
                    .filter(|&state| seen(text, address, state).holds)
                    .collect::<Vec<_>>()
            };
            assert_eq!(of(over, "2001:db8::d/64"), [DadFailed]);
            assert_eq!(of(under_way, "2001:db8::e/64"), [Tentative, Deprecated]);
            assert_eq!(of(over, "2001:db8::e/64"), [Usable, Deprecated]);
            assert_eq!(of(over, "2001:db8::f/64"), [Absent]);
            assert_eq!(
                seen(over, "2001:db8::d/64", Usable).got,
                "2001:db8::d/64 on veth0 is dadfailed: another has it, or its own solicitation came back"
            );
        }
    }

    #[test]
    fn a_prefix_stands_for_every_address_in_it() {
        let seen = |prefix: &str, interface, state| {
            let net = prefix.parse().expect("a prefix");
            judge_address(&addresses(), Some(interface), net, true, state)
        };
        assert!(seen("2001:db8::/64", "eth0", AddressState::Usable).holds);
        assert!(seen("0.0.0.0/0", "veth2", AddressState::Absent).holds);
        assert_eq!(
            seen("0.0.0.0/0", "veth1", AddressState::Absent),
            Verdict::violated("192.168.1.3/24 on veth1")
        );
    }
}
