//! The host's end of a guest's NIC.

use super::machine::{networkd_owns, route};
use super::{Context, bridge};
use crate::scenario::names::IfName;
use crate::scenario::read::Reader;
use crate::scenario::shape::HOST_ROUTE;
use crate::scenario::{HostEnd, Route, words};

/// What networkd would take away again.
const PLAIN: [&str; 3] = ["master", "host_addresses", "host_routes"];

pub(super) fn host_end<'a>(
    context: &Context<'a>,
    reader: &Reader<'a>,
    guest: &str,
    machine: &str,
    id: Option<&IfName>,
) -> HostEnd {
    let known = context.known.machines.get(machine);
    if known.is_some_and(|known| known.networkd) {
        for key in PLAIN {
            if let Some(entry) = reader.entry(key) {
                networkd_owns(context, machine, key, &entry.key);
            }
        }
    }
    let addresses = reader.words("host_addresses", words::address);
    for address in &addresses {
        // One address on every TAP is how a routed network is made, so they are compared on this TAP only.
        let thing = format!("address `{}`", address.value);
        let scope = format!(" on `{}`", id.map_or("?", IfName::as_str));
        let owner = format!("guest `{guest}`");
        context.claims.claim(thing, &scope, address.place, owner);
    }
    let routes = reader.tables("host_routes", &HOST_ROUTE);
    let routes = routes.iter().filter_map(|reader| route(context, reader));
    let otherwise = HostEnd::default();
    HostEnd {
        owner: reader.word("owner", words::user).map(|user| user.value),
        multi_queue: reader.flag("multi_queue").unwrap_or(otherwise.multi_queue),
        vnet_hdr: reader.flag("vnet_hdr").unwrap_or(otherwise.vnet_hdr),
        up: reader.flag("up").unwrap_or(otherwise.up),
        before_networkd: reader
            .flag("before_networkd")
            .unwrap_or(otherwise.before_networkd),
        mtu: reader.number("host_mtu", 68..=65_535),
        master: bridge::master(context, reader, machine),
        addresses: addresses.into_iter().map(|address| address.value).collect(),
        routes: routes
            .map(|route| Route {
                dev: id.cloned(),
                ..route
            })
            .collect(),
    }
}
