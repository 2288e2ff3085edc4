//! What looks at a run's network: what checks know beyond their vantage, and what they have seen so far.

use std::sync::Arc;

use super::pending::Pending;
use super::topology::Lab;
use crate::check::{CheckContext, ContainerStart, VmmStart, kinds};
use crate::scenario::{Check, Scenario, VantagePoint};

/// What checks know, and what they have seen.
#[derive(Debug, Default)]
pub(super) struct Observer {
    pub(super) context: CheckContext,
    /// Reports of the checks of the stage under way.
    pub(super) pending: Pending,
}

impl Observer {
    /// Notes which captures and MAC addresses there are by now. A capture is labelled by owner and interface; checks name the
    /// interface alone.
    pub(super) fn survey(&mut self, scenario: &Scenario, lab: &Lab) {
        self.context.received = Arc::clone(&lab.received);
        for guest in scenario.guests.values() {
            for interface in &guest.interfaces {
                let mac = interface.mac.to_string();
                self.context.macs.insert(interface.id.to_string(), mac);
            }
        }
        for (label, capture) in lab.captures() {
            for wire in wires(scenario, lab, label) {
                self.context.captures.insert(wire, capture.clone());
            }
        }
    }

    /// Why nobody can look from a guest whose VMM refused to start; `None` for any other vantage.
    pub(super) fn refused_vantage(&self, from: &VantagePoint) -> Option<String> {
        let (VantagePoint::Guest(name) | VantagePoint::Container(name, _)) = from else {
            return None;
        };
        match self.context.vmms.get(name.as_ref())? {
            VmmStart::Started(_) => None,
            VmmStart::Refused { status, .. } => {
                Some(format!("the VMM of {name} refused to start ({status})"))
            }
        }
    }

    /// Why a check cannot see a container that Docker refused to start; `None` for a check that asks for just that.
    pub(super) fn refused_container(&self, check: &Check) -> Option<String> {
        let veth = check.kind.downcast_ref::<kinds::ContainerVeth>();
        let (guest, container) = match (&check.from, veth) {
            (VantagePoint::Container(guest, container), _) => (guest, container),
            (VantagePoint::Guest(guest), Some(veth)) => (guest, &veth.container),
            _ => return None,
        };
        let (guest, container) = (guest.to_string(), container.to_string());
        let why = format!("Docker in {guest} refused to start {container}");
        let start = self.context.containers.get(&(guest, container))?;
        matches!(start, ContainerStart::Refused(_)).then_some(why)
    }
}

/// Places and names by which checks find the wire of a capture. A guest's wire is found from the guest, and from the machine
/// that holds its TAP.
fn wires(scenario: &Scenario, lab: &Lab, label: &str) -> Vec<(String, String)> {
    let machines = scenario.machines.iter().flat_map(|(name, machine)| {
        let interfaces = machine.interfaces.iter();
        interfaces.map(move |interface| (name, &interface.name, None))
    });
    let guests = scenario.guests.iter().flat_map(|(name, guest)| {
        let interfaces = guest.interfaces.iter();
        interfaces.map(move |interface| (name, &interface.id, Some(&guest.on)))
    });
    let plugged = lab.plugged.keys().map(|(name, id)| {
        let guest = scenario.guests.get(name);
        (name, id, guest.map(|guest| &guest.on))
    });
    let mut found = machines.chain(guests).chain(plugged);
    let found = found.find(|(name, interface, _)| format!("{name}-{interface}") == label);
    let Some((owner, interface, holder)) = found else {
        return Vec::new();
    };
    std::iter::once(owner)
        .chain(holder)
        .map(|from| (from.to_string(), interface.to_string()))
        .collect()
}
