//! Kinds of checks that look at what is set and what runs at a vantage.

use super::Context;
use super::kinds::From;
use super::state_kinds::not_with_absent;
use crate::scenario::check_kind;
use crate::scenario::error::{Fault, code};
use crate::scenario::read::Reader;
use crate::scenario::{
    Bounds, CheckKind, Command, Counter, Firewall, Process, VantagePoint, states, words,
};

pub(super) fn sysctl(reader: &Reader<'_>) -> Option<CheckKind> {
    let key = reader.need("key", reader.word("key", words::sysctl));
    let value = reader.need("value", reader.text("value"));
    Some(CheckKind::Sysctl(check_kind::Sysctl {
        key: key?.value,
        value: value?.value.to_owned(),
    }))
}

pub(super) fn command(context: &Context<'_>, reader: &Reader<'_>) -> Option<CheckKind> {
    let words = reader.texts("run").into_iter();
    let run: Vec<String> = words.map(|word| word.value.to_owned()).collect();
    let entry = reader.need("run", reader.entry("run"));
    if let Some(entry) = entry
        && reader.items("run").is_empty()
    {
        let message = "`run` needs a program".to_owned();
        let label = "no word is in it".to_owned();
        let help = "for example `[\"sh\", \"-c\", \"exit 1\"]`".to_owned();
        let fault = Fault::new(&entry.node.place, code::BAD_VALUE, message, label);
        context.faults.add(fault.help(help));
    }
    let status = reader.number("status", 0..=255_u8);
    let stdout = reader.text("stdout");
    entry?;
    Some(CheckKind::Command(Command {
        run,
        status: status.unwrap_or(0),
        stdout: stdout.map_or_else(String::new, |words| words.value.to_owned()),
    }))
}

pub(super) fn counter(
    context: &Context<'_>,
    reader: &Reader<'_>,
    from: From<'_, '_>,
) -> Option<CheckKind> {
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
    let packets = reader.bounds("packets", 0..=u32::MAX).unwrap_or((1, None));
    Some(CheckKind::Counter(Counter {
        firewall,
        table: table?.value,
        chain: chain?.value,
        rule: rule.map_or_else(String::new, |words| words.value.to_owned()),
        packets: bounds(packets),
    }))
}

pub(super) fn bounds((least, most): (u32, Option<u32>)) -> Bounds {
    Bounds {
        least: u64::from(least),
        most: most.map(u64::from),
    }
}

pub(super) fn process(context: &Context<'_>, reader: &Reader<'_>) -> Option<CheckKind> {
    let absent = not_with_absent(context, reader, &["user"]);
    let name = reader.need("name", reader.word("name", states::plain_name));
    let user = reader.word("user", states::plain_name);
    Some(CheckKind::Process(Process {
        name: name?.value,
        user: user.map(|user| user.value),
        absent,
    }))
}
