//! Checks that send packets: `ping`, `tcp`, `http`, `ssh`.

use std::net::IpAddr;

use super::at::{At, Explained};
use super::containers;
use crate::check::kinds::{Http, Ping, Ssh, Tcp};
use crate::diagnosis::code::Code;
use crate::diagnosis::found::Found;
use crate::diagnosis::walk::{Carries, Packet};
use crate::scenario::VantagePoint;

/// Bytes of data that ping sends of its own accord.
const PING_DATA: u16 = 56;
/// Length of a TCP segment without data, with IPv4 and usual options.
const HANDSHAKE: u32 = 60;
/// MTU of Ethernet: what a stream fills its packets to where nobody says less.
const ETHERNET: u32 = 1500;

/// An echo request of the usual length.
pub(super) fn echo(to: IpAddr) -> Packet {
    sized(to, PING_DATA)
}

fn sized(to: IpAddr, data: u16) -> Packet {
    let headers = if to.is_ipv6() { 48 } else { 28 };
    Packet {
        from: None,
        to,
        carries: Carries::Echo,
        length: headers + u32::from(data),
        whole: false,
        answer: false,
    }
}

/// A short packet to a port.
pub(super) fn to_port(to: IpAddr, carries: Carries) -> Packet {
    Packet {
        from: None,
        to,
        carries,
        length: HANDSHAKE,
        whole: true,
        answer: false,
    }
}

/// A flow from the vantage; one of a container with what keeps containers from their network before it.
pub(super) fn flow(at: &At<'_>, packet: Packet) -> Explained {
    let veths = match &at.unheld.check.from {
        VantagePoint::Container(guest, _) => containers::taken(at.net, guest.as_str()),
        _ => Vec::new(),
    };
    let mut explained = Explained::of(veths).and(at.flow(packet));
    if let VantagePoint::Container(guest, _) = &at.unheld.check.from
        && at.state().is_none()
    {
        // The container's own part of the way is not known; the guest's is the rest of it.
        explained = explained.and(at.flow_from(guest.as_str(), packet));
    }
    explained
}

/// Nothing is in the way, and the connection was refused: no program takes what is for the port (RFC 9293, 3.5.2; RFC 1122, 4.1.3.1).
pub(super) fn refused(at: &At<'_>, packet: Packet) -> Option<Found> {
    let port = packet.carries.port()?;
    let owner = at.net.owners(packet.to).into_iter().next()?;
    at.unheld.got.contains("onnection refused").then(|| {
        let udp = matches!(packet.carries, Carries::Udp(_));
        let what = if udp { "UDP" } else { "TCP" };
        let machine = &owner.machine;
        let statement = format!("no program of {machine} listens on {what} port {port}");
        Found::at(Code::SocketNone, machine, statement)
            .needed(format!("{what} {port}").to_lowercase())
            .key("port")
            .seen(at.unheld.got, "the check")
    })
}

/// `ping`.
pub(super) fn ping(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<Ping>()?;
    let packet = Packet {
        from: asked.source,
        whole: asked.df,
        ..sized(asked.to, asked.size.unwrap_or(PING_DATA))
    };
    Some(flow(at, packet))
}

/// A handshake, and then as long packets as the ends take.
fn stream(at: &At<'_>, packet: Packet, long: bool) -> Explained {
    let mut explained = flow(at, packet);
    if explained.is_empty() {
        explained.found.extend(refused(at, packet));
    }
    if !explained.is_empty() || !long {
        return explained;
    }
    let mtu = at.state().and_then(|state| {
        let mut links = state.links.values().filter(|link| link.name != "lo");
        links
            .find(|link| !link.addresses.is_empty())
            .map(|link| link.mtu)
    });
    let there = at.net.owners(packet.to).into_iter().next();
    let there = there.and_then(|end| at.net.link(&end).map(|link| link.mtu));
    let length = mtu.unwrap_or(ETHERNET).min(there.unwrap_or(ETHERNET));
    flow(at, Packet { length, ..packet })
}

/// `tcp`.
pub(super) fn tcp(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<Tcp>()?;
    let packet = Packet {
        from: asked.source,
        ..to_port(asked.to, Carries::Tcp(asked.port))
    };
    Some(stream(at, packet, asked.bytes.is_some()))
}

/// `http`.
pub(super) fn http(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<Http>()?;
    let packet = Packet {
        from: asked.source,
        ..to_port(asked.to, Carries::Tcp(asked.port))
    };
    let explained = stream(at, packet, asked.bytes.is_some());
    // A page is told with its status, another answer with its first line; an address in an error is neither.
    let got = at.unheld.got;
    let came = got.starts_with("200 and ") || got.starts_with("the answer ");
    if !explained.is_empty() || !came {
        return Some(explained);
    }
    Some(Explained::of(vec![answered(at, asked.to, &asked.expect)]))
}

/// Somebody answered, and something else than what is asked for.
pub(super) fn answered(at: &At<'_>, to: IpAddr, expected: &str) -> Found {
    let owner = at.net.owners(to).into_iter().next();
    let machine = owner.map_or_else(|| at.machine(), |end| end.machine);
    let got = at.unheld.got;
    let statement = format!("{machine} answers at {to}, but something else: {got}");
    Found::at(Code::ServiceAnswer, &machine, statement)
        .is(got)
        .needed(expected)
        .seen(
            format!("{} has {to}", machine),
            format!("ip address show to {to}"),
        )
}

/// `ssh`.
pub(super) fn ssh(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<Ssh>()?;
    let guest = asked.guest.as_str();
    let owner = at.net.owners(asked.to).into_iter().next();
    let mut found = Vec::new();
    if let Some(owner) = owner.filter(|owner| owner.machine != guest) {
        let statement = format!("{guest} has not got {}: {} has it", asked.to, owner.machine);
        let other = Found::at(Code::AddressOther, guest, statement)
            .is(owner.machine.clone())
            .needed(asked.to.to_string())
            .seen_at(
                &owner.machine,
                format!("{} has {}", owner.machine, asked.to),
                format!("ip address show to {}", asked.to),
            );
        found.push(other);
    }
    let packet = Packet {
        from: asked.source,
        ..to_port(asked.to, Carries::Tcp(22))
    };
    // The key exchange fills its packets.
    Some(Explained::of(found).and(stream(at, packet, true)))
}
