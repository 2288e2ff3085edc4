//! What a machine's dnsmasq serves.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::Context;
use super::ra::{Served, ra};
use crate::did_you_mean::suggest;
use crate::scenario::error::code;
use crate::scenario::file::{Node, Value};
use crate::scenario::keys::{DNSMASQ, requires};
use crate::scenario::names::IfName;
use crate::scenario::read::{Reader, Word, parsed, text_of};
use crate::scenario::{Bridge, DnsFault, Dnsmasq, MachineInterface, dnsmasq_words, parse};

/// What dnsmasq calls the DHCPv4 options (`dnsmasq --help dhcp`).
const DHCP_OPTIONS: [&str; 61] = [
    "netmask",
    "time-offset",
    "router",
    "dns-server",
    "log-server",
    "lpr-server",
    "boot-file-size",
    "domain-name",
    "swap-server",
    "root-path",
    "extension-path",
    "ip-forward-enable",
    "non-local-source-routing",
    "policy-filter",
    "max-datagram-reassembly",
    "default-ttl",
    "mtu",
    "all-subnets-local",
    "router-discovery",
    "router-solicitation",
    "static-route",
    "trailer-encapsulation",
    "arp-timeout",
    "ethernet-encap",
    "tcp-ttl",
    "tcp-keepalive",
    "nis-domain",
    "nis-server",
    "ntp-server",
    "netbios-ns",
    "netbios-dd",
    "netbios-nodetype",
    "netbios-scope",
    "x-windows-fs",
    "x-windows-dm",
    "T1",
    "T2",
    "vendor-class",
    "nis+-domain",
    "nis+-server",
    "tftp-server",
    "bootfile-name",
    "mobile-ip-home",
    "smtp-server",
    "pop3-server",
    "nntp-server",
    "irc-server",
    "user-class",
    "rapid-commit",
    "client-arch",
    "client-interface-id",
    "client-machine-id",
    "posix-timezone",
    "tzdb-timezone",
    "ipv6-only",
    "domain-search",
    "sip-server",
    "classless-static-route",
    "vendor-id-encap",
    "tftp-server-address",
    "server-ip-address",
];

pub(crate) fn dnsmasq<'a>(
    context: &Context<'a>,
    machine: &Reader<'a>,
    name: &str,
    interfaces: &[MachineInterface],
    bridges: &BTreeMap<IfName, Bridge>,
) -> Option<Dnsmasq> {
    let reader = machine.table("dnsmasq", &DNSMASQ)?;
    let interface = reader.need("interface", reader.text("interface"));
    if let Some(interface) = &interface {
        context.interface_exists(name, interface);
    }
    let interface = interface.and_then(|name| IfName::try_from(name.value).ok());
    let plugged = interfaces.iter().map(|one| (&one.name, &one.addresses));
    let made = bridges.iter().map(|(name, one)| (name, &one.addresses));
    let served = plugged
        .chain(made)
        .find(|(name, _)| Some(*name) == interface.as_ref())
        .map(|(_, addresses)| addresses.as_slice())
        .filter(|_| machine.entry("networkd").is_none());
    let records = reader.named("records", parse::dns_name, |key, node| {
        Some(words(context, key.value, node, parse::ip).unwrap_or_default())
    });
    let faults = faults(context, &reader, &records);
    Some(Dnsmasq {
        records,
        faults,
        ra: ra(context, &reader, served),
        dhcp: dhcp(context, &reader, served),
        dhcp_options: dhcp_options(context, &reader),
        interface: interface?,
    })
}

/// An array of strings that mean something.
fn words<T>(context: &Context<'_>, name: &str, node: &Node, parse: Word<T>) -> Option<Vec<T>> {
    let faults = context.faults;
    let Value::Array(items) = &node.value else {
        faults.wrong_type(node, name, "an array");
        return None;
    };
    let texts = items.iter().filter_map(|item| text_of(item, name, faults));
    let words = texts.filter_map(|text| parsed(text, parse, faults));
    Some(words.map(|word| word.value).collect())
}

fn faults(
    context: &Context<'_>,
    reader: &Reader<'_>,
    records: &BTreeMap<String, Vec<IpAddr>>,
) -> BTreeMap<String, DnsFault> {
    reader.named("faults", parse::dns_name, |key, node| {
        let text = text_of(node, key.value, context.faults)?;
        let fault = parsed(text, dnsmasq_words::dns_fault, context.faults)?.value;
        if matches!(fault, DnsFault::Late(_)) && !records.contains_key(key.value) {
            let message = format!("`{}` is answered late, and there is no answer", key.value);
            let known = records.keys().map(String::as_str);
            let help = suggest(key.value, "records", known);
            let (code, label) = (code::UNKNOWN_NAME, "not one of the `records`");
            (context.faults.report(key.place, code, message, label)).help(help);
        }
        Some(fault)
    })
}

fn dhcp_options(context: &Context<'_>, reader: &Reader<'_>) -> BTreeMap<String, Vec<String>> {
    reader.requires(&requires::DHCP_OPTIONS);
    let mut options = BTreeMap::new();
    for (key, node) in reader.map("dhcp_options") {
        let number = key.value.parse::<u8>();
        if !DHCP_OPTIONS.contains(&key.value) && !number.is_ok_and(|one| (1..255).contains(&one)) {
            let (one, many) = ("DHCP option", "DHCP options");
            let known = DHCP_OPTIONS.into_iter();
            context.faults.unknown(&key, (one, many), "", known);
        }
        let values = words(context, key.value, node, dnsmasq_words::dhcp_value);
        options.extend(values.map(|values| (key.value.to_owned(), values)));
    }
    options
}

/// The range; dnsmasq would serve nothing, and say so in its log only, where it is not in the interface's own subnet.
fn dhcp(
    context: &Context<'_>,
    reader: &Reader<'_>,
    served: Served<'_>,
) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let entry = reader.entry("dhcp")?;
    let said = reader.items("dhcp").len();
    let range = reader.words("dhcp", parse::ipv4);
    let mut message = "`dhcp` is not a range of addresses";
    let mut help = "for example `dhcp = [\"192.168.1.100\", \"192.168.1.200\"]`";
    let wrong = match range.as_slice() {
        [first, last] if said == 2 && first.value <= last.value => {
            let (first, last) = (first.value, last.value);
            let own =
                |net: &IpNet| net.contains(&IpAddr::V4(first)) && net.contains(&IpAddr::V4(last));
            if served.is_none_or(|addresses| addresses.iter().any(own)) {
                return Some((first, last));
            }
            message = "`dhcp` is a range that nobody can be served from";
            help =
                "dnsmasq serves a range where it has an address with a prefix that holds all of it";
            "the interface has no address in this subnet"
        }
        [_, _] if said == 2 => "the first address comes after the last",
        // Of the wrong type, or an element was: that is reported already.
        short if short.len() < said || !matches!(entry.node.value, Value::Array(_)) => return None,
        _ => "must be the first and the last address",
    };
    let place = &entry.node.place;
    (context
        .faults
        .report(place, code::BAD_VALUE, message, wrong))
    .help(help);
    None
}
