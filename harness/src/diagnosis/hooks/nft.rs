//! `nft -a -j list ruleset`.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use super::rule::{Asks, Chain, Rule, Test, Verdict};

/// Every chain of a ruleset with its rules.
pub(super) fn chains(ruleset: &Value) -> Vec<Chain> {
    let objects = || ruleset["nftables"].as_array().into_iter().flatten();
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let table =
        |value: &Value, key: &str| format!("{} {}", text(value, "family"), text(value, key));
    let mut chains: Vec<Chain> = objects()
        .filter_map(|object| object.get("chain"))
        .map(|chain| Chain {
            table: table(chain, "table"),
            name: text(chain, "name"),
            hook: chain["hook"].as_str().map(str::to_owned),
            nat: chain["type"] == "nat",
            priority: chain["prio"].as_i64().unwrap_or_default(),
            drops: chain["policy"] == "drop",
            rules: Vec::new(),
        })
        .collect();
    for rule in objects().filter_map(|object| object.get("rule")) {
        let (table, chain) = (table(rule, "table"), text(rule, "chain"));
        let mut all = chains.iter_mut();
        if let Some(chain) = all.find(|one| one.table == table && one.name == chain) {
            chain.rules.push(read(rule));
        }
    }
    chains
}

fn read(rule: &Value) -> Rule {
    let mut read = Rule {
        text: written(rule),
        ..Rule::default()
    };
    for statement in rule["expr"].as_array().into_iter().flatten() {
        let Some((word, value)) = statement.as_object().and_then(|one| one.iter().next()) else {
            continue;
        };
        let target = || value["target"].as_str().unwrap_or_default().to_owned();
        match word.as_str() {
            "match" => read.tests.push(test(value)),
            "accept" => read.verdict = Some(Verdict::Accept),
            "drop" | "reject" => read.verdict = Some(Verdict::Drop),
            "return" => read.verdict = Some(Verdict::Return),
            "jump" => read.verdict = Some(Verdict::Jump(target())),
            "goto" => read.verdict = Some(Verdict::Goto(target())),
            "masquerade" | "snat" => read.verdict = Some(Verdict::ReplaceSource),
            "dnat" | "redirect" => read.verdict = Some(Verdict::ReplaceDestination),
            "counter" | "log" | "comment" | "mangle" | "quota" => {}
            _ => read.tests.push(Test {
                not: false,
                asks: Asks::Unknown,
            }),
        }
    }
    read
}

/// As a ruleset has it, where it is simple.
fn written(rule: &Value) -> String {
    let statements = rule["expr"].as_array().into_iter().flatten();
    let words: Vec<String> = statements
        .filter_map(|statement| {
            let (word, value) = statement.as_object()?.iter().next()?;
            if word != "match" {
                return Some(word.clone());
            }
            let (left, right) = (&value["left"], &value["right"]);
            let key = left["meta"]["key"].as_str().map(str::to_owned);
            let key = key.or_else(|| {
                let payload = &left["payload"];
                let (of, field) = (payload["protocol"].as_str()?, payload["field"].as_str()?);
                Some(format!("{of} {field}"))
            });
            let key = key.or_else(|| Some(format!("ct {}", left["ct"]["key"].as_str()?)))?;
            let not = if value["op"] == "!=" { "!= " } else { "" };
            let right = right
                .as_str()
                .map_or_else(|| right.to_string(), str::to_owned);
            Some(format!("{key} {not}{right}"))
        })
        .collect();
    words.join(" ")
}

fn test(value: &Value) -> Test {
    let (left, right) = (&value["left"], &value["right"]);
    let not = value["op"] == "!=";
    let meta = left["meta"]["key"].as_str();
    let payload = (
        left["payload"]["protocol"].as_str(),
        left["payload"]["field"].as_str(),
    );
    let asks = match (meta, payload) {
        (Some("iifname" | "iif"), _) => Asks::Iif(texts(right)),
        (Some("oifname" | "oif"), _) => Asks::Oif(texts(right)),
        (Some("l4proto"), _) => Asks::Protocol(texts(right)),
        (Some("nfproto"), _) => Asks::V6(right == "ipv6"),
        (_, (Some("ip" | "ip6"), Some("saddr"))) => nets(right).map_or(Asks::Unknown, Asks::From),
        (_, (Some("ip" | "ip6"), Some("daddr"))) => nets(right).map_or(Asks::Unknown, Asks::To),
        (_, (Some("ip"), Some("protocol"))) | (_, (Some("ip6"), Some("nexthdr"))) => {
            Asks::Protocol(texts(right))
        }
        (_, (Some("tcp" | "udp" | "th"), Some("dport"))) => ports(right),
        _ if left["ct"]["key"] == "state" => Asks::State(texts(right)),
        _ => Asks::Unknown,
    };
    Test { not, asks }
}

/// One value, or those of a set.
fn values(right: &Value) -> Vec<&Value> {
    match (right.get("set"), right.as_array()) {
        (Some(Value::Array(set)), _) => set.iter().collect(),
        (Some(one), _) => vec![one],
        (None, Some(list)) => list.iter().collect(),
        (None, None) => vec![right],
    }
}

fn texts(right: &Value) -> Vec<String> {
    let texts = values(right).into_iter().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

fn ports(right: &Value) -> Asks {
    let all = values(right);
    let ports: Vec<u16> = all
        .iter()
        .filter_map(|port| u16::try_from(port.as_u64()?).ok())
        .collect();
    match ports.len() == all.len() {
        true => Asks::Port(ports),
        false => Asks::Unknown,
    }
}

fn nets(right: &Value) -> Option<Vec<IpNet>> {
    let net = |value: &Value| {
        let prefix = &value["prefix"];
        if let Some(address) = prefix["addr"].as_str() {
            let length = u8::try_from(prefix["len"].as_u64()?).ok()?;
            return IpNet::new(address.parse().ok()?, length).ok();
        }
        value.as_str()?.parse::<IpAddr>().ok().map(IpNet::from)
    };
    values(right).into_iter().map(net).collect()
}
