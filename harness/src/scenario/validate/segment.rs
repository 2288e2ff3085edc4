//! Segments: cables, and switches with their ports.

use std::collections::BTreeMap;

use super::{Context, port};
use crate::scenario::error::{Fault, code};
use crate::scenario::keys::{IS_SWITCH, SEGMENT, SWITCH_PORT};
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::read::{At, Reader, parsed};
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
    let mut segments = BTreeMap::new();
    for (key, node) in root.map("segments") {
        let name = parsed(key, parse::machine_name, context.faults);
        let Some(reader) = Reader::of(node, key.value, &SEGMENT, context.faults) else {
            continue;
        };
        let kind = reader.need("kind", reader.meaning("kind", &IS_SWITCH));
        let Some(is_switch) = kind else {
            continue;
        };
        let ends = ends.get(key.value).map_or(&[][..], Vec::as_slice);
        let segment = if is_switch.value {
            switch(context, &reader, key.value, ends)
        } else {
            if ends.len() != 2 {
                if ends.is_empty() && is_switch.place.source.built_in {
                    continue; // both machines of the base's cable were taken away, and so is the cable
                }
                cable_fault(context, key.value, &is_switch, ends);
            }
            cable(context, &reader)
        };
        segments.extend(name.map(|name| (name.value, segment)));
    }
    segments
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
            context
                .faults
                .unknown(&key, ("port", "ports"), &scope, known);
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
fn cable(context: &Context<'_>, reader: &Reader<'_>) -> Segment {
    for key in ["mtu", "multicast_snooping", "group_fwd_mask", "ports"] {
        let Some(entry) = reader.entry(key) else {
            continue;
        };
        let message = format!("a cable has no `{key}`");
        let label = "a switch has".to_owned();
        let help = match key {
            "mtu" => "give each of the two interfaces its `mtu`",
            _ => "make it `kind = \"switch\"`",
        };
        let fault = Fault::new(&entry.key, code::CONFLICT, message, label);
        context.faults.add(fault.help(help.to_owned()));
    }
    Segment::Cable
}

fn cable_fault(context: &Context<'_>, name: &str, kind: &At<'_, bool>, ends: &[End<'_>]) {
    let count = match ends.len() {
        1 => "1 end".to_owned(),
        ends => format!("{ends} ends"),
    };
    let message = format!("cable `{name}` has {count}");
    let label = "a cable joins exactly two interfaces".to_owned();
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
    context
        .faults
        .add(Fault::new(kind.place, code::CONFLICT, message, label).help(help));
}
