//! The host's end of a guest's NIC.

use super::machine::networkd_owns;
use super::next_hop::Reach;
use super::routes::route;
use super::{Context, bridge};
use crate::scenario::keys::HOST_ROUTE;
use crate::scenario::names::IfName;
use crate::scenario::read::Reader;
use crate::scenario::{HostEnd, parse};

/// What networkd would take away again.
const PLAIN: [&str; 3] = ["master", "host_addresses", "host_routes"];

pub(crate) fn nic_backend<'a>(
    context: &Context<'a>,
    reader: &Reader<'a>,
    guest: &str,
    machine: &str,
    id: Option<&IfName>,
) -> HostEnd {
    let known = context.known.machines.get(machine);
    if known.is_some_and(|known| known.networkd) {
        networkd_owns(reader, machine, &PLAIN);
    }
    let before = context.faults.count();
    let addresses = reader.words("host_addresses", parse::address);
    for address in &addresses {
        // One address on every TAP is how a routed network is made, so they are compared on this TAP only.
        let thing = format!("address `{}`", address.value);
        let scope = format!(" on `{}`", id.map_or("?", IfName::as_str));
        let owner = format!("guest `{guest}`");
        context.claims.claim(thing, &scope, address.place, owner);
    }
    let addresses: Vec<_> = addresses.into_iter().map(|address| address.value).collect();
    let whole = context.faults.count() == before && !known.is_some_and(|known| known.networkd);
    let link = id.map(|id| (id.clone(), &addresses[..]));
    let mut reach = Reach::new(whole && link.is_some(), link.into_iter());
    let whose = format!("`{}` of guest `{guest}`", id.map_or("?", IfName::as_str));
    let routes = reader.tables("host_routes", &HOST_ROUTE);
    let routes = routes.iter().filter_map(|reader| {
        let words = (whose.as_str(), "host_addresses");
        route(context, reader, id.cloned(), words, &mut reach)
    });
    let routes = routes.collect();
    let otherwise = HostEnd::default();
    let at_start = reader.flag("at_start").unwrap_or(otherwise.at_start);
    if at_start {
        let message = "`before_networkd` of a link that is made `at_start`";
        reader.conflict("before_networkd", message, "networkd runs long before");
    } else if reader.flag("before_networkd") == Some(true)
        && known.is_some_and(|known| !known.networkd)
    {
        let message = format!("`before_networkd` on machine `{machine}`, which has no `networkd`");
        reader.conflict("before_networkd", message, "there is nothing to be before");
    }
    HostEnd {
        owner: reader.word("owner", parse::user).map(|user| user.value),
        multi_queue: reader.flag("multi_queue").unwrap_or(otherwise.multi_queue),
        vnet_hdr: reader.flag("vnet_hdr").unwrap_or(otherwise.vnet_hdr),
        up: reader.flag("up").unwrap_or(otherwise.up),
        before_networkd: reader
            .flag("before_networkd")
            .unwrap_or(otherwise.before_networkd),
        at_start,
        mtu: reader.number("host_mtu"),
        master: bridge::master(context, reader, machine),
        addresses,
        routes,
    }
}
