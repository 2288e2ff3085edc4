//! What each kind of check takes.

use super::machine::same_family;
use super::plain::missing_for;
use super::{Context, INTERFACE, vmm};
use crate::scenario::error::{Fault, code};
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::provides::Provides;
use crate::scenario::read::{At, Reader, parsed};
use crate::scenario::shape::Shape;
use crate::scenario::{CheckKind, RecordType, VantagePoint, words};

/// From where the check looks, where that is known.
pub(super) type From<'f, 'a> = Option<&'f At<'a, VantagePoint>>;

/// Reads the table of one kind of check.
pub(super) fn kind(
    context: &Context<'_>,
    reader: &Reader<'_>,
    shape: &Shape,
    from: From<'_, '_>,
) -> Option<CheckKind> {
    can_look(context, shape.what, from);
    let number = |key: &str| reader.number(key, 1..=u16::MAX);
    match shape.what {
        "ping" => Some(CheckKind::Ping {
            to: reader.need("to", reader.word("to", words::ip))?.value,
        }),
        "dns" => dns(context, reader),
        "router_advert" => router_advert(context, reader, from),
        "ra_accepted" => {
            let interface = interface(context, reader, from);
            let prefix = reader.need("prefix", reader.word("prefix", words::prefix_v6));
            Some(CheckKind::RaAccepted {
                interface,
                prefix: prefix?.value,
            })
        }
        "tcp" => {
            let to = reader.need("to", reader.word("to", words::ip));
            let port = reader.need("port", number("port"));
            Some(CheckKind::Tcp {
                to: to?.value,
                port: port?,
            })
        }
        "http" => {
            let to = reader.need("to", reader.word("to", words::ip));
            let port = number("port").unwrap_or(80);
            let expect = reader
                .text("expect")
                .map_or(String::new(), |text| text.value.to_owned());
            Some(CheckKind::Http {
                to: to?.value,
                port,
                expect,
            })
        }
        "ssh" => ssh(context, reader),
        "address" => {
            let interface = interface(context, reader, from);
            let address = reader.need("address", reader.word("address", words::address));
            Some(CheckKind::Address {
                interface,
                address: address?.value,
            })
        }
        "route" => route(context, reader),
        "bridge_port" => {
            let port = reader.need("interface", interface(context, reader, from));
            let bridge = reader.need("bridge", interface_at(context, reader, "bridge", from));
            Some(CheckKind::BridgePort {
                interface: port?,
                bridge: bridge?,
            })
        }
        "networkctl" => networkctl(context, reader, from),
        "wait_online" => Some(CheckKind::WaitOnline {
            interface: interface(context, reader, from),
        }),
        "container_veth" => container_veth(context, reader, from),
        "vmm" => vmm::check(context, reader, from),
        _ => None,
    }
}

/// Reports a check whose vantage point has nothing of the kind to look at.
fn can_look(context: &Context<'_>, kind: &str, from: From<'_, '_>) {
    let Some(from) = from else { return };
    if let VantagePoint::Guest(name) = &from.value {
        let known = context.known.guests.get(name.as_str());
        let provides = Provides::of(known.and_then(|guest| guest.image).unwrap_or("debian"));
        if let Some(missing) = missing_for(kind, provides) {
            let message = format!("`{kind}` cannot look from guest `{name}`");
            let label = format!("the image `{}` has no {missing}", provides.image);
            context
                .faults
                .add(Fault::new(from.place, code::CONFLICT, message, label));
            return;
        }
    }
    let needs = match (kind, &from.value) {
        ("container_veth", VantagePoint::Machine(_) | VantagePoint::Container(..)) => {
            "looks from a guest that has containers"
        }
        ("networkctl" | "wait_online", VantagePoint::Machine(name))
            if !context
                .known
                .machines
                .get(name.as_str())
                .is_some_and(|known| known.networkd) =>
        {
            "looks from a guest or a machine with `networkd`"
        }
        ("networkctl" | "wait_online", VantagePoint::Container(..)) => {
            "looks from a guest or a machine with `networkd`"
        }
        ("router_advert" | "bridge_port", VantagePoint::Container(..)) => {
            "looks from a machine or a guest"
        }
        _ => return,
    };
    let message = format!("`{kind}` {needs}");
    let label = format!("`{kind}` finds nothing to look at here");
    context
        .faults
        .add(Fault::new(from.place, code::CONFLICT, message, label));
}

/// An interface as seen from the check's vantage point.
///
/// Only a namespace machine's interfaces are known beforehand; what a guest's kernel and its Docker call theirs
/// is not.
pub(super) fn interface_at(
    context: &Context<'_>,
    reader: &Reader<'_>,
    key: &str,
    from: From<'_, '_>,
) -> Option<IfName> {
    let text = reader.text(key)?;
    let name = parsed(text, words::if_name, context.faults)?;
    if let Some(VantagePoint::Machine(machine)) = from.map(|from| &from.value) {
        context.interface_exists(machine.as_str(), &text);
    }
    Some(name.value)
}

fn interface(context: &Context<'_>, reader: &Reader<'_>, from: From<'_, '_>) -> Option<IfName> {
    interface_at(context, reader, "interface", from)
}

fn dns(context: &Context<'_>, reader: &Reader<'_>) -> Option<CheckKind> {
    let name = reader.need("name", reader.word("name", words::dns_name));
    let record = reader.need("record", reader.word("record", words::record_type));
    let server = reader.word("server", words::ip);
    let addresses = reader.words("expect", words::ip);
    if let Some(record) = &record {
        for address in &addresses {
            let (letters, family) = match record.value {
                RecordType::A => ("A", "IPv4"),
                RecordType::Aaaa => ("AAAA", "IPv6"),
            };
            if address.value.is_ipv4() != (record.value == RecordType::A) {
                let message = format!("an {letters} record never holds `{}`", address.value);
                let label = format!("must be an {family} address");
                context
                    .faults
                    .add(Fault::new(address.place, code::CONFLICT, message, label));
            }
        }
    }
    reader.need("expect", Some(()));
    Some(CheckKind::Dns {
        name: name?.value,
        record: record?.value,
        server: server.map(|server| server.value),
        expect: addresses.into_iter().map(|address| address.value).collect(),
    })
}

fn router_advert(
    context: &Context<'_>,
    reader: &Reader<'_>,
    from: From<'_, '_>,
) -> Option<CheckKind> {
    let interface = reader.need("interface", interface(context, reader, from));
    if let Some(At {
        value: VantagePoint::Guest(guest),
        ..
    }) = from
        && let Some(id) = reader.text("interface")
        && let Some(known) = context.known.guests.get(guest.as_str())
        && !known.taps.contains(id.value)
    {
        let scope = format!(" in guest `{guest}`");
        let known = known.taps.iter().copied();
        context.faults.unknown(&id, INTERFACE, &scope, known);
    }
    let prefix = reader.need("prefix", reader.word("prefix", words::prefix_v6));
    let rdnss = reader.words("rdnss", words::ipv6);
    let flags = ["autonomous", "managed", "other"].map(|key| reader.flag(key));
    let min_lifetime = reader.number("min_lifetime", 0..=u16::MAX);
    Some(CheckKind::RouterAdvert {
        interface: interface?,
        prefix: prefix?.value,
        autonomous: flags[0].unwrap_or(true),
        managed: flags[1].unwrap_or(false),
        other: flags[2].unwrap_or(false),
        min_lifetime: min_lifetime.unwrap_or(1),
        rdnss: rdnss.into_iter().map(|address| address.value).collect(),
    })
}

fn ssh(context: &Context<'_>, reader: &Reader<'_>) -> Option<CheckKind> {
    let to = reader.need("to", reader.word("to", words::ip));
    let guest = reader.need("guest", reader.text("guest"));
    if let Some(guest) = &guest
        && !context.known.guests.contains_key(guest.value)
    {
        context.faults.unknown(
            guest,
            ("guest", "guests"),
            "",
            context.known.guests.keys().copied(),
        );
    }
    Some(CheckKind::Ssh {
        to: to?.value,
        guest: MachineName::try_from(guest?.value).ok()?,
    })
}

fn route(context: &Context<'_>, reader: &Reader<'_>) -> Option<CheckKind> {
    let to = reader.need("to", reader.word("to", words::prefix));
    let via = reader.word("via", words::ip);
    let proto = reader.word("proto", words::route_proto);
    let to = to?.value;
    if let Some(via) = &via {
        same_family(context, &to, via);
    }
    Some(CheckKind::Route {
        to,
        via: via.map(|via| via.value),
        proto: proto.map(|proto| proto.value),
    })
}

fn networkctl(context: &Context<'_>, reader: &Reader<'_>, from: From<'_, '_>) -> Option<CheckKind> {
    let interface = reader.need("interface", interface(context, reader, from));
    let setup = reader.word("setup", words::setup_state);
    let operational = reader.word("operational", words::operational_state);
    if reader.entry("setup").is_none() && reader.entry("operational").is_none() {
        let message = "networkctl needs `setup`, `operational` or both".to_owned();
        let label = "nothing to compare with".to_owned();
        context
            .faults
            .add(Fault::new(reader.place, code::MISSING_KEY, message, label));
    }
    Some(CheckKind::Networkctl {
        interface: interface?,
        setup: setup.map(|state| state.value),
        operational: operational.map(|state| state.value),
    })
}

fn container_veth(
    context: &Context<'_>,
    reader: &Reader<'_>,
    from: From<'_, '_>,
) -> Option<CheckKind> {
    let container = reader.need("container", reader.text("container"));
    let bridge = reader.need("bridge", interface_at(context, reader, "bridge", from));
    if let Some(container) = &container
        && let Some(At {
            value: VantagePoint::Guest(guest),
            ..
        }) = from
        && let Some(known) = context.known.guests.get(guest.as_str())
        && !known.containers.contains(container.value)
    {
        let scope = format!(" in guest `{guest}`");
        let known = known.containers.iter().copied();
        context
            .faults
            .unknown(container, ("container", "containers"), &scope, known);
    }
    Some(CheckKind::ContainerVeth {
        container: MachineName::try_from(container?.value).ok()?,
        bridge: bridge?,
    })
}
