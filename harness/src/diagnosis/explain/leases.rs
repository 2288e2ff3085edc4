//! Who gives addresses by DHCP, and what is in the way to it.

use super::adverts::unit_of;
use super::managed::cut_off;
use crate::diagnosis::code::Code;
use crate::diagnosis::found::Found;
use crate::diagnosis::net::{End, Net};
use crate::diagnosis::walk::{broadcast, unicast};
use crate::networkd::Unit;

/// Values of `DHCP=` that ask for an address of IPv4, and those of `DHCPServer=` by which a link gives some.
const OF_V4: [&str; 5] = ["yes", "true", "on", "1", "ipv4"];

/// What keeps a machine from a lease at a link, or at each of its links that asks for one.
pub(super) fn in_the_way(net: &Net<'_>, machine: &str, link: Option<&str>) -> Vec<Found> {
    let Some(state) = net.state(machine) else {
        return Vec::new();
    };
    let links = state.links.keys().filter(|name| match link {
        Some(link) => *name == link,
        None => *name != "lo",
    });
    let asking = links.map(|name| End::new(machine, name));
    let asking = asking.filter(|end| says(unit_of(net, end), "DHCP"));
    let of_link = |end: End| match server(net, &end) {
        Some(server) => {
            let there = broadcast(net, &end, &server);
            there
                .into_iter()
                .chain(unicast(net, &server, &end))
                .collect()
        }
        None => Vec::from_iter(cut_off(net, &end).or_else(|| nobody(net, &end))),
    };
    asking.flat_map(of_link).collect()
}

fn says(unit: Option<Unit>, key: &str) -> bool {
    let value = unit.and_then(|unit| unit.last("Network", key).map(str::to_owned));
    value.is_some_and(|value| OF_V4.contains(&value.as_str()))
}

/// The link of another machine on the same network at which networkd or dnsmasq gives leases.
fn server(net: &Net<'_>, end: &End) -> Option<End> {
    let gives = |one: &&End| {
        let mut machines = net.scenario.machines.iter();
        let known = machines.find(|(name, _)| name.as_str() == one.machine);
        let dnsmasq = known.and_then(|(_, machine)| machine.dnsmasq.as_ref());
        let by_dnsmasq = dnsmasq.is_some_and(|dnsmasq| {
            dnsmasq.dhcp.is_some() && dnsmasq.interface.as_str() == one.link
        });
        one.machine != end.machine && (by_dnsmasq || says(unit_of(net, one), "DHCPServer"))
    };
    net.around(end).iter().find(gives).cloned()
}

/// Nobody gives leases there: said of the first link of another machine that networkd configures with an address of its own.
fn nobody(net: &Net<'_>, end: &End) -> Option<Found> {
    let around = net.around(end);
    let beside = around.iter().find(|one| {
        let addressed = |unit: Unit| unit.settings.iter().any(|one| one.key == "Address");
        one.machine != end.machine && unit_of(net, one).is_some_and(addressed)
    })?;
    let End { machine, link } = beside;
    let statement = format!(
        "{link} of {machine} gives no leases, and nobody else on the network of {} of {} does",
        end.link, end.machine
    );
    let found = Found::link(Code::ServiceNotRunning, beside, statement)
        .needed("yes")
        .key("DHCPServer");
    Some(found.seen("no server for DHCP there", "networkctl status"))
}
