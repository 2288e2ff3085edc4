//! Counters of a firewall, as `nft list chain` and `iptables-save -c` print them.

mod declared;

use futures_util::FutureExt;

use crate::check::ghosts::{self, Ghosts};
use crate::check::kind::{Kind, Looked, Tally};
use crate::check::looking::{Looking, as_words};
use crate::check::no_verdict::NoVerdict;
use crate::check::{ProbeError, Verdict};

pub use declared::{Counter, Firewall};

impl Kind for Counter {
    fn expected(&self) -> String {
        expected(self)
    }

    fn holds_by_lack(&self) -> bool {
        false
    }

    fn ghost_limit(&self, ghosts: &Ghosts<'_>) -> Option<String> {
        ghosts.own().map(ghosts::not_its_own)
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async { look(self, at).await }.boxed_local()
    }

    fn tally(&self) -> Option<Tally> {
        Some(Tally {
            bounds: self.packets,
            only_grows: true,
        })
    }
}

async fn look(wanted: &Counter, at: &Looking<'_>) -> Result<Verdict, ProbeError> {
    let words = command(wanted);
    let (from, by) = (at.from, at.by);
    let output = from.exec_in_net(&as_words(&words), by).await?;
    if output.success() {
        return judge(wanted, &output.stdout).map_err(|none| ProbeError::Absent(none.why));
    }
    // nft says so of a table or a chain that does not exist, iptables of a table.
    let said = output.stderr.trim();
    let absent = ["No such file or directory", "does not exist"];
    if !absent.iter().any(|words| said.contains(words)) {
        return Err(at.not_started(&words, said.to_owned()));
    }
    let others = match wanted.firewall {
        Firewall::Nft => from.exec_in_net(&CHAINS, by).await?.stdout,
        // The table does not exist, so it has no chains.
        Firewall::Iptables | Firewall::Ip6tables => String::new(),
    };
    Err(ProbeError::Absent(no_chain(wanted, &others)))
}

/// Command that lists the rules with their counters.
fn command(wanted: &Counter) -> Vec<String> {
    let table = wanted.table.split(' ').map(str::to_owned);
    match wanted.firewall {
        Firewall::Nft => ["nft", "-nn", "list", "chain"]
            .map(str::to_owned)
            .into_iter()
            .chain(table)
            .chain([wanted.chain.clone()])
            .collect(),
        Firewall::Iptables => save("iptables-save", table),
        Firewall::Ip6tables => save("ip6tables-save", table),
    }
}

fn save(program: &str, table: impl Iterator<Item = String>) -> Vec<String> {
    let words = [program, "-c", "-t"].map(str::to_owned);
    words.into_iter().chain(table).collect()
}

/// Command that lists all chains of nft. `iptables-save` lists those of iptables anyway.
const CHAINS: [&str; 4] = ["nft", "-nn", "list", "chains"];

/// Most rules or chains that an error names where the wanted one does not exist.
const NAMED: usize = 3;
/// Most characters that are shown of each, since a rule with a set in it can be long.
const SHOWN: usize = 160;

/// A rule, or a policy, and what it counted; `None` when it has no counter of its own.
struct Rule {
    text: String,
    packets: Option<u64>,
}

/// Judges the listed rules. The counts of all rules with the words are added up.
///
/// # Errors
/// When no rule with the words counts packets, which is neither too many nor too few. The error names the nearest rules.
fn judge(wanted: &Counter, listed: &str) -> Result<Verdict, NoVerdict> {
    let rules = match wanted.firewall {
        Firewall::Nft => nft(listed),
        Firewall::Iptables | Firewall::Ip6tables => iptables(listed, wanted),
    };
    let meant = |rule: &&Rule| rule.text.contains(wanted.rule.as_str());
    let counting: Vec<(&Rule, u64)> = rules
        .iter()
        .filter(meant)
        .filter_map(|rule| Some((rule, rule.packets?)))
        .collect();
    let what = match counting.as_slice() {
        [] => return Err(NoVerdict::new(no_rule(wanted, listed, &rules))),
        [(rule, _)] => format!("`{}`", rule.text),
        several => format!("{} rules of chain {}", several.len(), wanted.chain),
    };
    let packets: u64 = counting.iter().map(|(_, packets)| packets).sum();
    let got = format!("{packets} packets counted by {what}");
    Ok(match wanted.packets.allow(packets) {
        true => Verdict::holds(got),
        false if wanted.packets.exceeded(packets) => Verdict::lost(got),
        false => Verdict::violated(got),
    })
}

/// Says that a chain does not exist, and which do, by what [`CHAINS`] or `iptables-save` printed.
fn no_chain(wanted: &Counter, listed: &str) -> String {
    let mut table = String::new();
    let mut chains = Vec::new();
    for line in listed.lines().map(str::trim) {
        let named = |line: &str| line.strip_suffix('{').map(|name| name.trim().to_owned());
        if let Some(name) = line.strip_prefix("table ").and_then(named) {
            table = name;
        } else if let Some(name) = line.strip_prefix("chain ").and_then(named) {
            chains.push(format!("chain {name} in table {table}"));
        } else if let Some(name) = line.strip_prefix(':') {
            let name = name.split(' ').next().unwrap_or_default();
            chains.push(format!("chain {name} in table {}", wanted.table));
        }
    }
    let (chain, of) = (&wanted.chain, &wanted.table);
    let words = format!("{chain} {of}");
    let told = format!("there is no chain {chain} in table {of}");
    match nearest(&words, chains).as_str() {
        "" => format!("{told}, and no other"),
        others => format!("{told}; there is {others}"),
    }
}

/// Says why no rule can be judged, and which rules are nearest.
fn no_rule(wanted: &Counter, listed: &str, rules: &[Rule]) -> String {
    let (table, chain, words) = (&wanted.table, &wanted.chain, &wanted.rule);
    let place = format!("chain {chain} in table {table}");
    if wanted.firewall != Firewall::Nft {
        let policy = format!(":{chain} ");
        let Some(line) = listed.lines().find(|line| line.starts_with(&policy)) else {
            return no_chain(wanted, listed);
        };
        if words.is_empty() {
            return format!("{place} has no policy (`{line}`): give the words of a `rule`");
        }
    }
    let meant = |rule: &&Rule| rule.text.contains(words.as_str());
    let told = match rules.iter().find(meant) {
        Some(_) if words.is_empty() => format!("no rule of {place} has a counter"),
        Some(rule) => format!("`{}` in {place} has no counter", shortened(&rule.text)),
        None if words.is_empty() => format!("no rule in {place}"),
        None => format!("no rule with \"{words}\" in {place}"),
    };
    let others = rules.iter().filter(|rule| !meant(rule) || words.is_empty());
    let others = others.map(|rule| match rule.packets {
        Some(_) => format!("`{}`", shortened(&rule.text)),
        None => format!("`{}` (no counter)", shortened(&rule.text)),
    });
    match nearest(words, others.collect()).as_str() {
        "" if rules.is_empty() => format!("{told}, which has none"),
        "" => told,
        others => format!("{told}; nearest: {others}"),
    }
}

/// Names the texts that lack the fewest of the words, those with equally few in the order in which they are listed.
fn nearest(words: &str, mut texts: Vec<String>) -> String {
    texts.sort_by_key(|text| {
        let lacking = words.split(' ').filter(|word| !text.contains(word));
        lacking.count()
    });
    let more = texts.len().saturating_sub(NAMED);
    texts.truncate(NAMED);
    let more = match more {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    format!("{}{more}", texts.join(", "))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// What is wanted, in words.
fn expected(wanted: &Counter) -> String {
    let rule = match (wanted.rule.as_str(), wanted.firewall) {
        ("", Firewall::Nft) => "all rules".to_owned(),
        ("", _) => "the policy".to_owned(),
        (words, _) => format!("the rule with \"{words}\""),
    };
    let (packets, table, chain) = (wanted.packets, &wanted.table, &wanted.chain);
    format!("{packets} packets counted by {rule} of chain {chain} in table {table}")
}

/// The rules of a chain, each without its counter: in `ip daddr 10.0.0.9 counter packets 3 bytes 252 drop` the check's words may
/// stand on both sides of it.
fn nft(listed: &str) -> Vec<Rule> {
    let lines = listed.lines().map(str::trim);
    let of_chain = lines.skip_while(|line| !line.starts_with("chain ")).skip(1);
    // A chain's properties, comment and end are no rules.
    let is_rule = |line: &&str| {
        !["", "}"].contains(line) && !["type ", "comment "].iter().any(|of| line.starts_with(of))
    };
    of_chain.filter(is_rule).map(rule_of_nft).collect()
}

fn rule_of_nft(line: &str) -> Rule {
    let counted = || {
        let (before, after) = line.split_once("counter packets ")?;
        let mut words = after.split_whitespace();
        let packets = words.next()?.parse().ok()?;
        // Leave out `bytes N`.
        let after: Vec<&str> = words.skip(2).collect();
        let text = format!("{before}{}", after.join(" "));
        let text = text.trim().to_owned();
        let packets = Some(packets);
        Some(Rule { text, packets })
    };
    counted().unwrap_or_else(|| Rule {
        text: line.to_owned(),
        packets: None,
    })
}

/// The rules of a chain, `[4:336] -A OUTPUT -p icmp -j ACCEPT`; or, where no words are given, its policy,
/// `:FORWARD DROP [0:0]`.
fn iptables(listed: &str, wanted: &Counter) -> Vec<Rule> {
    let (chain, policy) = (&wanted.chain, format!(":{} ", wanted.chain));
    let rule = |line: &str| {
        let (counter, text) = if wanted.rule.is_empty() {
            let text = line.strip_prefix(&policy)?;
            // A chain that a user made has a dash in the place of a policy.
            let (text, counter) = text.split_once(" [").filter(|(policy, _)| *policy != "-")?;
            (counter, format!("policy {text} of {chain}"))
        } else {
            let (counter, text) = line.strip_prefix('[')?.split_once("] ")?;
            let of_chain = text.strip_prefix("-A ")?.split(' ').next() == Some(chain);
            of_chain.then(|| (counter, text.to_owned()))?
        };
        let packets = counter.split(':').next()?.parse().ok()?;
        let packets = Some(packets);
        Some(Rule { text, packets })
    };
    listed.lines().filter_map(rule).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Bounds;

    /// Output of nftables 1.0.6.
    const CHAIN: &str = "table inet filter {\n\tchain forward {\n\t\ttype filter hook output priority 0; policy accept;\n\
        \t\tip daddr 10.0.0.9 counter packets 3 bytes 252 drop comment \"to nine\"\n\t\tip protocol 1 counter name \"hits\"\n\t}\n}\n";
    /// Output of iptables 1.8.9, the same with both of its backends.
    const SAVED: &str = "# Generated by iptables-save v1.8.9 on Tue Nov 24 08:22:38 2026\n*filter\n:INPUT ACCEPT [2:168]\n\
        :FORWARD DROP [7:588]\n:OUTPUT ACCEPT [0:0]\n:OWN - [0:0]\n[4:336] -A OUTPUT -p icmp -m comment --comment echo -j ACCEPT\nCOMMIT\n";

    fn counter(firewall: Firewall, chain: &str, rule: &str, least: u64) -> Counter {
        Counter {
            firewall,
            table: "inet filter".to_owned(),
            chain: chain.to_owned(),
            rule: rule.to_owned(),
            packets: Bounds { least, most: None },
        }
    }

    #[test]
    fn nft_s_rules_are_found_by_words_around_their_counter() {
        let by = |rule, least| judge(&counter(Firewall::Nft, "forward", rule, least), CHAIN);
        let told = "3 packets counted by `ip daddr 10.0.0.9 drop comment \"to nine\"`";
        assert_eq!(by("10.0.0.9 drop", 3), Ok(Verdict::holds(told)));
        assert_eq!(by("to nine", 4), Ok(Verdict::violated(told)));
        assert!(by("", 1).is_ok_and(|verdict| verdict.holds));
    }

    #[test]
    fn a_rule_that_is_not_there_is_no_verdict_and_the_nearest_are_named() {
        let by = |rule, listed| judge(&counter(Firewall::Nft, "forward", rule, 0), listed);
        let why = |rule, listed| by(rule, listed).expect_err("no verdict").why;
        assert_eq!(
            why("ip protocol icmp", CHAIN),
            "no rule with \"ip protocol icmp\" in chain forward in table inet filter; nearest: `ip protocol 1 counter name \"hits\"` (no \
             counter), `ip daddr 10.0.0.9 drop comment \"to nine\"`"
        );
        assert_eq!(
            why("ip protocol 1", CHAIN),
            "`ip protocol 1 counter name \"hits\"` in chain forward in table inet filter has no counter; nearest: `ip daddr 10.0.0.9 \
             drop comment \"to nine\"`"
        );
        let empty = "table inet filter {\n\tchain forward {\n\t\tcomment \"none\"\n\t}\n}\n";
        assert_eq!(
            why("drop", empty),
            "no rule with \"drop\" in chain forward in table inet filter, which has none"
        );
        assert_eq!(
            why("", empty),
            "no rule in chain forward in table inet filter, which has none"
        );
        let many: String = (1..=9)
            .map(|port| format!("\t\ttcp dport {port} accept\n"))
            .collect();
        let many = format!("table inet filter {{\n\tchain forward {{\n{many}\t}}\n}}\n");
        assert_eq!(
            why("", &many),
            "no rule of chain forward in table inet filter has a counter; nearest: `tcp dport 1 accept` (no counter), `tcp dport 2 accept` \
             (no counter), `tcp dport 3 accept` (no counter), and 6 more"
        );
        assert!(
            why("tcp dport 7 drop", &many).contains("nearest: `tcp dport 7 accept` (no counter)")
        );
        let long = format!(
            "table inet filter {{\n\tchain forward {{\n{}\n\t}}\n}}\n",
            "ü".repeat(999)
        );
        assert!(why("drop", &long).len() < 600);
    }

    #[test]
    fn a_chain_that_is_not_there_is_told_with_those_that_are() {
        let wanted = counter(Firewall::Nft, "fwd", "", 1);
        let listed = "table ip nat {\n\tchain post {\n\t\ttype nat hook postrouting priority srcnat; policy accept;\n\t}\n}\n\
            table inet filter {\n\tchain forward {\n\t}\n}\n";
        assert_eq!(
            no_chain(&wanted, listed),
            "there is no chain fwd in table inet filter; there is chain forward in table inet filter, chain post in table ip nat"
        );
        assert_eq!(
            no_chain(&wanted, ""),
            "there is no chain fwd in table inet filter, and no other"
        );
    }

    #[test]
    fn iptables_has_rules_and_policies() {
        let by = |chain, rule, least| {
            let mut wanted = counter(Firewall::Iptables, chain, rule, least);
            wanted.table = "filter".to_owned();
            judge(&wanted, SAVED)
        };
        assert_eq!(
            by("FORWARD", "", 1),
            Ok(Verdict::holds(
                "7 packets counted by `policy DROP of FORWARD`"
            ))
        );
        assert!(by("OUTPUT", "", 1).is_ok_and(|verdict| !verdict.holds));
        assert!(by("OUTPUT", "-p icmp", 4).is_ok_and(|verdict| verdict.holds));
        for (chain, rule, told) in [
            (
                "INPUT",
                "-p icmp",
                "no rule with \"-p icmp\" in chain INPUT in table filter, which has none",
            ),
            (
                "OUTPUT",
                "-p tcp",
                "no rule with \"-p tcp\" in chain OUTPUT in table filter; nearest: `-A OUTPUT -p icmp -m comment --comment echo -j ACCEPT`",
            ),
            (
                "OUTPU",
                "-p icmp",
                "there is no chain OUTPU in table filter; there is chain OUTPUT in table filter, chain INPUT in table filter, chain \
                 FORWARD in table filter, and 1 more",
            ),
            (
                "OWN",
                "",
                "chain OWN in table filter has no policy (`:OWN - [0:0]`): give the words of a `rule`",
            ),
        ] {
            assert_eq!(by(chain, rule, 1), Err(NoVerdict::new(told)));
        }
    }

    #[test]
    fn each_tool_gets_its_command() {
        let nft = command(&counter(Firewall::Nft, "forward", "", 1));
        assert_eq!(nft.join(" "), "nft -nn list chain inet filter forward");
        let mut wanted = counter(Firewall::Ip6tables, "FORWARD", "", 1);
        wanted.table = "filter".to_owned();
        assert_eq!(command(&wanted).join(" "), "ip6tables-save -c -t filter");
    }
}
