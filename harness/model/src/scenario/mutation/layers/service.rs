//! What the router and the internet serve: DNS, router advertisements, DHCP, HTTP.

use crate::scenario::Machine;
use crate::scenario::mutation::row::{Layer, Operator, Sites};
use crate::scenario::mutation::texts::Texts;

/// A path below each machine for which this holds.
fn paths(texts: Texts<'_>, below: &str, has: fn(&Machine) -> bool) -> Vec<String> {
    let machines = texts.form.machines.iter().filter(|(_, it)| has(it));
    machines
        .map(|(name, _)| format!("machines.{}.{below}", name.as_str()))
        .collect()
}

/// A table below each machine's dnsmasq.
fn of_dnsmasq(texts: Texts<'_>, below: &str, keys: &str, has: fn(&Machine) -> bool) -> Vec<String> {
    let tables = paths(texts, below, has);
    tables
        .into_iter()
        .map(|path| format!("[{path}]\n{keys}"))
        .collect()
}

fn advertises(machine: &Machine) -> bool {
    machine.dnsmasq.as_ref().is_some_and(|it| it.ra.is_some())
}

fn serves_names(machine: &Machine) -> bool {
    machine
        .dnsmasq
        .as_ref()
        .is_some_and(|it| it.faults.is_empty() && !it.records.is_empty())
}

/// The first name that a machine answers, which other names of the base are made for.
fn faults(texts: Texts<'_>, fault: &str) -> Vec<String> {
    let machines = texts
        .form
        .machines
        .iter()
        .filter(|(_, it)| serves_names(it));
    let named = machines
        .filter_map(|(name, it)| Some((name, it.dnsmasq.as_ref()?.records.keys().next_back()?)));
    let tables = named.map(|(machine, name)| {
        let machine = machine.as_str();
        format!("[machines.{machine}.dnsmasq.faults]\n\"{name}\" = \"{fault}\"")
    });
    tables.collect()
}

pub(in crate::scenario::mutation) const ROWS: &[Operator] = &[
    Operator {
        name: "dnsmasq.no-ra",
        layer: Layer::Service,
        says: "A router sends no router advertisements.",
        needs_guests: false,
        sites: Sites::Removes(|texts| paths(texts, "dnsmasq.ra", advertises)),
    },
    Operator {
        name: "dnsmasq.gone",
        layer: Layer::Service,
        says: "A router serves no names, advertisements or leases.",
        needs_guests: false,
        sites: Sites::Removes(|texts| paths(texts, "dnsmasq", |machine| machine.dnsmasq.is_some())),
    },
    Operator {
        name: "dnsmasq.no-default-router",
        layer: Layer::Service,
        says: "A router advertises a lifetime of 0: it is no default router.",
        needs_guests: false,
        sites: Sites::Tables(|texts| of_dnsmasq(texts, "dnsmasq.ra", "lifetime = 0", advertises)),
    },
    Operator {
        name: "dnsmasq.no-rdnss",
        layer: Layer::Service,
        says: "A router advertises no DNS servers.",
        needs_guests: false,
        sites: Sites::Tables(|texts| of_dnsmasq(texts, "dnsmasq.ra", "rdnss = []", advertises)),
    },
    Operator {
        name: "dnsmasq.managed",
        layer: Layer::Service,
        says: "A router advertises that addresses come by DHCPv6.",
        needs_guests: false,
        sites: Sites::Tables(|texts| {
            of_dnsmasq(texts, "dnsmasq.ra", "managed = true", |machine| {
                let ra = machine.dnsmasq.as_ref().and_then(|it| it.ra.as_ref());
                ra.is_some_and(|ra| !ra.managed && !ra.other)
            })
        }),
    },
    Operator {
        name: "dnsmasq.nxdomain",
        layer: Layer::Service,
        says: "A name that is served does not exist.",
        needs_guests: false,
        sites: Sites::Tables(|texts| faults(texts, "nxdomain")),
    },
    Operator {
        name: "dnsmasq.silent",
        layer: Layer::Service,
        says: "A name that is served gets no answer.",
        needs_guests: false,
        sites: Sites::Tables(|texts| faults(texts, "no-answer")),
    },
    Operator {
        name: "http.gone",
        layer: Layer::Service,
        says: "A machine has no HTTP server.",
        needs_guests: false,
        sites: Sites::Removes(|texts| paths(texts, "http", |machine| machine.http.is_some())),
    },
];
