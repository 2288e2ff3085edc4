//! Whether a link that is not there may still come: who says that it is made.

use super::links::{changes, of_guest, of_machine};
use crate::scenario::action::{Action, Change};
use crate::scenario::names::{IfName, MachineName, StepId};
use crate::scenario::provides::Provides;
use crate::scenario::{Scenario, Step, VantagePoint};

/// Whether the scenario, its unit files or Docker make a link of this name at a place, so that a check which does not find it
/// waits. `after`: the step that the check comes after; what steps have taken away by then is made by nobody.
///
/// In a guest a NIC goes by its `id`, or by the name that its kernel gives it.
pub fn may_come(
    scenario: &Scenario,
    place: &VantagePoint,
    name: &str,
    after: Option<&StepId>,
) -> bool {
    let made = match place {
        VantagePoint::Machine(machine) => scenario.machines.get(machine).is_some_and(|of| {
            let units = of.networkd.as_deref().unwrap_or_default();
            of_machine(scenario, machine, of, units).may_have(name)
        }),
        VantagePoint::Guest(guest) | VantagePoint::Container(guest, _) => {
            scenario.guests.get(guest).is_some_and(|of| {
                let id = |nic: &IfName| nic.as_ref() == name;
                of.interfaces.iter().any(|nic| id(&nic.id))
                    || changes(scenario).any(|change| {
                        matches!(change, Change::Plugs { guest: to, interface, .. } if to == guest && id(interface))
                    })
                    || of_guest(scenario, guest, of).may_have(name)
            })
        }
    };
    made && !is_taken_away(scenario, place, name, after)
}

/// Whether Docker in the guest loads the module that a sysctl belongs to: br_netfilter and nf_conntrack come with its bridge and
/// its rules.
pub fn is_of_a_module_of_docker(scenario: &Scenario, place: &VantagePoint, key: &str) -> bool {
    let (VantagePoint::Guest(guest) | VantagePoint::Container(guest, _)) = place else {
        return false;
    };
    let docker = |name: &MachineName| {
        let guest = scenario.guests.get(name);
        guest.is_some_and(|guest| Provides::of(&guest.image).docker)
    };
    let of_a_module = ["net.bridge.", "net.netfilter."];
    docker(guest) && of_a_module.iter().any(|family| key.starts_with(family))
}

/// Whether a link was deleted, or a guest's NIC, or its end on the host, has gone with the guest or by itself, and not come again
/// since.
fn is_taken_away(
    scenario: &Scenario,
    place: &VantagePoint,
    name: &str,
    after: Option<&StepId>,
) -> bool {
    let owner = |guest: &MachineName, nic: &IfName| {
        let here = match place {
            VantagePoint::Machine(machine) => {
                let guest = scenario.guests.get(guest);
                guest.is_some_and(|guest| guest.on == *machine)
            }
            VantagePoint::Guest(of) | VantagePoint::Container(of, _) => of == guest,
        };
        here && nic.as_ref() == name
    };
    let is_of = |guest: &MachineName| {
        let nics = scenario.guests.get(guest).into_iter();
        let mut nics = nics.flat_map(|guest| &guest.interfaces);
        nics.any(|nic| owner(guest, &nic.id))
    };
    let is_last = |step: &Step| Some(&step.id) == after;
    let done = match after.map(|_| scenario.steps.iter().position(is_last)) {
        Some(Some(last)) => last + 1,
        _ => 0,
    };
    let done = scenario.steps.iter().take(done);
    done.filter_map(|step| step.action.as_deref())
        .flat_map(Action::changes)
        .fold(false, |gone, change| match change {
            Change::Stops(guest) if is_of(guest) => true,
            Change::Starts(guest) if is_of(guest) => false,
            Change::Unplugs { guest, interface } if owner(guest, interface) => true,
            Change::DeletesLink { on, interface } if on == place && interface.as_ref() == name => {
                true
            }
            // Any of these may make it again.
            Change::MayMakeLinks { on }
            | Change::WritesUnit { on, .. }
            | Change::MayChangeAnything { on }
                if on == place =>
            {
                false
            }
            Change::MakesBridge { on, .. } if *place == VantagePoint::Machine(on.clone()) => false,
            Change::Plugs {
                guest, interface, ..
            } if owner(guest, interface) => false,
            _ => gone,
        })
}
