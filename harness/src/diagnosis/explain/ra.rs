//! Router advertisements: whether they come, and whether they are taken.

use super::adverts::{in_the_way, on_the_way, sender};
use super::at::{At, Explained};
use super::missing::not_watched;
use super::sent::Brings;
use crate::check::kinds::{RaAccepted, RouterAdvert};
use crate::diagnosis::code::Code;
use crate::diagnosis::found::Found;
use crate::diagnosis::net::End;

/// `router_advert`: on the wire.
pub(super) fn advert(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<RouterAdvert>()?;
    // The wire of a guest's NIC is looked at from the guest's side.
    let end = match at.net.guest_of(&asked.interface) {
        Some(guest) => {
            let from = crate::scenario::VantagePoint::Guest(guest.clone());
            let link = at.net.link_name(&from, asked.interface.as_str());
            End::new(guest.as_str(), link)
        }
        None => at.end(asked.interface.as_str()),
    };
    if at.net.state(&end.machine).is_none() {
        return Some(not_watched(end.machine));
    }
    let got = at.unheld.got;
    if got.starts_with("from ") {
        let sender = sender(at.net, &end);
        let machine = sender.map_or_else(|| end.machine.clone(), |end| end.machine);
        let statement = format!("{machine} advertises something else: {got}");
        let (key, is, needed) = differs(asked, got);
        let other = Found::at(Code::RaContent, &machine, statement)
            .is(is)
            .needed(needed)
            .key(key);
        return Some(Explained::of(vec![other.seen(got, "tcpdump -vv icmp6")]));
    }
    let mut found = on_the_way(at.net, &end);
    if found.iter().all(|one| !one.certain) {
        found.push(not_seen(&end));
    }
    Some(Explained::of(found))
}

/// `ra_accepted`.
pub(super) fn accepted(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<RaAccepted>()?;
    if at.state().is_none() {
        return Some(not_watched(at.machine()));
    }
    let link = asked
        .interface
        .as_ref()
        .map(|name| at.end(name.as_str()).link);
    let brings = match at.unheld.got.contains("no default route") {
        true => Brings::Route,
        false => Brings::Address,
    };
    let mut found = in_the_way(at.net, &at.machine(), link.as_deref(), brings);
    if found.is_empty() {
        let machine = at.machine();
        let statement = format!(
            "{machine} has made no address of {} of an advertisement",
            asked.prefix
        );
        let last = Found::at(Code::RaIgnored, &machine, statement)
            .on(link.as_deref())
            .needed(asked.prefix.to_string())
            .seen(at.unheld.got, "ip -6 address show");
        found.push(last.maybe());
    }
    Some(Explained::of(found))
}

/// In what an advertisement, as `router_advert` tells it, is another one than asked for: the key, what it says, what it should say.
fn differs(asked: &RouterAdvert, got: &str) -> (&'static str, String, String) {
    let words: Vec<&str> = got.split_whitespace().collect();
    let behind = |word: &str| {
        let at = words.iter().position(|one| *one == word)?;
        words.get(at + 1).copied()
    };
    let lifetime = behind("lifetime").and_then(|text| text.parse::<u16>().ok());
    let pairs = words.iter().zip(words.iter().skip(1));
    let said = pairs.filter(|(word, _)| **word == "rdnss");
    let said: Vec<&str> = said.map(|(_, server)| *server).collect();
    let server = |wanted: &&std::net::Ipv6Addr| !said.iter().any(|one| one.parse() == Ok(**wanted));
    let flag = |name: &'static str, wanted: bool| {
        let is = words.contains(&name);
        (is != wanted).then(|| (name, is.to_string(), wanted.to_string()))
    };
    let prefix = behind("prefix").unwrap_or("none");
    if prefix.parse() != Ok(asked.prefix) {
        return ("prefix", prefix.to_owned(), asked.prefix.to_string());
    }
    if lifetime.is_some_and(|lifetime| lifetime < asked.min_lifetime) {
        let is = behind("lifetime").unwrap_or_default().to_owned();
        return ("lifetime", is, asked.min_lifetime.to_string());
    }
    if let Some(missing) = asked.rdnss.iter().find(server) {
        let is = match said.is_empty() {
            true => "[]".to_owned(),
            false => said.join(" "),
        };
        return ("rdnss", is, missing.to_string());
    }
    flag("managed", asked.managed)
        .or_else(|| flag("other", asked.other))
        .or_else(|| flag("autonomous", asked.autonomous))
        .unwrap_or(("prefix", got.to_owned(), asked.prefix.to_string()))
}

fn not_seen(end: &End) -> Found {
    let End { machine, link } = end;
    let statement = format!("no advertisement comes to {link} of {machine}");
    Found::link(Code::RaNotSeen, end, statement)
        .seen("none was seen", "tcpdump icmp6")
        .maybe()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> RouterAdvert {
        RouterAdvert {
            interface: "eno1".try_into().expect("a name"),
            prefix: "2001:db8::/64".parse().expect("a prefix"),
            autonomous: true,
            managed: false,
            other: false,
            min_lifetime: 1,
            rdnss: vec!["2001:db8::1".parse().expect("an address")],
        }
    }

    #[test]
    fn what_an_advertisement_says_otherwise_is_one_key() {
        let rows = [
            (
                "lifetime 0 s prefix 2001:db8::/64 autonomous rdnss 2001:db8::1",
                ("lifetime", "0"),
            ),
            (
                "lifetime 1800 s prefix 2001:db8::/64 autonomous",
                ("rdnss", "[]"),
            ),
            (
                "lifetime 1800 s prefix 2001:db8::/64 autonomous rdnss 2001:db8::9",
                ("rdnss", "2001:db8::9"),
            ),
            (
                "lifetime 1800 s prefix 2001:db8:7::/64 autonomous rdnss 2001:db8::1",
                ("prefix", "2001:db8:7::/64"),
            ),
            (
                "lifetime 1800 s prefix 2001:db8::/64 autonomous rdnss 2001:db8::1 managed",
                ("managed", "true"),
            ),
            (
                "lifetime 1800 s prefix 2001:db8::/64 rdnss 2001:db8::1",
                ("autonomous", "false"),
            ),
        ];
        for (words, expected) in rows {
            let (key, is, _) = differs(&asked(), &format!("from fe80::1 {words}"));
            assert_eq!((key, is.as_str()), expected, "{words}");
        }
    }
}
