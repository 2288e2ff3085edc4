//! The table of kinds.

use super::at::{At, Explained};
use super::{
    address, containers, dns, flows, link, networkd, packet, ports, programs, ra, roots, route,
    sysctl,
};

/// What explains a check of a kind.
type Explains = fn(&At<'_>) -> Option<Explained>;

/// A row for each kind that can be explained, by its key in a scenario.
const KINDS: &[(&str, Explains)] = &[
    ("ping", flows::ping),
    ("tcp", flows::tcp),
    ("http", flows::http),
    ("ssh", flows::ssh),
    ("dns", dns::explain),
    ("router_advert", ra::advert),
    ("ra_accepted", ra::accepted),
    ("address", address::explain),
    ("differ", address::differ),
    ("route", route::explain),
    ("neighbour", route::neighbour),
    ("bridge_port", ports::explain),
    ("bridge_vlan", ports::vlan),
    ("fdb", ports::fdb),
    ("mdb", ports::mdb),
    ("link", link::explain),
    ("networkctl", networkd::explain),
    ("wait_online", networkd::wait_online),
    ("sysctl", sysctl::explain),
    ("container_veth", containers::veth),
    ("container", containers::container),
    ("vmm", programs::vmm),
    ("process", programs::process),
    ("counter", programs::counter),
    ("packet", packet::explain),
];

/// What keeps the check from holding; `None`: checks of its kind cannot be explained.
pub(in crate::diagnosis) fn explain(at: &At<'_>) -> Option<Explained> {
    let name = at.unheld.check.kind.name();
    let row = KINDS.iter().find(|(kind, _)| *kind == name)?;
    let mut explained = (row.1)(at)?;
    explained.found = roots::before(at.net, explained.found);
    Some(explained)
}
