//! Checks in words.

use humantime::format_duration;

use crate::scenario::{Check, CheckKind};

/// The kind's key in a scenario file.
pub fn kind_name(kind: &CheckKind) -> &'static str {
    match kind {
        CheckKind::Ping { .. } => "ping",
        CheckKind::Dns { .. } => "dns",
        CheckKind::RouterAdvert { .. } => "router_advert",
        CheckKind::RaAccepted { .. } => "ra_accepted",
        CheckKind::Tcp { .. } => "tcp",
        CheckKind::Http { .. } => "http",
        CheckKind::Ssh { .. } => "ssh",
        CheckKind::Address { .. } => "address",
        CheckKind::Route { .. } => "route",
        CheckKind::BridgePort { .. } => "bridge_port",
        CheckKind::Networkctl { .. } => "networkctl",
        CheckKind::WaitOnline { .. } => "wait_online",
        CheckKind::ContainerVeth { .. } => "container_veth",
        CheckKind::Vmm { .. } => "vmm",
    }
}

/// What a check wants, and when, to follow "expected".
pub fn expected(check: &Check) -> String {
    let mut text = wanted(&check.kind);
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
    let list = |items: &[String]| items.join(", ");
    match kind {
        CheckKind::Ping { to } => format!("a reply from {to}"),
        CheckKind::Dns {
            name,
            expect,
            server,
            ..
        } => {
            let addresses: Vec<String> = expect.iter().map(ToString::to_string).collect();
            let whom = server.map_or_else(|| "its own resolver".to_owned(), |s| s.to_string());
            format!("{name} to be {} according to {whom}", list(&addresses))
        }
        CheckKind::RouterAdvert {
            interface, prefix, ..
        } => {
            format!("a router advertisement for {prefix} on the wire of {interface}")
        }
        CheckKind::RaAccepted { prefix, .. } => {
            format!(
                "an address of {prefix} from an advertisement, and a default route with proto ra"
            )
        }
        CheckKind::Tcp { to, port } => format!("{to} to accept a connection on port {port}"),
        CheckKind::Http { to, port, expect } => {
            format!("200 and \"{expect}\" from {to} port {port}")
        }
        CheckKind::Ssh { to, guest } => format!("the SSH host key of {guest} from {to}"),
        CheckKind::Address { address, interface } => match interface {
            Some(interface) => format!("{address} on {interface}"),
            None => format!("{address} on an interface"),
        },
        CheckKind::Route { to, via, proto } => {
            let via = via.map(|v| format!(" via {v}")).unwrap_or_default();
            let proto = proto
                .as_ref()
                .map(|p| format!(" proto {p}"))
                .unwrap_or_default();
            format!("a route to {to}{via}{proto}")
        }
        CheckKind::BridgePort { interface, bridge } => {
            format!("{interface} to be a forwarding port of {bridge}")
        }
        CheckKind::Networkctl {
            interface,
            setup,
            operational,
        } => {
            let setup = setup.as_deref().unwrap_or("any");
            format!(
                "{interface} to be {} ({setup})",
                operational.as_deref().unwrap_or("any")
            )
        }
        CheckKind::WaitOnline { interface } => match interface {
            Some(interface) => format!("systemd-networkd-wait-online -i {interface} to return"),
            None => "systemd-networkd-wait-online to return".to_owned(),
        },
        CheckKind::ContainerVeth { container, bridge } => {
            format!("the veth of container {container} to be a port of {bridge}")
        }
        CheckKind::Vmm { guest, refused } => match refused {
            Some(words) => format!("the VMM of {guest} to refuse to start and say \"{words}\""),
            None => format!("the VMM of {guest} to run"),
        },
    }
}
