//! One machine with all that it answered.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;

use super::fdb::{self, FdbEntry, MdbEntry, Neighbour, PortVlan};
use super::link::{Address, Link};
use super::listener::{self, Listener};
use super::networkd::{self, Managed};
use super::route::{Route, Rule};
use super::rows::rows;
use super::sysctl::Sysctls;
use crate::diagnosis::facts::Answers;

/// One machine, guest or container.
#[derive(Debug, Clone, Default)]
pub(in crate::diagnosis) struct State {
    /// Its links by name, with their addresses.
    pub(in crate::diagnosis) links: BTreeMap<String, Link>,
    /// Routes of all tables, both families.
    pub(in crate::diagnosis) routes: Vec<Route>,
    /// Rules of routing, both families.
    pub(in crate::diagnosis) rules: Vec<Rule>,
    /// Neighbour entries.
    pub(in crate::diagnosis) neighbours: Vec<Neighbour>,
    /// Forwarding entries of bridges.
    pub(in crate::diagnosis) fdb: Vec<FdbEntry>,
    /// VLANs of bridges and ports by name.
    pub(in crate::diagnosis) vlans: BTreeMap<String, Vec<PortVlan>>,
    /// Memberships of multicast groups at bridges.
    pub(in crate::diagnosis) mdb: Vec<MdbEntry>,
    /// Sysctls.
    pub(in crate::diagnosis) sysctls: Sysctls,
    /// Sockets that listen; `None`: not answered.
    pub(in crate::diagnosis) listeners: Option<Vec<Listener>>,
    /// What networkd says of links, by name; `None`: no networkd answered.
    pub(in crate::diagnosis) networkd: Option<BTreeMap<String, Managed>>,
    /// The rulesets of nft, as JSON.
    pub(in crate::diagnosis) firewall: Value,
    /// `iptables-save`.
    pub(in crate::diagnosis) iptables: String,
}

/// What a question was answered with.
fn answer<'a>(answers: &'a Answers, question: &str) -> Option<&'a str> {
    answers.by_question.get(question).map(String::as_str)
}

/// Its links, with their addresses where it told them.
pub(in crate::diagnosis) fn links(answers: &Answers) -> Vec<Link> {
    // `ip address` has all that `ip link` has, but for what nothing here asks.
    match rows::<Link>(answer(answers, "addresses").unwrap_or_default()) {
        links if links.is_empty() => rows(answer(answers, "links").unwrap_or_default()),
        links => links,
    }
}

/// Its routes of all tables, both families.
fn routes(answers: &Answers) -> Vec<Route> {
    let of = |(question, v6): (&str, bool)| {
        let routes = rows::<Route>(answer(answers, question).unwrap_or_default());
        let v6 = Some(v6);
        routes.into_iter().map(move |route| Route { v6, ..route })
    };
    let families = [("routes-v4", false), ("routes-v6", true)];
    families.into_iter().flat_map(of).collect()
}

/// What networkd says of its links; `None`: no networkd answered.
pub(in crate::diagnosis) fn managed(answers: &Answers) -> Option<BTreeMap<String, Managed>> {
    answer(answers, "networkctl").and_then(networkd::read)
}

impl State {
    /// Reads the answers.
    pub(in crate::diagnosis) fn of(answers: &Answers) -> Self {
        let listed = |question: &str| answer(answers, question).unwrap_or_default();
        let named = links(answers).into_iter();
        let named = named.filter(|link| !link.name.is_empty());
        let rules = [("rules-v4", false), ("rules-v6", true)].map(|(question, v6)| {
            let rules = rows::<Rule>(listed(question)).into_iter();
            rules.map(move |rule| Rule { v6, ..rule })
        });
        Self {
            links: named.map(|link| (link.name.clone(), link)).collect(),
            routes: routes(answers),
            rules: rules.into_iter().flatten().collect(),
            neighbours: rows(listed("neighbours")),
            fdb: rows(listed("fdb")),
            vlans: fdb::vlans(listed("vlans")),
            mdb: fdb::memberships(listed("mdb")),
            sysctls: Sysctls::read(listed("sysctls")),
            listeners: answer(answers, "listeners").map(listener::read),
            networkd: managed(answers),
            firewall: serde_json::from_str(listed("firewall")).unwrap_or_default(),
            iptables: listed("iptables").to_owned(),
        }
    }

    /// The link with this address, whatever the state of the address.
    pub(in crate::diagnosis) fn owner(&self, address: IpAddr) -> Option<(&Link, &Address)> {
        self.links.values().find_map(|link| {
            let mut all = link.addresses.iter();
            Some((link, all.find(|one| one.local == Some(address))?))
        })
    }

    /// The link with this MAC address: a guest's NIC, of which the scenario knows no other name.
    pub(in crate::diagnosis) fn with_mac(&self, mac: &str) -> Option<&Link> {
        let same = |link: &&Link| link.mac.eq_ignore_ascii_case(mac);
        // A macvlan or a VLAN on the NIC can have the same one; the NIC was there first.
        self.links
            .values()
            .filter(same)
            .min_by_key(|link| link.index)
    }

    /// The neighbour entry of an address at a link.
    pub(in crate::diagnosis) fn neighbour(
        &self,
        address: IpAddr,
        link: &str,
    ) -> Option<&Neighbour> {
        let mut entries = self.neighbours.iter();
        entries.find(|entry| entry.address == Some(address) && entry.link == link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_answered_is_empty_and_what_is_odd_is_left_out() {
        let state = State::of(&Answers::default());
        assert!(state.links.is_empty() && state.listeners.is_none() && state.networkd.is_none());
        let odd = [
            ("addresses", "[{}, 7, {\"ifname\": \"eth0\"}, "),
            ("fdb", "no"),
        ];
        let text = |(question, text): (&str, &str)| (question.to_owned(), text.to_owned());
        let answers = Answers {
            by_question: odd.into_iter().map(text).collect(),
            unasked: None,
        };
        assert!(State::of(&answers).links.is_empty(), "a cut answer");
        let links: Vec<Link> = rows("[{}, 7, {\"ifname\": \"eth0\"}]");
        let names: Vec<&str> = links.iter().map(|link| link.name.as_str()).collect();
        assert_eq!(names, ["", "eth0"], "7 is no link");
    }
}
