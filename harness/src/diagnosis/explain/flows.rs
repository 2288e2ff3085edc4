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
    let explained = flow(at, packet);
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
    if !explained.is_empty() || !at.unheld.got.contains("200") {
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
