//! Kinds of checks that look at links, addresses, routes and neighbours.

use super::kinds::{From, interface, interface_at};
use super::routes::same_family;
use super::{Context, port};
use crate::scenario::check_kind;
use crate::scenario::error::{Fault, code};
use crate::scenario::read::{Bad, Reader, parsed};
use crate::scenario::{
    CheckKind, Link, Neighbour, Networkctl, PortFlag, networkd_words, states, words,
};

/// Reports a table that says nothing to compare with.
pub(super) fn says_something(
    context: &Context<'_>,
    reader: &Reader<'_>,
    kind: &str,
    keys: &[&str],
) {
    if keys.iter().any(|key| reader.entry(key).is_some()) {
        return;
    }
    let listed: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
    let message = format!("{kind} says nothing that must hold");
    let label = "nothing to compare with".to_owned();
    let fault = Fault::new(reader.place, code::MISSING_KEY, message, label);
    context
        .faults
        .add(fault.help(format!("at least one of {}", listed.join(", "))));
}

/// Reports keys that say something about what `absent` says is not there.
pub(super) fn not_with_absent(context: &Context<'_>, reader: &Reader<'_>, keys: &[&str]) -> bool {
    let absent = reader.flag("absent").unwrap_or(false);
    for entry in keys.iter().filter_map(|key| reader.entry(key)) {
        if absent {
            let message = "what is absent has no other property".to_owned();
            let label = "says how it is".to_owned();
            let help = "leave `absent` or this key out".to_owned();
            let fault = Fault::new(&entry.key, code::CONFLICT, message, label);
            context.faults.add(fault.help(help));
        }
    }
    absent
}

pub(super) fn link(
    context: &Context<'_>,
    reader: &Reader<'_>,
    from: From<'_, '_>,
) -> Option<CheckKind> {
    const OWN: [&str; 11] = [
        "master",
        "nomaster",
        "carrier",
        "operstate",
        "mtu",
        "mac",
        "state",
        "flags",
        "kind",
        "multi_queue",
        "vnet_hdr",
    ];
    let port = PortFlag::ALL.iter().map(|(_, word)| *word);
    let facts: Vec<&str> = OWN.into_iter().chain(port).collect();
    let absent = not_with_absent(context, reader, &facts);
    // What must not be there may have a name that nothing in the scenario has.
    let interface = match absent {
        true => reader
            .text("interface")
            .and_then(|text| parsed(text, words::if_name, context.faults))
            .map(|name| name.value),
        false => interface(context, reader, from),
    };
    let interface = reader.need("interface", interface);
    let mut said = vec!["absent"];
    said.extend(facts);
    says_something(context, reader, "link", &said);
    let nomaster = reader.flag("nomaster").unwrap_or(false);
    if let (true, Some(entry)) = (nomaster, reader.entry("master")) {
        let message = "a link has a `master`, or it has none".to_owned();
        let label = "and `nomaster`".to_owned();
        context
            .faults
            .add(Fault::new(&entry.key, code::CONFLICT, message, label));
    }
    let flags = reader.words("flags", states::link_flag).into_iter();
    let master = interface_at(context, reader, "master", from);
    let carrier = reader.flag("carrier");
    let operstate = reader.word("operstate", states::operstate);
    let mtu = reader.number("mtu", 68..=65_535_u32);
    let mac = reader.word("mac", words::mac);
    let state = reader.word("state", states::port_state);
    let kind = reader.word("kind", states::link_kind);
    let multi_queue = reader.flag("multi_queue");
    let vnet_hdr = reader.flag("vnet_hdr");
    Some(CheckKind::Link(Link {
        interface: interface?,
        absent,
        master,
        nomaster,
        carrier,
        operstate: operstate.map(|state| state.value),
        mtu,
        mac: mac.map(|mac| mac.value),
        state: state.map(|state| state.value),
        flags: flags.map(|flag| flag.value).collect(),
        kind: kind.map(|kind| kind.value),
        multi_queue,
        vnet_hdr,
        port_flags: port::flags(reader),
    }))
}

pub(super) fn networkctl(
    context: &Context<'_>,
    reader: &Reader<'_>,
    from: From<'_, '_>,
) -> Option<CheckKind> {
    const FACTS: [&str; 7] = [
        "setup",
        "operational",
        "online",
        "required_for_online",
        "dns",
        "domains",
        "file",
    ];
    let interface = reader.need("interface", interface(context, reader, from));
    says_something(context, reader, "networkctl", &FACTS);
    let dns = reader.words("dns", words::ip).into_iter();
    let dns = dns.map(|server| server.value).collect();
    let domains = reader.words("domains", networkd_words::domain).into_iter();
    let domains = domains.map(|domain| domain.value).collect();
    let fact = |key, parse: fn(&str) -> Result<String, Bad>| {
        reader.word(key, parse).map(|word| word.value)
    };
    Some(CheckKind::Networkctl(Networkctl {
        interface: interface?,
        setup: fact("setup", networkd_words::setup),
        operational: fact("operational", networkd_words::operational),
        online: fact("online", networkd_words::online),
        required_for_online: fact("required_for_online", networkd_words::required_for_online),
        dns: reader.entry("dns").map(|_| dns),
        domains: reader.entry("domains").map(|_| domains),
        file: fact("file", networkd_words::file),
    }))
}

pub(super) fn address(
    context: &Context<'_>,
    reader: &Reader<'_>,
    from: From<'_, '_>,
) -> Option<CheckKind> {
    let interface = interface(context, reader, from);
    let state = reader.word("state", states::address_state);
    let one = reader.word("address", words::address);
    let any = reader.word("prefix", words::prefix);
    let any_of_prefix = reader.entry("prefix").is_some();
    if !any_of_prefix {
        reader.need("address", one.as_ref());
    } else if let Some(entry) = reader.entry("address") {
        let message = "an `address` check has either `address` or `prefix`".to_owned();
        let label = "and `prefix`".to_owned();
        context
            .faults
            .add(Fault::new(&entry.key, code::CONFLICT, message, label));
    }
    let address = if any_of_prefix { any } else { one };
    Some(CheckKind::Address(check_kind::Address {
        interface,
        address: address?.value,
        any_of_prefix,
        state: state.map_or_else(Default::default, |state| state.value),
    }))
}

pub(super) fn route(
    context: &Context<'_>,
    reader: &Reader<'_>,
    from: From<'_, '_>,
) -> Option<CheckKind> {
    let to = reader.need("to", reader.word("to", words::prefix));
    let via = reader.word("via", words::ip);
    let proto = reader.word("proto", words::route_proto);
    let dev = interface_at(context, reader, "dev", from);
    let metric = reader.number("metric", 0..=u32::MAX);
    let absent = reader.flag("absent").unwrap_or(false);
    let to = to?.value;
    if let Some(via) = &via {
        same_family(context, &to, via);
    }
    Some(CheckKind::Route(check_kind::Route {
        to,
        via: via.map(|via| via.value),
        proto: proto.map(|proto| proto.value),
        dev,
        metric,
        absent,
    }))
}

pub(super) fn neighbour(
    context: &Context<'_>,
    reader: &Reader<'_>,
    from: From<'_, '_>,
) -> Option<CheckKind> {
    let absent = not_with_absent(context, reader, &["mac", "state"]);
    let interface = interface(context, reader, from);
    let address = reader.need("address", reader.word("address", words::ip));
    let mac = reader.word("mac", words::mac);
    let state = reader.word("state", states::neighbour_state);
    Some(CheckKind::Neighbour(Neighbour {
        interface,
        address: address?.value,
        mac: mac.map(|mac| mac.value),
        state: state.map(|state| state.value),
        absent,
    }))
}
