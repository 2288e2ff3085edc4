//! Links that are down or have no carrier.

use crate::diagnosis::code::Code;
use crate::diagnosis::found::Found;
use crate::diagnosis::net::{End, Net};

/// A link that is down, or has no carrier.
pub(super) fn not_up(net: &Net<'_>, end: &End) -> Option<Found> {
    let link = net.link(end)?;
    let other = net.wired(end);
    let far = other.and_then(|other| Some((other, net.link(other)?)));
    let (code, end, is, needed) = match (link.is_up(), far) {
        (false, _) => (Code::LinkDown, end, "down", "up"),
        (true, Some((other, far))) if !link.is("LOWER_UP") && !far.is_up() => {
            (Code::LinkDown, other, "down", "up")
        }
        (true, _) if !link.is("LOWER_UP") => (Code::LinkNoCarrier, end, "no carrier", "carrier"),
        _ => return None,
    };
    let End { machine, link } = end;
    let statement = match code {
        Code::LinkDown => format!("{link} of {machine} is down"),
        _ => format!("{link} of {machine} has no carrier: nothing is at its other end"),
    };
    let found = Found::link(code, end, statement).is(is).needed(needed);
    Some(found.seen(
        format!("{link} is {is}"),
        format!("ip link show dev {link}"),
    ))
}
