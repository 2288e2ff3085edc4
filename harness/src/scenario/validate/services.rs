//! What runs in a machine: dnsmasq and a small HTTP server.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::Context;
use crate::scenario::error::{Fault, code};
use crate::scenario::file::{Node, Value};
use crate::scenario::names::IfName;
use crate::scenario::read::{Reader, parsed, text_of};
use crate::scenario::shape::{DNSMASQ, HTTP_SERVER, RA};
use crate::scenario::{Dnsmasq, HttpServer, MachineInterface, RouterAdvertisement, words};

/// A router lifetime that is not said: half an hour, radvd's default.
const LIFETIME: u16 = 1800;

pub(super) fn dnsmasq<'a>(
    context: &Context<'a>,
    machine: &Reader<'a>,
    name: &str,
    interfaces: &[MachineInterface],
) -> Option<Dnsmasq> {
    let reader = machine.table("dnsmasq", &DNSMASQ)?;
    let interface = reader.need("interface", reader.text("interface"));
    if let Some(interface) = &interface {
        context.interface_exists(name, interface);
    }
    let mut records = BTreeMap::new();
    for (key, node) in reader.map("records") {
        let name = parsed(key, words::dns_name, context.faults);
        let addresses = record(context, key.value, node);
        records.extend(name.map(|name| (name.value, addresses)));
    }
    let ra = reader.table("ra", &RA).and_then(|reader| ra(&reader));
    let interface = interface.and_then(|name| IfName::try_from(name.value).ok());
    let served = interfaces
        .iter()
        .find(|one| Some(&one.name) == interface.as_ref())
        // What networkd will set there is not known here.
        .filter(|_| machine.entry("networkd").is_none());
    let dhcp = dhcp(context, &reader, served);
    Some(Dnsmasq {
        interface: interface?,
        records,
        ra,
        dhcp,
    })
}

fn record(context: &Context<'_>, name: &str, node: &Node) -> Vec<IpAddr> {
    let Value::Array(items) = &node.value else {
        context.faults.wrong_type(node, name, "an array");
        return Vec::new();
    };
    let texts = items
        .iter()
        .filter_map(|item| text_of(item, name, context.faults));
    let addresses = texts.filter_map(|text| parsed(text, words::ip, context.faults));
    addresses.map(|address| address.value).collect()
}

fn ra(reader: &Reader<'_>) -> Option<RouterAdvertisement> {
    let prefix = reader.need("prefix", reader.word("prefix", words::prefix_v6));
    let rdnss = reader.words("rdnss", words::ipv6);
    let lifetime = reader.number("lifetime", 0..=u16::MAX).unwrap_or(LIFETIME);
    Some(RouterAdvertisement {
        prefix: prefix?.value,
        rdnss: rdnss.into_iter().map(|address| address.value).collect(),
        lifetime,
    })
}

/// The range; dnsmasq would serve nothing, and say so in its log only, where it is not in the interface's own subnet.
fn dhcp(
    context: &Context<'_>,
    reader: &Reader<'_>,
    served: Option<&MachineInterface>,
) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let entry = reader.entry("dhcp")?;
    let said = reader.items("dhcp").len();
    let range = reader.words("dhcp", words::ipv4);
    let mut message = "`dhcp` is not a range of addresses";
    let mut help = "for example `dhcp = [\"192.168.1.100\", \"192.168.1.200\"]`";
    let wrong = match range.as_slice() {
        [first, last] if said == 2 && first.value <= last.value => {
            let (first, last) = (first.value, last.value);
            let own =
                |net: &IpNet| net.contains(&IpAddr::V4(first)) && net.contains(&IpAddr::V4(last));
            if served.is_none_or(|interface| interface.addresses.iter().any(own)) {
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
    let fault = Fault::new(
        &entry.node.place,
        code::BAD_VALUE,
        message.to_owned(),
        wrong.to_owned(),
    );
    context.faults.add(fault.help(help.to_owned()));
    None
}

pub(super) fn http(machine: &Reader<'_>) -> Option<HttpServer> {
    let reader = machine.table("http", &HTTP_SERVER)?;
    Some(HttpServer {
        port: reader.number("port", 1..=u16::MAX).unwrap_or(80),
        body: reader
            .text("body")
            .map_or(String::new(), |body| body.value.to_owned()),
    })
}
