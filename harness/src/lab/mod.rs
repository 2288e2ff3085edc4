//! Puts it together: builds a plan's machines, boots its guests, runs its checks, gathers evidence, takes it down.
//!
//! Everything here happens in a worker process that is PID 1 of its own namespaces (`host::isolate`);
//! [`supervise`] is the part that runs in the user's process and talks to workers.

mod boot;
mod booting;
mod checking;
mod daemons;
pub mod durations;
mod evidence;
mod ghost;
mod job;
mod leaks;
mod run;
mod standstill;
mod steps;
pub mod supervise;
mod tools;
mod topology;
mod wave;
mod worker;

pub use job::{Event, Job, JobImage, StartFrom, WORKER_COMMAND};
pub use topology::{Folders, Lab, LabError};
pub use worker::worker_main;

use crate::check::wanted;
use crate::hypervisor::{self, GuestSpec};
use crate::plan::{GuestKind, TopologyPlan, action};
use crate::scenario::Scenario;
use crate::scenario::step::Action;

/// A scenario's plan as text, each step with its equivalent command; needs no privileges.
pub fn show_plan(scenario: &Scenario, guests: GuestKind) -> String {
    let plan = TopologyPlan::with_guests(scenario, guests).render(|name| {
        let guest = scenario
            .guests
            .iter()
            .find(|(known, _)| known.as_ref() == name);
        guest.map_or_else(String::new, |(_, guest)| {
            hypervisor::command(&GuestSpec::planned(name, guest)).to_string()
        })
    });
    let fact = |action: &Action| match action {
        Action::WaitFor { from, kind } => Some(format!("{} at {from}", wanted(kind))),
        _ => None,
    };
    plan + &action::render(scenario, guests, fact)
}
