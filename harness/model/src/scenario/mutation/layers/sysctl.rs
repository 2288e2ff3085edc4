//! Sysctls of machines and guests.

use crate::scenario::file::Value;
use crate::scenario::mutation::row::{Layer, Operator, Sites};
use crate::scenario::mutation::texts::Texts;

/// A table of sysctls for each machine and guest that says none.
fn tables(texts: Texts<'_>, sysctls: &str, also: fn(forwards: bool) -> bool) -> Vec<String> {
    let form = texts.form;
    let machines = form.machines.iter().map(|(name, it)| {
        let forwards = it.forward;
        ("machines", name.as_str(), it.sysctls.is_empty(), forwards)
    });
    let guests = form
        .guests
        .iter()
        .map(|(name, it)| ("guests", name.as_str(), it.sysctls.is_empty(), false));
    let all = machines.chain(guests);
    let fit = all.filter(|(_, _, free, forwards)| *free && also(*forwards));
    fit.map(|(kind, name, ..)| format!("[{kind}.{name}.sysctls]\n{sysctls}"))
        .collect()
}

const fn any(_: bool) -> bool {
    true
}

const fn forwards(forwards: bool) -> bool {
    forwards
}

pub(in crate::scenario::mutation) const ROWS: &[Operator] = &[
    Operator {
        name: "sysctl.flip",
        layer: Layer::Sysctl,
        says: "A sysctl that the scenario's file says becomes 0, or 1 where it is 0.",
        needs_guests: false,
        sites: Sites::Key(|key| {
            let is_sysctl = key.is("machines.*.sysctls.*") || key.is("guests.*.sysctls.*");
            match &key.value {
                Value::String(value) if is_sysctl => {
                    Some(if value == "0" { "\"1\"" } else { "\"0\"" }.to_owned())
                }
                _ => None,
            }
        }),
    },
    Operator {
        name: "sysctl.no-forward-v4",
        layer: Layer::Sysctl,
        says: "A machine that forwards has `net.ipv4.ip_forward=0`.",
        needs_guests: false,
        sites: Sites::Tables(|texts| tables(texts, "\"net.ipv4.ip_forward\" = \"0\"", forwards)),
    },
    Operator {
        name: "sysctl.no-forward-v6",
        layer: Layer::Sysctl,
        says: "A machine that forwards has `net.ipv6.conf.all.forwarding=0`.",
        needs_guests: false,
        sites: Sites::Tables(|texts| {
            tables(texts, "\"net.ipv6.conf.all.forwarding\" = \"0\"", forwards)
        }),
    },
    Operator {
        name: "sysctl.ignore-ping",
        layer: Layer::Sysctl,
        says: "A machine or guest has `net.ipv4.icmp_echo_ignore_all=1`.",
        needs_guests: false,
        sites: Sites::Tables(|texts| {
            tables(texts, "\"net.ipv4.icmp_echo_ignore_all\" = \"1\"", any)
        }),
    },
    Operator {
        name: "sysctl.ignore-ping-v6",
        layer: Layer::Sysctl,
        says: "A machine or guest has `net.ipv6.icmp.echo_ignore_all=1`.",
        needs_guests: false,
        sites: Sites::Tables(|texts| {
            tables(texts, "\"net.ipv6.icmp.echo_ignore_all\" = \"1\"", any)
        }),
    },
    Operator {
        name: "sysctl.arp-ignore",
        layer: Layer::Sysctl,
        says: "A machine or guest has `net.ipv4.conf.all.arp_ignore=8`: it answers no ARP.",
        needs_guests: false,
        sites: Sites::Tables(|texts| {
            tables(texts, "\"net.ipv4.conf.all.arp_ignore\" = \"8\"", any)
        }),
    },
    Operator {
        name: "sysctl.no-ipv6",
        layer: Layer::Sysctl,
        says: "A machine or guest has `net.ipv6.conf.all.disable_ipv6=1`.",
        needs_guests: false,
        sites: Sites::Tables(|texts| {
            tables(texts, "\"net.ipv6.conf.all.disable_ipv6\" = \"1\"", any)
        }),
    },
    Operator {
        name: "sysctl.rp-filter",
        layer: Layer::Sysctl,
        says: "A machine or guest has `net.ipv4.conf.all.rp_filter=1`.",
        needs_guests: false,
        sites: Sites::Tables(|texts| tables(texts, "\"net.ipv4.conf.all.rp_filter\" = \"1\"", any)),
    },
];
