//! bridgelab's library: boots real MicroVMs on a real bridge and says, with evidence, whether they have the
//! network they should have.
//!
//! Data flows from left to right, `use` points left; a test keeps it so:
//!
//! ```text
//! networkd -> scenario -> plan -> host -> image -> hypervisor -> guest -> template -> check -> diagnosis -> report -> lab
//! shelf (imports none of these): bytes_page, deadline, diagnostic, did_you_mean, place, visible, wait
//! ```
//!
//! A lab inside of somebody's test is the business of the crate `bridgelab-client`; what it and `lab` say to each other stands there.
//!
//! `networkd`, `scenario` and `plan` are pure, and with what they need of the shelf a crate of their own: `bridgelab-model`, in `model`
//! beside this one. All code here, and whoever uses this crate, names them as modules of this one.
//!
//! Kinds of checks, actions of steps and VMMs stand in the rooms that do them, and hand their tables to the left: `docs/scenario-language.md`
//! says how and why. Words that are ours are in `docs/glossary.md`.

pub mod check;
pub mod deadline;
pub mod diagnosis;
pub mod guest;
pub mod host;
pub mod hypervisor;
pub mod image;
pub mod lab;
pub mod report;
pub mod template;
pub mod wait;

/// The pure part, a crate of its own: what a scenario says, and what is planned for it.
pub use bridgelab_model::{
    bytes_page, diagnostic, did_you_mean, networkd, place, plan, scenario, visible,
};
