//! What was there when checks did not hold, before a step changed it.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnosis::Facts;
use crate::host::networkd_said::UnitSaid;

/// What was there before a step.
#[derive(Debug)]
pub(super) struct Past {
    /// The checks that did not hold then, and had not been asked about before.
    pub(super) checks: BTreeSet<String>,
    /// What machines, guests and containers answered.
    pub(super) facts: Facts,
    /// What networkd said of unit files, by machine or guest.
    pub(super) said: BTreeMap<String, Vec<UnitSaid>>,
}
