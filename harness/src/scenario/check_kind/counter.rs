//! The counter of a firewall's rule.

use super::asked::{Asked, Declared, Looks, bounds};
use crate::scenario::bounds::Bounds;
use crate::scenario::error::{Fault, code};
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::{VantagePoint, states};

/// The counter of a firewall's rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// Whose.
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

/// Who counts packets.
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

impl Declared for Counter {
    const KEYS: TableKeys = table_keys(
        "counter",
        "the rules with these words have counted so many packets",
        &[
            may(
                "tool",
                KeyType::Words(&["nft", "iptables", "ip6tables"]),
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
    const LOOKS: Looks = Looks::machine_or_guest(|image| (!image.tools).then_some("iptables"));

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked {
            context,
            reader,
            from,
            ..
        } = *asked;
        let tool = reader.word("tool", states::firewall);
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
        let table = reader.need("table", reader.word("table", states::firewall_table));
        let chain = reader.need("chain", reader.word("chain", states::firewall_chain));
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
