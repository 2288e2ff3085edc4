//! Ports of bridges and switches: their switches, their VLANs, and the frames that a bridge keeps.

use std::ops::RangeInclusive;

use super::Context;
use crate::scenario::error::code;
use crate::scenario::file::{Node, Value};
use crate::scenario::keys::requires;
use crate::scenario::read::Reader;
use crate::scenario::topology::KERNEL_PVID;
use crate::scenario::{Bridge, BridgePort, PortFlag};

/// Switches of a port that only STP looks at.
const OF_STP: [&str; 2] = ["guard", "root_block"];
/// VLAN ids that a frame can carry (IEEE 802.1Q; 0 and 4095 are reserved).
pub(crate) const VLANS: RangeInclusive<u16> = 1..=4094;
/// What the kernel refuses in a bridge's mask: STP, pause frames, LACP (`BR_GROUPFWD_RESTRICTED`).
const NOT_OF_A_BRIDGE: u16 = 0b111;
/// And in a port's: pause frames (`BR_GROUPFWD_MACPAUSE`).
const NOT_OF_A_PORT: u16 = 0b010;

/// What a bridge does with VLAN tags, and whether it runs STP.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Does {
    stp: bool,
    filtering: bool,
    default_pvid: u16,
}

impl Does {
    pub(crate) fn of(bridge: &Bridge) -> Self {
        Self {
            stp: bridge.stp == Some(true),
            filtering: bridge.vlan_filtering == Some(true),
            default_pvid: bridge.default_pvid.unwrap_or(KERNEL_PVID),
        }
    }
}

/// A port of a machine's bridge.
pub(crate) fn port(context: &Context<'_>, reader: &Reader<'_>, does: Does) -> BridgePort {
    if !does.stp {
        reader.without(&requires::PORT_STP);
    }
    if !does.filtering {
        reader.without(&requires::PORT_VLANS);
    }
    let pvid = reader.number("pvid");
    let taken = pvid.unwrap_or(does.default_pvid);
    let tagged = members(context, reader, "vlans", &[taken]);
    let mut others = tagged.clone();
    others.push(taken);
    BridgePort {
        pvid,
        untagged: members(context, reader, "untagged", &others),
        vlans: tagged,
        ..stepped(context, reader)
    }
}

/// What a step can say of a port, whoever made its bridge.
pub fn stepped(context: &Context<'_>, reader: &Reader<'_>) -> BridgePort {
    BridgePort {
        cost: reader.number("cost"),
        priority: reader.number("priority"),
        ..options(context, reader)
    }
}

/// Options of a port of a switch, which runs no STP.
pub(crate) fn of_switch(context: &Context<'_>, reader: &Reader<'_>) -> BridgePort {
    let message = |key: &str| format!("a switch's port has no `{key}`");
    reader.conflicts(&OF_STP, message, "a switch runs no STP", None);
    options(context, reader)
}

/// What is said of any port, a switch's too.
fn options(context: &Context<'_>, reader: &Reader<'_>) -> BridgePort {
    BridgePort {
        flags: flags(reader),
        group_fwd_mask: mask(context, reader, NOT_OF_A_PORT),
        ..BridgePort::default()
    }
}

/// The switches that are set, or looked at.
pub fn flags(reader: &Reader<'_>) -> std::collections::BTreeMap<PortFlag, bool> {
    let all = PortFlag::ALL.iter();
    all.filter_map(|(flag, word)| Some((*flag, reader.flag(word)?)))
        .collect()
}

/// `group_fwd_mask` of a bridge.
pub(crate) fn bridge_mask(context: &Context<'_>, reader: &Reader<'_>) -> Option<u16> {
    mask(context, reader, NOT_OF_A_BRIDGE)
}

fn mask(context: &Context<'_>, reader: &Reader<'_>, refused: u16) -> Option<u16> {
    let mask = reader.number::<u16>("group_fwd_mask")?;
    if mask & refused != 0 {
        let entry = reader.entry("group_fwd_mask")?;
        let message = format!("`group_fwd_mask` cannot have any of the bits {refused:#x}");
        let label = "the kernel refuses it";
        let help = if refused == NOT_OF_A_BRIDGE {
            "01:80:c2:00:00:00 (STP) and :02 (LACP) pass by the mask of a port; without `stp` the first passes anyway"
        } else {
            "01:80:c2:00:00:01 are pause frames: they never pass a bridge"
        };
        let place = &entry.node.place;
        (context
            .faults
            .report(place, code::BAD_VALUE, message, label))
        .help(help);
    }
    Some(mask)
}

/// VLANs of a port, none of which may be said elsewhere: a second word for the same would have no effect.
fn members(context: &Context<'_>, reader: &Reader<'_>, key: &str, taken: &[u16]) -> Vec<u16> {
    let mut members = Vec::new();
    for node in reader.items(key) {
        let Some(id) = vlan(context, node, key) else {
            continue;
        };
        if taken.contains(&id) || members.contains(&id) {
            let message = format!("VLAN {id} is said twice");
            let label = "has no effect here";
            let help = "the port's `pvid`, or else the bridge's `default_pvid` (1 if not said), is untagged already; each other VLAN stands once, in `vlans` or `untagged`";
            (context.faults.conflict(&node.place, message, label)).help(help);
        }
        members.push(id);
    }
    members
}

fn vlan(context: &Context<'_>, node: &Node, key: &str) -> Option<u16> {
    let Value::Integer(number) = node.value else {
        context.faults.wrong_type(node, key, "integers");
        return None;
    };
    let id = u16::try_from(number).ok().filter(|id| VLANS.contains(id));
    if id.is_none() {
        let message = format!("{number} is not a VLAN");
        let label = format!("must be between {} and {}", VLANS.start(), VLANS.end());
        (context.faults).report(&node.place, code::BAD_VALUE, message, label);
    }
    id
}
