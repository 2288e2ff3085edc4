//! iptables-save(8) and ip6tables-save(8), one after the other.

use std::net::IpAddr;

use ipnet::IpNet;

use super::rule::{Asks, Chain, Rule, Test, Verdict};

/// Every chain with its rules. Which program said it is known by what comes first: the IPv4 tables.
pub(super) fn chains(text: &str) -> Vec<Chain> {
    let mut chains: Vec<Chain> = Vec::new();
    let mut table = String::new();
    let mut family = "ip";
    for line in text.lines() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('*') {
            table = format!("{family} {name}");
            // A table a second time is that of the second program.
            if chains.iter().any(|chain| chain.table == table) {
                family = "ip6";
                table = format!("{family} {name}");
            }
        } else if let Some(chain) = line.strip_prefix(':') {
            let mut words = chain.split_whitespace();
            let (Some(name), policy) = (words.next(), words.next()) else {
                continue;
            };
            let built_in = policy.is_some_and(|policy| policy != "-");
            chains.push(Chain {
                table: table.clone(),
                name: name.to_owned(),
                hook: built_in.then(|| name.to_lowercase()),
                nat: table.ends_with(" nat"),
                priority: 0,
                drops: policy == Some("DROP"),
                rules: Vec::new(),
            });
        } else if let Some(rule) = line.strip_prefix("-A ") {
            let name = rule.split_whitespace().next().unwrap_or_default();
            let mut all = chains.iter_mut();
            if let Some(chain) = all.find(|one| one.table == table && one.name == name) {
                chain.rules.push(read(line));
            }
        }
    }
    chains
}

fn read(line: &str) -> Rule {
    let mut rule = Rule {
        text: line.to_owned(),
        ..Rule::default()
    };
    let mut words = line.split_whitespace().skip(2);
    let mut not = false;
    while let Some(word) = words.next() {
        if word == "!" {
            not = true;
            continue;
        }
        let mut value = || words.next().unwrap_or_default().to_owned();
        let asks = match word {
            "-i" | "--in-interface" => Some(Asks::Iif(vec![value()])),
            "-o" | "--out-interface" => Some(Asks::Oif(vec![value()])),
            "-s" | "--source" => {
                Some(net(&value()).map_or(Asks::Unknown, |net| Asks::From(vec![net])))
            }
            "-d" | "--destination" => {
                Some(net(&value()).map_or(Asks::Unknown, |net| Asks::To(vec![net])))
            }
            "-p" | "--protocol" => Some(Asks::Protocol(vec![value()])),
            "--dport" | "--destination-port" => Some(
                value()
                    .parse()
                    .map_or(Asks::Unknown, |port| Asks::Port(vec![port])),
            ),
            "--ctstate" | "--state" => {
                let states = value().to_lowercase();
                Some(Asks::State(states.split(',').map(str::to_owned).collect()))
            }
            // The name of a match tells nothing by itself.
            "-m" | "--match" | "--comment" | "--reject-with" | "--to-destination"
            | "--to-source" => {
                value();
                None
            }
            "-j" | "--jump" | "-g" | "--goto" => {
                let target = value();
                rule.verdict = match target.as_str() {
                    "ACCEPT" => Some(Verdict::Accept),
                    "DROP" | "REJECT" => Some(Verdict::Drop),
                    "RETURN" => Some(Verdict::Return),
                    "MASQUERADE" | "SNAT" => Some(Verdict::ReplaceSource),
                    "DNAT" | "REDIRECT" => Some(Verdict::ReplaceDestination),
                    "LOG" | "MARK" | "CT" | "NFLOG" | "TRACE" => None,
                    _ if word.starts_with("-g") || word == "--goto" => Some(Verdict::Goto(target)),
                    _ => Some(Verdict::Jump(target)),
                };
                None
            }
            _ => Some(Asks::Unknown),
        };
        if let Some(asks) = asks {
            rule.tests.push(Test { not, asks });
        }
        not = false;
    }
    rule
}

fn net(text: &str) -> Option<IpNet> {
    let one = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse().ok().or_else(one)
}
