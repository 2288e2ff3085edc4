//! Rulesets: those of the scenario, and one that is put in.

use crate::scenario::mutation::change::Site;
use crate::scenario::mutation::row::{Layer, Operator, Sites};
use crate::scenario::mutation::texts::{Role, Texts};

/// Whether a line of nft(8) or iptables-restore(8) is a rule, and no table, chain, policy or brace.
fn is_rule(line: &str) -> bool {
    let structure = [
        "table ",
        "chain ",
        "type ",
        "set ",
        "map ",
        "policy ",
        "}",
        "*",
        ":",
        "COMMIT",
        "flush ",
        "elements ",
    ];
    !line.ends_with('{') && !structure.iter().any(|word| line.starts_with(word))
}

/// The first chain of each hook gets a rule that drops this.
fn dropped(texts: Texts<'_>, rule: &str) -> Vec<Site> {
    let mut found = Vec::new();
    for (file, ruleset) in texts.with(Role::Ruleset) {
        let mut start = 0;
        for line in ruleset.text.split_inclusive('\n') {
            start += line.len();
            if line.trim_start().starts_with("type filter hook ") && line.ends_with('\n') {
                found.push(Site::replace(file, start..start, format!("\t\t{rule}\n")));
            }
        }
    }
    found
}

pub(in crate::scenario::mutation) const ROWS: &[Operator] = &[
    Operator {
        name: "ruleset.delete-rule",
        layer: Layer::Firewall,
        says: "A rule of a ruleset is deleted.",
        needs_guests: false,
        sites: Sites::Rule(|line| is_rule(line).then(String::new)),
    },
    Operator {
        name: "ruleset.accept-to-drop",
        layer: Layer::Firewall,
        says: "A rule that accepts drops.",
        needs_guests: false,
        sites: Sites::Rule(|line| {
            let other = line
                .replace(" accept", " drop")
                .replace("-j ACCEPT", "-j DROP");
            (is_rule(line) && other != line).then_some(other)
        }),
    },
    Operator {
        name: "ruleset.drop-policy",
        layer: Layer::Firewall,
        says: "The policy of a chain becomes its opposite.",
        needs_guests: false,
        sites: Sites::Rule(|line| {
            let other = match line {
                _ if line.contains("policy accept") => line.replace("policy accept", "policy drop"),
                _ if line.contains("policy drop") => line.replace("policy drop", "policy accept"),
                _ if line.starts_with(':') && line.contains(" ACCEPT ") => {
                    line.replace(" ACCEPT ", " DROP ")
                }
                _ if line.starts_with(':') && line.contains(" DROP ") => {
                    line.replace(" DROP ", " ACCEPT ")
                }
                _ => return None,
            };
            // NAT chains see the first packet of a connection only, and iptables has no policy for them but ACCEPT.
            Some(other)
        }),
    },
    Operator {
        name: "ruleset.other-interface",
        layer: Layer::Firewall,
        says: "The last interface that a rule names becomes another one.",
        needs_guests: false,
        sites: Sites::Rule(|line| {
            let names = line.contains("ifname ");
            let end = line.rfind('"').filter(|_| names && is_rule(line))?;
            let begin = line[..end].rfind('"')?;
            let other = crate::scenario::mutation::numbers::other_character(&line[begin + 1..end])?;
            Some(format!("{}{other}{}", &line[..=begin], &line[end..]))
        }),
    },
    Operator {
        name: "ruleset.drop-icmp",
        layer: Layer::Firewall,
        says: "A filter chain drops ICMP and ICMPv6 first.",
        needs_guests: false,
        sites: Sites::Any(|texts| dropped(texts, "meta l4proto { icmp, ipv6-icmp } drop")),
    },
    Operator {
        name: "ruleset.drop-udp",
        layer: Layer::Firewall,
        says: "A filter chain drops UDP first.",
        needs_guests: false,
        sites: Sites::Any(|texts| dropped(texts, "meta l4proto udp drop")),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_told_from_what_holds_them() {
        for rule in [
            "ct state established,related accept",
            "counter drop",
            "-A FORWARD -j ACCEPT",
            "iifname \"a\" accept",
        ] {
            assert!(is_rule(rule), "{rule}");
        }
        for other in [
            "table ip nat {",
            "chain input {",
            "type filter hook input priority filter; policy drop;",
            "}",
            "*filter",
            ":INPUT ACCEPT [0:0]",
            "COMMIT",
        ] {
            assert!(!is_rule(other), "{other}");
        }
    }
}
