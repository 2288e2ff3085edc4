//! A run as a whole: builds a plan's machines, boots its guests, runs its checks, gathers evidence, takes everything down.
//!
//! Everything here happens in a worker process that is PID 1 of its own namespaces (`host::isolate`);
//! [`supervise`] is the part that runs in the user's process and talks to workers.
//!
//! ```text
//! assignment  what a run was asked for: constant, and known to each part
//! testbed     what stands: the topology, the guests, commands in the background
//! guests      what stands for the guests, MicroVMs or ghosts, by one trait
//! observer    what looks; checking carries out checks with it
//! record      what is recorded: parts of the report, times of the stages, commands
//! run         the stages, from the first namespace to the verdict
//! steps       changes what stands; an action takes the parts that it needs
//! ```

mod asked_for;
mod assignment;
mod background;
mod boot;
mod checking;
mod containers;
mod copied;
mod daemons;
pub mod durations;
mod ended;
mod error;
mod evidence;
mod frozen;
mod gathered;
mod guests;
mod hold;
mod job;
mod job_image;
mod leaks;
mod left_running;
mod links;
mod observer;
mod order;
mod parallel;
mod pending;
mod record;
mod run;
mod sources;
mod standstill;
mod steps;
mod stopped;
pub mod supervise;
mod testbed;
mod topology;
pub mod vm;
mod watch;
mod worker;

pub use copied::copy_scenario;
pub use error::LabError;
pub use hold::ASKED;
pub use job::{Event, Job, JobImage, StartFrom, TOGETHER, WORKER_COMMAND};
pub use sources::{Changed, Sources};
pub use steps::{ByHand, by_hand};
pub use topology::{Folders, Lab};
pub use worker::worker_main;

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
fn show_plan_with(
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
