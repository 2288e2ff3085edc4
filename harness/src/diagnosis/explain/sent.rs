//! What a router's advertisements say, and what is missing in them.

use crate::diagnosis::code::Code;
use crate::diagnosis::found::Found;
use crate::diagnosis::net::{End, Net};
use crate::scenario::RouterAdvertisement;

/// What an advertisement should have brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Brings {
    /// An address of its prefix.
    Address,
    /// A default route.
    Route,
    /// Servers for names.
    Servers,
}

/// What the advertisements of a router's link lack of it.
pub(super) fn lacks(net: &Net<'_>, from: &End, brings: Brings) -> Option<Found> {
    let ra = said(net, from)?;
    let (key, is, needed, words) = match brings {
        Brings::Route if ra.lifetime == 0 => (
            "lifetime",
            "0".to_owned(),
            "1800",
            "that it is no default router",
        ),
        Brings::Servers if ra.rdnss.is_empty() => {
            ("rdnss", "[]".to_owned(), "a server", "no server for names")
        }
        Brings::Address if !ra.prefixes.iter().any(|one| one.autonomous) => (
            "prefix",
            ra.prefixes
                .first()
                .map_or_else(String::new, |one| one.prefix.to_string()),
            "a prefix for addresses",
            "no prefix of which addresses are made",
        ),
        _ => return None,
    };
    let machine = &from.machine;
    let statement = format!("{machine} advertises {words} on {}", from.link);
    let found = Found::at(Code::RaContent, machine, statement)
        .is(&is)
        .needed(needed)
        .key(key);
    Some(found.seen(
        format!("{key} of its advertisements is {is}"),
        "tcpdump -vv icmp6",
    ))
}

/// What the dnsmasq behind a link advertises.
fn said<'a>(net: &Net<'a>, from: &End) -> Option<&'a RouterAdvertisement> {
    let mut machines = net.scenario.machines.iter();
    let (_, machine) = machines.find(|(name, _)| name.as_str() == from.machine)?;
    machine.dnsmasq.as_ref()?.ra.as_ref()
}
