//! Segments: cables, and switches with their ports.

use std::collections::BTreeMap;

use super::{Context, port};
use crate::scenario::keys::{IS_SWITCH, SEGMENT, SWITCH_PORT};
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::read::{At, Reader};
use crate::scenario::{BridgePort, Segment, Switch, parse};

/// An interface that is plugged into a segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End<'a> {
    pub(crate) machine: &'a str,
    pub(crate) interface: &'a str,
}

/// The interfaces plugged into each segment.
pub(crate) type Ends<'a> = BTreeMap<&'a str, Vec<End<'a>>>;

pub(crate) fn segments<'a>(
    context: &Context<'a>,
    root: &Reader<'a>,
    ends: &Ends<'a>,
) -> BTreeMap<MachineName, Segment> {
    root.named("segments", parse::our_name, |key, node| {
        let reader = Reader::of(node, key.value, &SEGMENT, context.faults)?;
        let is_switch = reader.need("kind", reader.meaning("kind", &IS_SWITCH))?;
        let ends = ends.get(key.value).map_or(&[][..], Vec::as_slice);
        if is_switch.value {
            return Some(switch(context, &reader, key.value, ends));
        }
        if ends.is_empty() && is_switch.place.source.built_in {
            return None; // both machines of the base's cable were taken away, and so is the cable
        }
        if ends.len() != 2 {
            cable_fault(context, key.value, &is_switch, ends);
        }
        Some(cable(&reader))
    })
}

fn switch(context: &Context<'_>, reader: &Reader<'_>, name: &str, ends: &[End<'_>]) -> Segment {
    let known: Vec<String> = ends
        .iter()
        .map(|end| format!("{}/{}", end.machine, end.interface))
        .collect();
    let mut ports = BTreeMap::<_, BridgePort>::new();
    for (key, node) in reader.map("ports") {
        let table_keys = &SWITCH_PORT;
        let Some(reader) = Reader::of(node, key.value, table_keys, context.faults) else {
            continue;
        };
        let options = port::of_switch(context, &reader);
        let Some(at) = known.iter().position(|end| end == key.value) else {
            let scope = format!(" of segment `{name}`");
            let known = known.iter().map(String::as_str);
            (context.faults).unknown(&key, ("port", "ports"), &scope, known);
            continue;
        };
        let machine = MachineName::try_from(ends[at].machine).ok();
        let interface = IfName::try_from(ends[at].interface).ok();
        ports.extend(machine.zip(interface).map(|end| (end, options)));
    }
    Segment::Switch(Switch {
        mtu: reader.number("mtu"),
        multicast_snooping: reader.flag("multicast_snooping").unwrap_or_default(),
        group_fwd_mask: port::bridge_mask(context, reader),
        ports,
    })
}

/// A cable can be told nothing.
fn cable(reader: &Reader<'_>) -> Segment {
    let message = |key: &str| format!("a cable has no `{key}`");
    let help = "give each of the two interfaces its `mtu`";
    reader.conflicts(&["mtu"], message, "a switch has", Some(help));
    let keys = ["multicast_snooping", "group_fwd_mask", "ports"];
    let help = "make it `kind = \"switch\"`";
    reader.conflicts(&keys, message, "a switch has", Some(help));
    Segment::Cable
}

fn cable_fault(context: &Context<'_>, name: &str, kind: &At<'_, bool>, ends: &[End<'_>]) {
    let count = match ends.len() {
        1 => "1 end".to_owned(),
        ends => format!("{ends} ends"),
    };
    let message = format!("cable `{name}` has {count}");
    let label = "a cable joins exactly two interfaces";
    let plugged: Vec<String> = ends
        .iter()
        .map(|end| format!("`{}` of machine `{}`", end.interface, end.machine))
        .collect();
    let help = match plugged.as_slice() {
        [] => format!("give two machines an interface with `segment = \"{name}\"`"),
        [only] => format!("only {only} is plugged in"),
        plugged => format!(
            "more than two are plugged in: {}; make it `kind = \"switch\"`",
            plugged.join(", ")
        ),
    };
    (context.faults.conflict(kind.place, message, label)).help(help);
}
