//! The counter of a firewall's rule.

use crate::scenario::check_kind::{Asked, Declared, Looks, bounds};
use crate::scenario::error::{Fault, code};
use crate::scenario::keys::{KeyType, TableKeys, first_of_each, may, must, table_keys};
use crate::scenario::parse::{bad, is_plain};
use crate::scenario::read::Bad;
use crate::scenario::{Bounds, VantagePoint};

/// The counter of a firewall's rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// Tool that lists the rule.
    pub firewall: Firewall,
    /// Table: of nft with its family, `inet filter`.
    pub table: String,
    /// Chain.
    pub chain: String,
    /// Words of the rule, as the tool lists it. Empty: with iptables the chain's policy, with nft any rule.
    pub rule: String,
    /// Packets that it must have counted.
    pub packets: Bounds,
}

/// Tools that list rules with their counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Firewall {
    /// `nft`.
    #[default]
    Nft,
    /// `iptables`.
    Iptables,
    /// `ip6tables`.
    Ip6tables,
}

const TOOLS: [(&str, Firewall); 3] = [
    ("nft", Firewall::Nft),
    ("iptables", Firewall::Iptables),
    ("ip6tables", Firewall::Ip6tables),
];

impl Declared for Counter {
    const KEYS: TableKeys = table_keys(
        "counter",
        "the rules with these words have counted so many packets",
        &[
            may(
                "tool",
                KeyType::Words(&first_of_each(&TOOLS)),
                "\"nft\"",
                "whose rules",
            ),
            must("table", KeyType::Text, "`\"inet filter\"`, `\"filter\"`"),
            must("chain", KeyType::Text, "chain"),
            may(
                "rule",
                KeyType::Text,
                "\"\"",
                "words of the rule; without words, iptables' policy",
            ),
            may(
                "packets",
                KeyType::Range(0, 4_294_967_295),
                "1",
                "at least, or `[least, most]`",
            ),
        ],
    );
    const HOLDS: &'static str = "the rules with these words have counted so many packets: at least, or `[least, most]`; without words, iptables' policy";
    const LOOKS: Looks = Looks::machine_or_guest(|image| (!image.tools).then_some("iptables"));

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked {
            context,
            reader,
            from,
            ..
        } = *asked;
        let tool = reader.meaning("tool", &TOOLS);
        let firewall = tool.as_ref().map(|tool| tool.value).unwrap_or_default();
        if let (Firewall::Nft, Some(from)) = (firewall, from)
            && let VantagePoint::Guest(guest) = &from.value
        {
            let message = format!("`counter` of nft cannot look from guest `{guest}`");
            let label = "the images have iptables and no nft".to_owned();
            let help = "`tool = \"iptables\"`, or `command` in an image with nft".to_owned();
            let fault = Fault::new(from.place, code::CONFLICT, message, label);
            context.faults.add(fault.help(help));
        }
        let table = reader.need("table", reader.word("table", table_name));
        let chain = reader.need("chain", reader.word("chain", chain_name));
        let rule = reader.text("rule");
        let packets = reader.bounds("packets").unwrap_or((1, None));
        Some(Self {
            firewall,
            table: table?.value,
            chain: chain?.value,
            rule: rule.map_or_else(String::new, |words| words.value.to_owned()),
            packets: bounds(packets),
        })
    }
}

/// Reads the name of a table: of nft with its family, or of iptables. Options, and characters that mean something to a shell, are
/// refused.
fn table_name(text: &str) -> Result<String, Bad> {
    let families = ["ip", "ip6", "inet", "arp", "bridge", "netdev"];
    let parts: Vec<&str> = text.split(' ').collect();
    let good = match parts.as_slice() {
        [family, table] => families.contains(family) && is_plain(table),
        [table] => is_plain(table),
        _ => false,
    };
    if good {
        return Ok(text.to_owned());
    }
    let fault = bad(
        format!("{text:?} is not a table of a firewall"),
        "not a table",
    );
    Err(fault.help("`filter` of iptables, `inet filter` of nft"))
}

fn chain_name(text: &str) -> Result<String, Bad> {
    if is_plain(text) {
        return Ok(text.to_owned());
    }
    Err(bad(
        format!("{text:?} is not a chain of a firewall"),
        "not a chain",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_a_command_line() {
        for text in ["", "-F", "a b c", "inet", "inet -x", "a;b", "$(x)", "a\nb"] {
            let is_table = table_name(text).is_ok();
            assert_eq!(is_table, text == "inet", "{text:?}");
        }
        assert!(table_name("inet filter").is_ok());
    }
}
