//! Containers and their veths.

use super::at::{At, Explained};
use super::missing::not_watched;
use crate::check::kinds::{Container, ContainerVeth};
use crate::diagnosis::code::Code;
use crate::diagnosis::found::Found;
use crate::diagnosis::net::{End, Net};

/// Veths of a guest's containers that its networkd has set up as if they were its NICs, so that they are not on Docker's bridge.
pub(super) fn taken(net: &Net<'_>, guest: &str) -> Vec<Found> {
    let Some(state) = net.state(guest) else {
        return Vec::new();
    };
    let managed = |name: &str| state.networkd.as_ref()?.get(name)?.file();
    let veths = state
        .links
        .values()
        .filter(|link| link.kind() == "veth" && link.master.is_none());
    let taken = veths.filter_map(|link| {
        let file = managed(&link.name)?;
        let end = End::new(guest, &link.name);
        // A ghost's own NIC is a veth, too.
        let container = net
            .wired(&end)
            .is_none_or(|other| other.machine.contains('/'));
        container.then(|| {
            let name = &link.name;
            let statement =
                format!("networkd of {guest} has taken the container's veth {name} with {file}");
            Found::link(Code::ContainerVethTaken, &end, statement)
                .is(file)
                .needed("docker0")
                .key("Name")
                .seen(
                    format!("the network file of {name} is {file}"),
                    format!("networkctl status {name}"),
                )
                .seen(
                    format!("{name} has no master"),
                    format!("ip link show dev {name}"),
                )
        })
    });
    taken.collect()
}

/// `container_veth`.
pub(super) fn veth(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<ContainerVeth>()?;
    let machine = at.machine();
    if at.state().is_none() {
        return Some(not_watched(machine));
    }
    let mut found = taken(at.net, &machine);
    if found.is_empty() {
        let got = at.unheld.got;
        let statement = format!(
            "the veth of {} is on no port of {}: {got}",
            asked.container, asked.bridge
        );
        let other =
            Found::at(Code::ContainerSetting, &machine, statement).needed(asked.bridge.as_str());
        found.push(other.seen(got, "ip -d link show type veth"));
    }
    Some(Explained::of(found))
}

/// `container`.
pub(super) fn container(at: &At<'_>) -> Option<Explained> {
    let asked = at.kind::<Container>()?;
    let (machine, got) = (at.machine(), at.unheld.got);
    let statement = format!(
        "the container {} of {machine} is not as asked for: {got}",
        asked.name
    );
    let found = Found::at(Code::ContainerNotRunning, &machine, statement)
        .key(asked.name.as_str())
        .is(got)
        .seen(got, format!("docker inspect {}", asked.name));
    Some(Explained::of(vec![found]))
}
