//! All that a diagnosis is made of.

use std::collections::BTreeMap;

use super::course::Course;
use super::facts::Facts;
use crate::host::networkd_said::UnitSaid;
use crate::scenario::{Check, Scenario, Written};

/// A check that does not hold.
#[derive(Debug, Clone, Copy)]
pub struct Unheld<'a> {
    /// The check.
    pub check: &'a Check,
    /// What it saw, in words.
    pub got: &'a str,
}

/// What was asked for, and what was seen of it, before anything was taken down.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    /// The form that was run: the scenario with the change of its variant.
    pub scenario: &'a Scenario,
    /// Where it says what it says.
    pub written: &'a Written,
    /// The checks that do not hold, in the scenario's order. Those of a variant that must fail are among them.
    pub unheld: &'a [Unheld<'a>],
    /// Ids of the checks that hold.
    pub held: &'a [String],
    /// What kernels and networkd answered.
    pub facts: &'a Facts,
    /// Where the packets of checks were seen, by the check's id. Not every check has one.
    pub courses: &'a BTreeMap<String, Course>,
    /// What networkd said of its unit files, by machine or guest.
    pub said: &'a BTreeMap<String, Vec<UnitSaid>>,
}
