//! Addresses as `ip -j addr` prints them, versions 6.1 to 6.15.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use super::Verdict;
use super::ip::{array, entries, text, trouble};
use crate::scenario::AddressState;

/// Judges `ip -j addr`: the address, or one of the prefix where `any_of_prefix`, is in that state.
pub fn judge_address(
    links: &Value,
    interface: Option<&str>,
    wanted: IpNet,
    any_of_prefix: bool,
    state: AddressState,
) -> Verdict {
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
pub fn mac_of<'l>(links: &'l Value, name: &str) -> &'l str {
    let mut links = array(links);
    let link = links.find(|link| text(link, "ifname") == name);
    link.map_or("", |link| text(link, "address"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::ip::tests::addresses;

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

    /// An address that another machine has, and a deprecated one; and the same while nobody knows yet.
    const DETECTION: [(&str, &str); 2] = [
        (
            include_str!("fixtures/iproute2-6.1/addr-dad.json"),
            include_str!("fixtures/iproute2-6.1/addr-dad-tentative.json"),
        ),
        (
            include_str!("fixtures/iproute2-6.15/addr-dad.json"),
            include_str!("fixtures/iproute2-6.15/addr-dad-tentative.json"),
        ),
    ];

    #[test]
    fn every_state_of_an_address_is_told_from_the_others() {
        use AddressState::{Absent, DadFailed, Deprecated, Tentative, Usable};
        let judge = |text: &str, address: &str, state| {
            let links = serde_json::from_str(text).expect("what `ip` printed");
            let net = address.parse().expect("an address");
            judge_address(&links, Some("veth0"), net, false, state)
        };
        for (over, under_way) in DETECTION {
            let of = |text, address| {
                [Usable, Absent, Tentative, DadFailed, Deprecated]
                    .into_iter()
                    .filter(|&state| judge(text, address, state).holds)
                    .collect::<Vec<_>>()
            };
            assert_eq!(of(over, "2001:db8::d/64"), [DadFailed]);
            assert_eq!(of(under_way, "2001:db8::e/64"), [Tentative, Deprecated]);
            assert_eq!(of(over, "2001:db8::e/64"), [Usable, Deprecated]);
            assert_eq!(of(over, "2001:db8::f/64"), [Absent]);
            assert_eq!(
                judge(over, "2001:db8::d/64", Usable).got,
                "2001:db8::d/64 on veth0 is dadfailed: another has it, or its own solicitation came back"
            );
        }
    }

    #[test]
    fn a_prefix_stands_for_every_address_in_it() {
        let judge = |prefix: &str, interface, state| {
            let net = prefix.parse().expect("a prefix");
            judge_address(&addresses(), Some(interface), net, true, state)
        };
        assert!(judge("2001:db8::/64", "eth0", AddressState::Usable).holds);
        assert!(judge("0.0.0.0/0", "veth2", AddressState::Absent).holds);
        assert_eq!(
            judge("0.0.0.0/0", "veth1", AddressState::Absent),
            Verdict::violated("192.168.1.3/24 on veth1")
        );
    }
}
