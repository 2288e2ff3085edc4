//! What systemd-networkd makes of a place's links, as far as its unit files say it beforehand.

use std::collections::BTreeMap;

use super::parts::Port;
use crate::networkd::{Link, LinkName, Links, Matches, Unit, UnitKind};
use crate::plan::ghost::nic_name;
use crate::scenario::units::places;
use crate::scenario::{Container, Scenario, VantagePoint};

/// By place, the links there.
pub(super) type Configured = BTreeMap<VantagePoint, Vec<Port>>;

/// The links of every place with networkd.
pub(super) fn configured(scenario: &Scenario) -> Configured {
    let places = places(scenario).into_iter();
    let ports = places.map(|(place, files, links)| {
        let units = Unit::all(files);
        let of_docker = networks(scenario, &place);
        let known = links.all.iter();
        let ports = known.filter_map(|link| port(&units, &links, link, &of_docker));
        (place, ports.collect())
    });
    ports.collect()
}

/// The bridges that Docker makes at a place.
fn networks<'s>(scenario: &'s Scenario, place: &VantagePoint) -> Vec<&'s str> {
    let guest = match place {
        VantagePoint::Guest(name) => scenario.guests.get(name),
        _ => None,
    };
    let containers = guest
        .into_iter()
        .flat_map(|guest| guest.containers.values());
    let own = containers.filter_map(Container::own_network);
    own.chain(["docker0"]).collect()
}

/// A link with what the first `.network` that finds it says of it; `None`: its name is not known, or it is `lo`.
fn port(units: &[Unit], links: &Links, link: &Link, of_docker: &[&str]) -> Option<Port> {
    let name = match &link.name {
        LinkName::Exactly(name) if name == "lo" => return None,
        LinkName::Exactly(name) => name.clone(),
        LinkName::Nic(index) => nic_name(*index).to_string(),
        LinkName::Beginning(_) => return None,
    };
    let mut port = Port {
        name,
        kind: link.kind.kind().flatten().unwrap_or("virtio").to_owned(),
        master: None,
        addresses: Vec::new(),
    };
    // What may be found is shown as found, but for Docker's bridges, to which Docker gives their addresses: `Type=ether` finds
    // them only where there is no udev.
    let least = match of_docker.contains(&port.name.as_str()) {
        true => Matches::Yes,
        false => Matches::Perhaps,
    };
    let finds = |unit: &&Unit| unit.kind == UnitKind::Network && unit.matches(links, link) >= least;
    if let Some(unit) = units.iter().find(finds) {
        port.master = unit.last("Network", "Bridge").map(str::to_owned);
        let of_network = unit.values("Network", "Address");
        let of_address = unit.values("Address", "Address");
        port.addresses
            .extend(of_network.chain(of_address).map(str::to_owned));
        if unit
            .last("Network", "DHCP")
            .is_some_and(|dhcp| dhcp != "no" && dhcp != "false")
        {
            port.addresses.push("DHCP".to_owned());
        }
        if unit
            .last("Network", "IPv6AcceptRA")
            .is_some_and(|ra| ra == "yes" || ra == "true")
        {
            port.addresses.push("RA".to_owned());
        }
    }
    Some(port)
}

/// Lays what networkd makes over links that are known: their bridges and addresses, and links that there were not.
pub(super) fn lay_over(links: &mut Vec<Port>, made: &[Port]) {
    for port in made {
        match links.iter_mut().find(|link| link.name == port.name) {
            Some(link) => {
                link.master = port.master.clone().or(link.master.take());
                link.addresses.extend(port.addresses.iter().cloned());
            }
            // A bridge stands before what is put on it.
            None => links.insert(0, port.clone()),
        }
    }
}
