//! Machines, and what they are plugged into.

use std::collections::BTreeMap;

use super::next_hop::Reach;
use super::segment::{End, Ends};
use super::{Context, bridge, dnsmasq, routes, rules, services, units};
use crate::scenario::keys::{INTERFACE, MACHINE, MACHINE_ROUTE};
use crate::scenario::names::MachineName;
use crate::scenario::read::{Reader, parsed, text_of};
use crate::scenario::{Machine, MachineInterface, machine_link, parse};

pub(crate) fn machines<'a>(
    context: &Context<'a>,
    root: &Reader<'a>,
) -> (BTreeMap<MachineName, Machine>, Ends<'a>) {
    let mut ends = Ends::new();
    let machines = root.named("machines", parse::our_name, |key, node| {
        let reader = Reader::of(node, key.value, &MACHINE, context.faults)?;
        if reader.flag("enabled") == Some(false) {
            return None;
        }
        let owner = format!("machine `{}`", key.value);
        context
            .claims
            .claim(format!("name `{}`", key.value), "", key.place, owner);
        Some(machine(context, &reader, key.value, &mut ends))
    });
    (machines, ends)
}

fn machine<'a>(
    context: &Context<'a>,
    reader: &Reader<'a>,
    name: &'a str,
    ends: &mut Ends<'a>,
) -> Machine {
    let before = context.faults.count();
    let readers = reader.tables("interfaces", &INTERFACE);
    let interfaces: Vec<MachineInterface> = readers
        .iter()
        .filter_map(|r| interface(context, r, name, ends))
        .collect();
    let networkd = units::units(context, reader, "networkd", name);
    if let Some(folder) = reader.entry("networkd") {
        let known = context.known.machines.get(name).into_iter();
        for netdev in known.flat_map(|known| &known.netdevs) {
            let (claims, place) = (&context.claims, &folder.node.place);
            claims.interface_name(netdev, name, place, "a `.netdev` file");
        }
        for reader in &readers {
            networkd_owns(reader, name, &["addresses", "master"]);
        }
        networkd_owns(reader, name, &["routes", "bridges"]);
        let made: Vec<_> = machine_link::keys().iter().map(|key| key.name).collect();
        networkd_owns(reader, name, &made);
    }
    if networkd.is_none() {
        let message = |key: &str| format!("`{key}` of a machine without `networkd`");
        let keys = ["machine_id", "duplicate_machine_id"];
        reader.conflicts(&keys, message, "nobody there asks for it", None);
    }
    let machine_id = (context.claims).machine_id(reader, &format!("machine `{name}`"));
    let bridges = bridge::bridges(context, reader, name);
    let links = machine_link::read(context, reader, name);
    let on = || {
        let plugged = interfaces.iter();
        let plugged = plugged.map(|one| (one.name.clone(), &one.addresses[..]));
        let made = bridges.iter();
        let made = made.map(|(id, one)| (id.clone(), &one.addresses[..]));
        let others = links.iter();
        let others = others.map(|one| (one.name().clone(), one.addresses()));
        plugged.chain(made).chain(others)
    };
    // Of what is wrong nobody knows what it would have been.
    let whole = context.faults.count() == before && networkd.is_none();
    let mut own = readers.iter().filter(|r| !r.place.source.built_in);
    let laid = own.find_map(|r| Some(r.entry("addresses")?.node.place.clone()));
    let mut reach = Reach::new(whole, on()).laid(laid);
    let routes = reader.tables("routes", &MACHINE_ROUTE);
    let routes = routes.iter();
    let routes = routes.filter_map(|reader| routes::of_machine(context, reader, name, &mut reach));
    let routes = routes.collect();
    let dnsmasq = dnsmasq::dnsmasq(context, reader, name, &interfaces, &bridges);
    Machine {
        interfaces,
        bridges,
        links,
        forward: reader.flag("forward").unwrap_or(false),
        routes,
        sysctls: sysctls(context, reader),
        rulesets: rules::rulesets(context, reader),
        networkd,
        machine_id,
        dnsmasq,
        http: services::http(reader),
    }
}

/// networkd takes away what it did not set itself; so its machine is configured by its files alone.
pub(crate) fn networkd_owns(reader: &Reader<'_>, name: &str, keys: &[&str]) {
    let message = |key: &str| format!("machine `{name}` has both `networkd` and `{key}`");
    let label = "networkd configures this machine";
    let help = "put them into a `.network` file of its folder";
    reader.conflicts(keys, message, label, Some(help));
}

fn interface<'a>(
    context: &Context<'a>,
    reader: &Reader<'a>,
    machine: &'a str,
    ends: &mut Ends<'a>,
) -> Option<MachineInterface> {
    let text = reader.need("name", reader.text("name"));
    let shown = text.map_or("?", |text| text.value);
    let owner = format!("`{shown}` of machine `{machine}`");
    let name = text.and_then(|text| parsed(text, parse::if_name, context.faults));
    if let Some(text) = text {
        let claims = &context.claims;
        claims.interface_name(shown, machine, text.place, "another interface");
    }
    let segment = reader.need("segment", reader.text("segment"));
    if let Some(segment) = segment {
        let (interface, known) = (shown, context.known.segments.iter().copied());
        if (context.faults).among(&segment, ("segment", "segments"), "", known) {
            let end = End { machine, interface };
            ends.entry(segment.value).or_default().push(end);
        }
    }
    let scope = segment.map_or(String::new(), |s| format!(" on segment `{}`", s.value));
    let (mac, addresses) = context.claims.of_interface(reader, &scope, &owner);
    Some(MachineInterface {
        name: name?.value,
        segment: MachineName::try_from(segment?.value).ok()?,
        mac,
        master: bridge::master(context, reader, machine),
        addresses,
        mtu: reader.number("mtu"),
    })
}

pub(crate) fn sysctls(context: &Context<'_>, reader: &Reader<'_>) -> BTreeMap<String, String> {
    reader.named("sysctls", parse::sysctl, |key, node| {
        let value = text_of(node, key.value, context.faults)?;
        Some(value.value.to_owned())
    })
}
