//! Bridges that a machine without networkd is given, and what is put on them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use ipnet::IpNet;

use super::port::{self, Does};
use super::{Context, in_machine};
use crate::scenario::error::code;
use crate::scenario::keys::{BRIDGE, BRIDGE_PORT, requires};
use crate::scenario::names::IfName;
use crate::scenario::net::Mac;
use crate::scenario::read::{Reader, parsed};
use crate::scenario::{Bridge, BridgePort, parse};

/// What the kernel takes for each timer (`net/bridge/br_private_stp.h`), in seconds.
const HELLO_TIME: RangeInclusive<u64> = 1..=10;
const MAX_AGE: RangeInclusive<u64> = 6..=40;
/// Only while the spanning tree protocol runs.
const FORWARD_DELAY: RangeInclusive<u64> = 2..=30;

pub(crate) fn bridges<'a>(
    context: &Context<'a>,
    machine: &Reader<'a>,
    name: &str,
) -> BTreeMap<IfName, Bridge> {
    machine.named("bridges", parse::if_name, |key, node| {
        (context.claims).interface_name(key.value, name, key.place, "a bridge");
        let reader = Reader::of(node, key.value, &BRIDGE, context.faults)?;
        Some(bridge(context, &reader, name, key.value))
    })
}

fn bridge<'a>(context: &Context<'a>, reader: &Reader<'a>, machine: &str, name: &str) -> Bridge {
    let owner = format!("`{name}` of machine `{machine}`");
    let own = (context.claims).of_interface(reader, &in_machine(machine), &owner);
    let bridge = options(context, reader, own);
    let does = Does::of(&bridge);
    Bridge {
        ports: ports(context, reader, machine, name, does),
        ..bridge
    }
}

/// What a step can say of a bridge that it makes. Nothing is claimed: one that is made again may have what another one had.
pub fn options_of_step(context: &Context<'_>, reader: &Reader<'_>) -> Bridge {
    let mac = reader.word("mac", parse::mac).map(|mac| mac.value);
    let addresses = reader.values("addresses", parse::address);
    options(context, reader, (mac, addresses))
}

/// What can be said of any bridge, one that a step makes as well, beside its ports.
fn options(
    context: &Context<'_>,
    reader: &Reader<'_>,
    (mac, addresses): (Option<Mac>, Vec<IpNet>),
) -> Bridge {
    requires::BRIDGE
        .iter()
        .for_each(|rule| reader.requires(rule));
    if reader.flag("multicast_snooping") == Some(false)
        && reader.flag("multicast_querier") == Some(true)
    {
        // `br_multicast_send_query` of `net/bridge/br_multicast.c`.
        let message = "`multicast_querier` without `multicast_snooping`";
        let label = "a bridge that does not snoop sends no query";
        reader.conflict("multicast_querier", message, label);
    }
    Bridge {
        mac,
        mtu: reader.number("mtu"),
        stp: reader.flag("stp"),
        priority: reader.number::<u16>("priority"),
        forward_delay: timer(context, reader, "forward_delay", FORWARD_DELAY),
        hello_time: timer(context, reader, "hello_time", HELLO_TIME),
        max_age: timer(context, reader, "max_age", MAX_AGE),
        ageing_time: timer(context, reader, "ageing_time", 0..=u64::MAX),
        multicast_snooping: reader.flag("multicast_snooping"),
        multicast_querier: reader.flag("multicast_querier"),
        vlan_filtering: reader.flag("vlan_filtering"),
        default_pvid: reader.number("default_pvid"),
        group_fwd_mask: port::bridge_mask(context, reader),
        addresses,
        ports: BTreeMap::new(),
    }
}

/// A timer; the kernel answers one out of its range with nothing but "Numerical result out of range".
fn timer(
    context: &Context<'_>,
    reader: &Reader<'_>,
    key: &str,
    seconds: RangeInclusive<u64>,
) -> Option<Duration> {
    let time = reader.word(key, parse::timer)?;
    let (low, high) = (*seconds.start(), *seconds.end());
    if time.value < Duration::from_secs(low) || time.value > Duration::from_secs(high) {
        let message = format!("`{key}` is out of range");
        let label = format!("must be between `{low}s` and `{high}s`");
        let told = (context.faults).report(time.place, code::BAD_VALUE, message, label);
        if key == "forward_delay" {
            told.help("with `stp` the kernel takes no other; without it a port forwards at once");
        }
        return None;
    }
    Some(time.value)
}

fn ports<'a>(
    context: &Context<'a>,
    reader: &Reader<'a>,
    machine: &str,
    bridge: &str,
    does: Does,
) -> BTreeMap<IfName, BridgePort> {
    let masters = context.known.machines.get(machine).map(|m| &m.masters);
    let members = masters.into_iter().flatten();
    let members = members.filter(|(_, master)| **master == bridge);
    let members = members.map(|(port, _)| *port);
    let scope = format!(" on bridge `{bridge}`");
    reader.named("ports", parse::if_name, |key, node| {
        (context.faults).among(&key, ("port", "ports"), &scope, members.clone());
        let reader = Reader::of(node, key.value, &BRIDGE_PORT, context.faults)?;
        Some(port::port(context, &reader, does))
    })
}

/// The bridge that `master` names, which the machine must have.
pub(crate) fn master(context: &Context<'_>, reader: &Reader<'_>, machine: &str) -> Option<IfName> {
    let text = reader.text("master")?;
    let name = parsed(text, parse::if_name, context.faults)?;
    let known = context.known.machines.get(machine)?;
    if known.networkd {
        return None; // whoever reads the machine says so
    }
    let (scope, bridges) = (in_machine(machine), known.bridges.iter().copied());
    (context.faults).among(&text, ("bridge", "bridges"), &scope, bridges);
    Some(name.value)
}
