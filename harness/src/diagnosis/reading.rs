//! What the answers of iproute2 say about a machine's links, addresses and next hops.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

use super::facts::Answers;
use super::state::{self, Link};

/// The entries of a list that a question was answered with.
fn entries(answers: &Answers, question: &str) -> Vec<Value> {
    let text = answers.by_question.get(question);
    let read = text.and_then(|text| serde_json::from_str(text).ok());
    read.unwrap_or_default()
}

/// Names of its links but for the loopback, and their MAC addresses.
pub fn links(answers: &Answers) -> Vec<(String, Option<String>)> {
    let mac = |link: &Link| Some(link.mac.clone()).filter(|mac| !mac.is_empty());
    let links = others(answers);
    links.map(|link| (link.name.clone(), mac(&link))).collect()
}

/// Addresses of its links but for the loopback.
pub fn addresses(answers: &Answers) -> BTreeSet<IpAddr> {
    let addresses = others(answers).flat_map(|link| link.addresses);
    addresses.filter_map(|address| address.local).collect()
}

/// Its links but for the loopback.
fn others(answers: &Answers) -> impl Iterator<Item = Link> {
    let named = state::links(answers).into_iter();
    named.filter(|link| !link.is_loopback() && !link.name.is_empty())
}

/// Next hops of its routes.
pub fn gateways(answers: &Answers) -> BTreeSet<IpAddr> {
    let routes = ["routes-v4", "routes-v6"].map(|question| entries(answers, question));
    let hops = routes.into_iter().flatten().flat_map(|route| {
        let several = route["nexthops"].as_array().cloned().unwrap_or_default();
        std::iter::once(route).chain(several)
    });
    hops.filter_map(|hop| {
        let gateway = hop["gateway"]
            .as_str()
            .or_else(|| hop["via"]["host"].as_str());
        gateway?.parse().ok()
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(question: &str, answer: &str) -> Answers {
        let mut answers = Answers::default();
        answers.by_question.insert(question.into(), answer.into());
        answers
    }

    #[test]
    fn next_hops_of_every_form_of_a_route_are_found() {
        let routes = answers(
            "routes-v4",
            r#"[{"dst":"default","gateway":"10.0.0.9","dev":"eth0"},{"dst":"10.0.0.0/24","dev":"eth0"},
                {"dst":"10.1.0.0/24","via":{"family":"inet6","host":"fe80::1"},"dev":"eth0"},
                {"dst":"10.2.0.0/24","nexthops":[{"gateway":"10.0.0.7","dev":"eth0"},{"gateway":"10.0.0.8","dev":"eth0"}]}]"#,
        );
        let hops: Vec<String> = gateways(&routes).iter().map(ToString::to_string).collect();
        assert_eq!(hops, ["10.0.0.7", "10.0.0.8", "10.0.0.9", "fe80::1"]);
        assert!(gateways(&Answers::default()).is_empty());
    }

    #[test]
    fn the_loopback_is_not_on_the_way() {
        let text = r#"[{"ifname":"lo","link_type":"loopback","address":"00:00:00:00:00:00","addr_info":[{"local":"127.0.0.1"}]},
            {"ifname":"eth0","link_type":"ether","address":"02:00:00:00:00:01","addr_info":[{"local":"10.0.0.1"},{"local":"fe80::1"}]}]"#;
        let found: Vec<String> = addresses(&answers("addresses", text))
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, ["10.0.0.1", "fe80::1"]);
        let mac = Some("02:00:00:00:00:01".to_owned());
        assert_eq!(links(&answers("links", text)), [("eth0".to_owned(), mac)]);
        assert_eq!(links(&answers("links", "not json")), []);
    }
}
