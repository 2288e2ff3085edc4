//! What each kind of check takes.

use super::plain::missing_for;
use super::source::source;
use super::{Context, INTERFACE, bridge_kinds as bridge, local_kinds as local, vmm};
use super::{state_kinds as state, traffic_kinds as traffic};
use crate::scenario::check_kind;
use crate::scenario::error::{Fault, code};
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::provides::Provides;
use crate::scenario::read::{At, Reader, parsed};
use crate::scenario::shape::Shape;
use crate::scenario::{CheckKind, VantagePoint, words};

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
    match shape.what {
        "ping" => traffic::ping(context, reader, from),
        "dns" => traffic::dns(context, reader, from),
        "router_advert" => router_advert(context, reader, from),
        "ra_accepted" => {
            let interface = interface(context, reader, from);
            let prefix = reader.need("prefix", reader.word("prefix", words::prefix_v6));
            Some(CheckKind::RaAccepted(check_kind::RaAccepted {
                interface,
                prefix: prefix?.value,
            }))
        }
        "tcp" => traffic::tcp(context, reader, from),
        "http" => traffic::http(context, reader, from),
        "ssh" => ssh(context, reader, from),
        "address" => state::address(context, reader, from),
        "route" => state::route(context, reader, from),
        "bridge_port" => {
            let port = reader.need("interface", interface(context, reader, from));
            let bridge = reader.need("bridge", interface_at(context, reader, "bridge", from));
            Some(CheckKind::BridgePort(check_kind::BridgePort {
                interface: port?,
                bridge: bridge?,
            }))
        }
        "networkctl" => state::networkctl(context, reader, from),
        "wait_online" => Some(CheckKind::WaitOnline(check_kind::WaitOnline {
            interface: interface(context, reader, from),
        })),
        "container_veth" => container_veth(context, reader, from),
        "container" => container(context, reader, from),
        "link" => state::link(context, reader, from),
        "neighbour" => state::neighbour(context, reader, from),
        "fdb" => bridge::fdb(context, reader, from),
        "mdb" => bridge::mdb(context, reader, from),
        "bridge_vlan" => bridge::vlan(context, reader, from),
        "sysctl" => local::sysctl(reader),
        "command" => local::command(context, reader),
        "packet" => traffic::packet(context, reader, from),
        "counter" => local::counter(context, reader, from),
        "process" => local::process(context, reader),
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
        (
            "container" | "container_veth",
            VantagePoint::Machine(_) | VantagePoint::Container(..),
        ) => "looks from a guest that has containers",
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
        (
            "ssh" | "router_advert" | "bridge_port" | "fdb" | "mdb" | "bridge_vlan" | "packet"
            | "counter",
            VantagePoint::Container(..),
        ) => "looks from a machine or a guest",
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

pub(super) fn interface(
    context: &Context<'_>,
    reader: &Reader<'_>,
    from: From<'_, '_>,
) -> Option<IfName> {
    interface_at(context, reader, "interface", from)
}

/// An interface whose wire the lab captures: a guest's `id`, or a plugged interface or TAP of a machine.
pub(super) fn captured(
    context: &Context<'_>,
    reader: &Reader<'_>,
    from: From<'_, '_>,
) -> Option<IfName> {
    let text = reader.need("interface", reader.text("interface"))?;
    let name = parsed(text, words::if_name, context.faults)?;
    let (scope, known) = match from.map(|from| &from.value) {
        Some(VantagePoint::Guest(guest)) => {
            let known = context.known.guests.get(guest.as_str())?;
            let taps: Vec<&str> = known.taps.iter().copied().collect();
            (format!(" in guest `{guest}`"), taps)
        }
        Some(VantagePoint::Machine(machine)) => {
            let known = context.known.machines.get(machine.as_str())?;
            let wires = known.plugged.iter().chain(&known.taps).copied();
            (
                format!(" with a wire in machine `{machine}`"),
                wires.collect(),
            )
        }
        Some(VantagePoint::Container(..)) | None => return Some(name.value),
    };
    if !known.contains(&text.value) {
        context
            .faults
            .unknown(&text, INTERFACE, &scope, known.into_iter());
    }
    Some(name.value)
}

fn router_advert(
    context: &Context<'_>,
    reader: &Reader<'_>,
    from: From<'_, '_>,
) -> Option<CheckKind> {
    let interface = captured(context, reader, from);
    let prefix = reader.need("prefix", reader.word("prefix", words::prefix_v6));
    let rdnss = reader.words("rdnss", words::ipv6);
    let flags = ["autonomous", "managed", "other"].map(|key| reader.flag(key));
    let min_lifetime = reader.number("min_lifetime", 0..=u16::MAX);
    Some(CheckKind::RouterAdvert(check_kind::RouterAdvert {
        interface: interface?,
        prefix: prefix?.value,
        autonomous: flags[0].unwrap_or(true),
        managed: flags[1].unwrap_or(false),
        other: flags[2].unwrap_or(false),
        min_lifetime: min_lifetime.unwrap_or(1),
        rdnss: rdnss.into_iter().map(|address| address.value).collect(),
    }))
}

fn ssh(context: &Context<'_>, reader: &Reader<'_>, from: From<'_, '_>) -> Option<CheckKind> {
    let to = reader.need("to", reader.word("to", words::ip));
    let source = source(context, reader, "ssh", from, to.as_ref());
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
    Some(CheckKind::Ssh(check_kind::Ssh {
        to: to?.value,
        guest: MachineName::try_from(guest?.value).ok()?,
        source,
    }))
}

fn container_veth(
    context: &Context<'_>,
    reader: &Reader<'_>,
    from: From<'_, '_>,
) -> Option<CheckKind> {
    let container = container_at(context, reader, "container", from);
    let bridge = reader.need("bridge", interface_at(context, reader, "bridge", from));
    Some(CheckKind::ContainerVeth(check_kind::ContainerVeth {
        container: container?,
        bridge: bridge?,
    }))
}

fn container(context: &Context<'_>, reader: &Reader<'_>, from: From<'_, '_>) -> Option<CheckKind> {
    let name = container_at(context, reader, "name", from);
    let refused = vmm::refused(context, reader, "what Docker must say");
    Some(CheckKind::Container(check_kind::Container {
        name: name?,
        refused,
    }))
}

/// A container of the vantage's guest.
fn container_at(
    context: &Context<'_>,
    reader: &Reader<'_>,
    key: &'static str,
    from: From<'_, '_>,
) -> Option<MachineName> {
    let container = reader.need(key, reader.text(key));
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
    MachineName::try_from(container?.value).ok()
}
