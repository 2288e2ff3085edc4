//! The NICs of guests.

use crate::scenario::names::{IfName, MachineName};
use crate::scenario::net::Mac;
use crate::scenario::{Change, Scenario};

/// The NICs of a guest: the name on the host, and the MAC address; those that steps plug in, too.
pub(super) fn nics(scenario: &Scenario, guest: &MachineName) -> Vec<(IfName, Mac)> {
    let own = scenario.guests.get(guest).into_iter();
    let own = own.flat_map(|guest| &guest.interfaces);
    let mut nics: Vec<_> = own.map(|nic| (nic.id.clone(), nic.mac)).collect();
    for action in scenario
        .steps
        .iter()
        .filter_map(|step| step.action.as_ref())
    {
        for change in action.changes() {
            if let Change::Plugs {
                guest: of,
                interface,
                mac,
            } = change
                && of == guest
                && !nics.iter().any(|(id, _)| id == interface)
            {
                nics.push((interface.clone(), mac));
            }
        }
    }
    nics
}
