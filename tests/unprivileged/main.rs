//! Tests that need no privileges, no network and no image: they take seconds, on any Linux.
//!
//! - **Text of this repository**: [`layering`], the walls between modules; [`circles`], files that need each other; [`model`], the
//!   scenarios and the messages of invalid ones; [`plan`], whole plans of set-ups; [`vmms`], the table of VMMs.
//! - **The program's words**: [`cli`], the command line; [`hold`], what a test hears that holds a lab; [`matrix`], tables of
//!   combinations; [`units`], faults of unit files.
//! - **Whatever is put in**: [`bad_input`], anything changed in anything; [`hostile`], what was made to do harm.
//! - **These tests themselves**: [`turns`], how they share the machine.

mod bad_input;
mod circles;
mod cli;
mod codes;
mod hold;
mod hostile;
mod layering;
mod matrix;
mod model;
mod mutate;
mod plan;
mod rows;
mod turns;
mod units;
mod vmms;
