//! Router advertisements: whether they come, and whether they are taken.

use super::adverts::{in_the_way, on_the_way, sender};
use super::at::{At, Explained};
use super::missing::not_watched;
use crate::check::kinds::{RaAccepted, RouterAdvert};
use crate::diagnosis::code::Code;
use crate::diagnosis::found::Found;
use crate::diagnosis::net::End;

/// `router_advert`: on the wire.
pub(super) fn advert(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<RouterAdvert>()?;
    // The wire of a guest's NIC is looked at from the guest's side.
    let end = match at.net.guest_of(&asked.interface) {
        Some(guest) => {
            let from = crate::scenario::VantagePoint::Guest(guest.clone());
            let link = at.net.link_name(&from, asked.interface.as_str());
            End::new(guest.as_str(), link)
        }
        None => at.end(asked.interface.as_str()),
    };
    let got = at.unheld.got;
    if got.starts_with("from ") {
        let sender = sender(at.net, &end);
        let machine = sender.map_or_else(|| end.machine.clone(), |end| end.machine);
        let statement = format!("{machine} advertises something else: {got}");
        let other = Found::at(Code::RaContent, &machine, statement)
            .is(got)
            .needed(asked.prefix.to_string());
        return Some(Explained::of(vec![other.seen(got, "tcpdump -vv icmp6")]));
    }
    let mut found = on_the_way(at.net, &end);
    if found.iter().all(|one| !one.certain) {
        found.push(not_seen(&end));
    }
    Some(Explained::of(found))
}

/// `ra_accepted`.
pub(super) fn accepted(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<RaAccepted>()?;
    if at.state().is_none() {
        return Some(not_watched(at.machine()));
    }
    let link = asked
        .interface
        .as_ref()
        .map(|name| at.end(name.as_str()).link);
    let mut found = in_the_way(at.net, &at.machine(), link.as_deref());
    if found.is_empty() {
        let machine = at.machine();
        let statement = format!(
            "{machine} has made no address of {} of an advertisement",
            asked.prefix
        );
        let last = Found::at(Code::RaIgnored, &machine, statement)
            .on(link.as_deref())
            .needed(asked.prefix.to_string())
            .seen(at.unheld.got, "ip -6 address show");
        found.push(last.maybe());
    }
    Some(Explained::of(found))
}

fn not_seen(end: &End) -> Found {
    let End { machine, link } = end;
    let statement = format!("no advertisement comes to {link} of {machine}");
    Found::link(Code::RaNotSeen, end, statement)
        .seen("none was seen", "tcpdump icmp6")
        .maybe()
}
