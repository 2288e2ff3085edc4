//! The plan of a scenario as text.

use super::steps;
use crate::guest::contents;
use crate::hypervisor::{self, GuestSpec};
use crate::plan::{GuestKind, TopologyPlan};
use crate::scenario::Scenario;
use crate::visible::visible;

/// A scenario's plan as text, each step with its equivalent command; needs no privileges.
pub fn show_plan(scenario: &Scenario, guests: GuestKind) -> String {
    show_plan_with(scenario, guests, |_| None)
}

/// As [`show_plan`], for a run under way: `started` has the command line that a guest's VMM was started with.
pub(super) fn show_plan_with(
    scenario: &Scenario,
    guests: GuestKind,
    started: impl Fn(&str) -> Option<String>,
) -> String {
    let plan = TopologyPlan::with_guests(scenario, guests).render(|name| {
        let guest = scenario
            .guests
            .iter()
            .find(|(known, _)| known.as_ref() == name);
        guest.map_or_else(Default::default, |(_, guest)| {
            let planned = || hypervisor::command(&GuestSpec::planned(name, guest)).to_string();
            let command = started(name).unwrap_or_else(planned);
            (command, contents::show(guest))
        })
    });
    let steps = steps::render(scenario, guests);
    visible(&(plan + &steps)).into_owned()
}
