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
//! run         a run under way: the parts above
//! stages      what it goes through, from the first namespace to the verdict
//! steps       changes what stands; an action takes the parts that it needs
//! ```

mod ask_refused;
mod asked_for;
mod assignment;
mod background;
mod boot;
mod checking;
mod checks_after;
mod containers;
mod copied;
mod daemon_times;
mod daemons;
mod diagnose;
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
mod looks;
mod no_vantage;
mod observer;
mod on_machine;
mod order;
mod parallel;
mod past;
mod pending;
mod record;
mod run;
mod show_plan;
mod sources;
mod stages;
mod standstill;
mod steps;
mod stopped;
pub mod supervise;
mod testbed;
mod topology;
pub mod vm;
mod watch;
mod worker;

pub use copied::{copy_scenario, normal};
pub use diagnose::WENT_WELL;
pub use error::LabError;
pub use hold::ASKED;
pub use job::{Event, Job, JobImage, Sought, StartFrom, TOGETHER, WORKER_COMMAND};
pub use show_plan::show_plan;
pub use sources::{Changed, Sources};
pub use steps::{ByHand, by_hand};
pub use topology::{Folders, Lab};
pub use worker::worker_main;
