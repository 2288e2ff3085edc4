//! Checks in words.

use humantime::format_duration;

use super::{
    bridge_tables, command, counter, dns, link, neighbour, networkd, packet, ping, process, route,
    source,
};
use crate::scenario::check_kind;
use crate::scenario::names::IfName;
use crate::scenario::{AddressState, Check, CheckKind, During};

/// The kind's key in a scenario file.
pub fn kind_name(kind: &CheckKind) -> &'static str {
    match kind {
        CheckKind::Ping(_) => "ping",
        CheckKind::Dns(_) => "dns",
        CheckKind::RouterAdvert(_) => "router_advert",
        CheckKind::RaAccepted(_) => "ra_accepted",
        CheckKind::Tcp(_) => "tcp",
        CheckKind::Http(_) => "http",
        CheckKind::Ssh(_) => "ssh",
        CheckKind::Address(_) => "address",
        CheckKind::Route(_) => "route",
        CheckKind::BridgePort(_) => "bridge_port",
        CheckKind::Networkctl(_) => "networkctl",
        CheckKind::WaitOnline(_) => "wait_online",
        CheckKind::ContainerVeth(_) => "container_veth",
        CheckKind::Container(_) => "container",
        CheckKind::Vmm(_) => "vmm",
        CheckKind::Link(_) => "link",
        CheckKind::Neighbour(_) => "neighbour",
        CheckKind::Fdb(_) => "fdb",
        CheckKind::Mdb(_) => "mdb",
        CheckKind::BridgeVlan(_) => "bridge_vlan",
        CheckKind::Sysctl(_) => "sysctl",
        CheckKind::Command(_) => "command",
        CheckKind::Packet(_) => "packet",
        CheckKind::Counter(_) => "counter",
        CheckKind::Process(_) => "process",
    }
}

/// What a check wants, and when, to follow "expected".
pub fn expected(check: &Check) -> String {
    let mut text = wanted(&check.kind);
    if let Some(During::Check(other)) = &check.during {
        text.push_str(&format!(", when {other} is over"));
    }
    let times = &check.times;
    if times.fails {
        text = format!("never, for {}: {text}", format_duration(times.within));
    }
    if let Some(until) = times.fails_until {
        text.push_str(&format!(", but not before {}", format_duration(until)));
    }
    if let Some(window) = times.holds_for {
        text.push_str(&format!(", and for {} on", format_duration(window)));
    }
    text
}

/// What should hold.
pub fn wanted(kind: &CheckKind) -> String {
    match kind {
        CheckKind::Ping(wanted) => ping::expected(wanted),
        CheckKind::Dns(check_kind::Dns {
            name,
            expect,
            server,
            source,
            ..
        }) => {
            let whom = match (server, source) {
                (None, _) => "its own resolver".to_owned(),
                (Some(server), None) => server.to_string(),
                (Some(server), Some(source)) => format!("{server} asked from {source}"),
            };
            dns::expected(name, expect, &whom)
        }
        CheckKind::RouterAdvert(check_kind::RouterAdvert {
            interface, prefix, ..
        }) => {
            format!("a router advertisement for {prefix} on the wire of {interface}")
        }
        CheckKind::RaAccepted(check_kind::RaAccepted { prefix, .. }) => {
            format!(
                "an address of {prefix} from an advertisement, and a default route with proto ra"
            )
        }
        CheckKind::Tcp(check_kind::Tcp {
            to,
            port,
            source,
            bytes,
        }) => {
            let from = source::from(*source);
            match bytes {
                None => format!("{to} to accept a connection{from} on port {port}"),
                Some(bytes) => format!("{bytes} bytes{from} to arrive at {to} port {port}"),
            }
        }
        CheckKind::Http(check_kind::Http {
            to,
            port,
            source,
            expect,
            bytes,
        }) => {
            let back = source::back(*source);
            match bytes {
                None => format!("200 and \"{expect}\" from {to} port {port}{back}"),
                Some(bytes) => format!("{bytes} bytes from {to} port {port}{back}"),
            }
        }
        CheckKind::Ssh(check_kind::Ssh { to, guest, source }) => {
            format!(
                "the SSH host key of {guest} from {to}{}",
                source::back(*source)
            )
        }
        CheckKind::Address(check_kind::Address {
            address,
            interface,
            any_of_prefix,
            state,
        }) => {
            let what = match any_of_prefix {
                true => format!("an address of {address}"),
                false => address.to_string(),
            };
            an_address(&what, interface.as_ref(), *state)
        }
        CheckKind::Route(check_kind::Route {
            to,
            via,
            proto,
            dev,
            metric,
            absent,
        }) => route::expected(route::WantedRoute {
            to: *to,
            via: *via,
            proto: proto.as_deref(),
            dev: dev.as_ref().map(AsRef::as_ref),
            metric: *metric,
            absent: *absent,
        }),
        CheckKind::BridgePort(check_kind::BridgePort { interface, bridge }) => {
            format!("{interface} to be a forwarding port of {bridge}")
        }
        CheckKind::Networkctl(wanted) => networkd::expected(wanted),
        CheckKind::WaitOnline(check_kind::WaitOnline { interface }) => match interface {
            Some(interface) => format!("systemd-networkd-wait-online -i {interface} to return"),
            None => "systemd-networkd-wait-online to return".to_owned(),
        },
        CheckKind::ContainerVeth(check_kind::ContainerVeth { container, bridge }) => {
            format!("the veth of container {container} to be a port of {bridge}")
        }
        CheckKind::Container(check_kind::Container { name, refused }) => match refused {
            Some(words) => format!("Docker to refuse to start {name} and say \"{words}\""),
            None => format!("container {name} to run"),
        },
        CheckKind::Vmm(check_kind::Vmm { guest, refused }) => match refused {
            Some(words) => format!("the VMM of {guest} to refuse to start and say \"{words}\""),
            None => format!("the VMM of {guest} to run"),
        },
        CheckKind::Link(wanted) => link::expected(wanted),
        CheckKind::Neighbour(wanted) => neighbour::expected(wanted),
        CheckKind::Fdb(wanted) => bridge_tables::expected_fdb(wanted),
        CheckKind::Mdb(wanted) => bridge_tables::expected_mdb(wanted),
        CheckKind::BridgeVlan(wanted) => bridge_tables::expected_vlan(wanted),
        CheckKind::Sysctl(check_kind::Sysctl { key, value }) => format!("{key} = {value}"),
        CheckKind::Command(wanted) => command::expected(wanted),
        CheckKind::Packet(wanted) => packet::expected(wanted),
        CheckKind::Counter(wanted) => counter::expected(wanted),
        CheckKind::Process(wanted) => process::expected(wanted),
    }
}

fn an_address(what: &str, interface: Option<&IfName>, state: AddressState) -> String {
    let on = match interface {
        Some(interface) => format!("on {interface}"),
        None => "on an interface".to_owned(),
    };
    match state {
        AddressState::Usable => format!("{what} {on}"),
        AddressState::Absent => match interface {
            Some(_) => format!("not {what} {on}"),
            None => format!("not {what} on any interface"),
        },
        AddressState::Tentative => format!("{what} {on}, tentative"),
        AddressState::DadFailed => format!("{what} {on}, dadfailed"),
        AddressState::Deprecated => format!("{what} {on}, deprecated"),
    }
}
