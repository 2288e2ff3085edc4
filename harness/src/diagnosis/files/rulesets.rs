//! The line of a ruleset file that drops a packet.

use std::path::{Path, PathBuf};

use super::located::Located;
use crate::diagnosis::code::Code;
use crate::diagnosis::finding::At;
use crate::diagnosis::gap::Gap;
use crate::diagnosis::observed::Observed;
use crate::place::{Place, Source};
use crate::scenario::{Part, Ruleset};

/// The rule or policy of the gap, in the rulesets of its machine.
pub(super) fn rule(gap: &Gap, observed: &Observed<'_>) -> Option<Located> {
    let is_policy = match gap.code {
        Code::HookRule => false,
        Code::HookPolicy => true,
        Code::HookBridgeNf => gap.key.as_deref() == Some("policy"),
        Code::HookNoNat => return no_nat(gap, observed),
        _ => return None,
    };
    let machine = observed.scenario.machines.get(gap.machine.as_str())?;
    let rule = gap.is.as_deref()?;
    // As the walk names it, or as the kernel's trace does: `inet f in: policy drop`.
    let traced = rule.split_once(": ").map(|(place, _)| place);
    let chain = gap.key.as_deref().or(traced).unwrap_or_default();
    let found = machine.rulesets.iter().find_map(|ruleset| {
        let line = match is_policy {
            true => policy(ruleset, chain),
            false => nearest(ruleset, rule),
        }?;
        Some((ruleset, line))
    });
    let (ruleset, line) = found?;
    let place = place(ruleset, shown(gap, ruleset, observed), line);
    let at = At::of(&place);
    Some(Located {
        code: None,
        statement: Some(format!("`{}` of `{}` drops it", at.text, ruleset.name)),
        place: Some(at),
        evidence: Vec::new(),
        remedy: None,
    })
}

/// The rule that should replace the source, or the chain that has no such rule.
fn no_nat(gap: &Gap, observed: &Observed<'_>) -> Option<Located> {
    let machine = observed.scenario.machines.get(gap.machine.as_str())?;
    let found = machine.rulesets.iter().find_map(|ruleset| {
        let line = match gap.is.as_deref() {
            Some(rule) => nearest(ruleset, rule),
            None => chain(ruleset, gap.key.as_deref()?),
        }?;
        Some((ruleset, line))
    });
    let (ruleset, line) = found?;
    let place = place(ruleset, shown(gap, ruleset, observed), line);
    let at = At::of(&place);
    let statement = match gap.is.is_some() {
        true => format!(
            "`{}` of `{}` does not match the packet",
            at.text, ruleset.name
        ),
        false => format!(
            "no rule replaces the source after `{}` of `{}`",
            at.text, ruleset.name
        ),
    };
    Some(Located {
        code: None,
        statement: Some(statement),
        place: Some(at),
        evidence: Vec::new(),
        remedy: None,
    })
}

fn text(ruleset: &Ruleset) -> String {
    String::from_utf8_lossy(&ruleset.bytes).into_owned()
}

/// The file as the scenario names it, from where the scenario is.
fn shown(gap: &Gap, ruleset: &Ruleset, observed: &Observed<'_>) -> PathBuf {
    let machine = [Part::Key("machines"), Part::Key(&gap.machine)];
    let keys = ["nftables", "iptables", "ip6tables"];
    let named = keys.iter().find_map(|key| {
        let way = [&machine[..], &[Part::Key(key)]].concat();
        let elements = (0..).map_while(|number| {
            observed
                .written
                .at(&[&way[..], &[Part::Nth(number)]].concat())
        });
        let mut all = observed.written.at(&way).into_iter().chain(elements);
        all.find_map(|at| {
            at.text
                .filter(|text| Path::new(text).ends_with(&ruleset.name))
        })
    });
    let folder = observed.scenario.path.parent().unwrap_or(Path::new(""));
    folder.join(named.as_deref().unwrap_or(&ruleset.name))
}

fn place(ruleset: &Ruleset, shown: PathBuf, line: usize) -> Place {
    let text = text(ruleset);
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let blanks = text[start..].len() - text[start..].trim_start().len();
    let source = Source::new(shown, text, false);
    let start = start + blanks;
    Place {
        source,
        span: start..start,
    }
}

/// Words of a rule that say what it is about; counters and handles are the kernel's own.
fn words(rule: &str) -> Vec<&str> {
    let rule = rule.split(" # handle").next().unwrap_or(rule);
    let words = rule.split([' ', '\t', ';', ',', '"', '{', '}']);
    let counted =
        |word: &&str| !word.is_empty() && !matches!(*word, "counter" | "packets" | "bytes");
    let words: Vec<&str> = words.filter(counted).collect();
    words
}

/// The line that has most of a rule's words; at least its verdict and half of them.
fn nearest(ruleset: &Ruleset, rule: &str) -> Option<usize> {
    let wanted = words(rule);
    let verdict = wanted
        .iter()
        .find(|word| matches!(word.to_ascii_lowercase().as_str(), "drop" | "reject"));
    let text = text(ruleset);
    let score = |line: &str| {
        let has = words(line);
        let says = |word: &&&str| has.iter().any(|other| other.eq_ignore_ascii_case(word));
        let drops = verdict.is_none_or(|verdict| says(&verdict));
        drops.then(|| wanted.iter().filter(says).count())
    };
    let lines = text.lines().enumerate();
    let rules =
        lines.filter(|(_, line)| !line.trim_start().starts_with('#') && !line.contains("policy"));
    let scored = rules.filter_map(|(at, line)| Some((score(line)?, at)));
    // Of equal ones the first: it is met first.
    let best = scored.max_by_key(|(score, at)| (*score, std::cmp::Reverse(*at)));
    let (score, at) = best?;
    (score * 2 >= wanted.len().max(1)).then_some(at)
}

/// The line behind which the rules of a chain stand: that of its hook in nft(8), its own in iptables-restore(8).
fn chain(ruleset: &Ruleset, place: &str) -> Option<usize> {
    let mut lines = of_chain(ruleset, place).into_iter();
    let hook = lines.find(|(_, line)| line.starts_with("type ") || line.starts_with(':'));
    hook.map(|(at, _)| at)
}

/// The line of the policy of a chain: `policy drop` of nft(8) within the chain's braces, `:FORWARD DROP` of iptables-restore(8).
fn policy(ruleset: &Ruleset, place: &str) -> Option<usize> {
    let mut lines = of_chain(ruleset, place).into_iter();
    let drops = lines.find(|(_, line)| {
        line.contains("policy drop") || (line.starts_with(':') && line.contains("DROP"))
    });
    drops.map(|(at, _)| at)
}

/// The lines of a chain, which is named as `FAMILY TABLE CHAIN`, with their numbers: of nft(8) those in its braces, of
/// iptables-restore(8) the one that makes it.
fn of_chain(ruleset: &Ruleset, place: &str) -> Vec<(usize, String)> {
    let Some((table, chain)) = place.rsplit_once(' ') else {
        return Vec::new();
    };
    let text = text(ruleset);
    let (mut in_table, mut in_chain) = (false, false);
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        let words: Vec<&str> = line
            .split([' ', '\t', '{'])
            .filter(|one| !one.is_empty())
            .collect();
        match words.as_slice() {
            ["table", family, name, ..] => in_table = format!("{family} {name}") == table,
            // A table without a family is of IPv4.
            ["table", name] => in_table = format!("ip {name}") == table,
            ["chain", name, ..] => in_chain = in_table && *name == chain,
            [saved, ..] if saved.starts_with('*') => {
                in_table = table.ends_with(&format!(" {}", &saved[1..]));
            }
            [saved, ..] if saved.starts_with(':') && in_table && saved[1..] == *chain => {
                found.push((at, line.to_owned()));
            }
            _ if in_chain => found.push((at, line.to_owned())),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::RulesetTool;

    fn ruleset(tool: RulesetTool, text: &str) -> Ruleset {
        Ruleset {
            tool,
            name: "rules".to_owned(),
            bytes: text.as_bytes().into(),
        }
    }

    #[test]
    fn a_rule_is_found_by_its_words_and_a_policy_by_its_chain() {
        let nft = ruleset(
            RulesetTool::Nftables,
            "# icmp type echo-request drop\ntable inet f {\n  chain in {\n    type filter hook input priority 0; policy accept;\n    \
             tcp dport 22 drop\n    icmp type echo-request counter drop\n  }\n  chain fwd {\n    type filter hook forward priority 0; \
             policy drop;\n  }\n}\n",
        );
        let rule = "icmp type echo-request counter packets 3 bytes 252 drop # handle 4";
        assert_eq!(nearest(&nft, rule), Some(5));
        assert_eq!(nearest(&nft, "tcp dport 22 drop"), Some(4));
        assert_eq!(nearest(&nft, "udp dport 53 reject"), None);
        assert_eq!(policy(&nft, "inet f fwd"), Some(8));
        assert_eq!(policy(&nft, "ip f fwd"), None, "another table");
        assert_eq!(policy(&nft, "inet f in"), None);
        assert_eq!(place(&nft, "rules".into(), 5).position(), (6, 5));
        let iptables = ruleset(
            RulesetTool::Iptables,
            "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n-A FORWARD -i br-vms -j ACCEPT\nCOMMIT\n",
        );
        assert_eq!(policy(&iptables, "ip filter FORWARD"), Some(2));
        assert_eq!(policy(&iptables, "ip filter INPUT"), None);
        assert_eq!(chain(&nft, "inet f in"), Some(3));
        assert_eq!(chain(&iptables, "ip filter FORWARD"), Some(2));
        assert_eq!(chain(&nft, "inet f other"), None);
    }
}
