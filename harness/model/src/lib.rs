//! What a scenario says and what we will do about it: bridgelab's pure part.
//!
//! [`scenario`] reads what a user wrote and finds what is wrong with it, [`plan`] decides every namespace, link, address and
//! process before anything is touched. Nothing here changes the machine, runs a program or waits, so it compiles in seconds and
//! its tests need no privileges. The only thing that is asked of the machine are the files that a scenario names
//! ([`scenario::load`]).
//!
//! Kinds of checks, actions of steps, VMMs and capabilities of a machine stand in `bridgelab-harness`, which hands their tables in.
//! A program without the harness knows none of them: it can name this crate's types, but read only scenarios that have no check.

pub mod bytes_page;
pub mod diagnostic;
pub mod did_you_mean;
pub mod networkd;
pub mod place;
pub mod plan;
pub mod scenario;
pub mod visible;
