//! The table as data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::report::{CheckOutcome, Outcome, RunReport};

/// Version of the shape of [`SideBySide`].
pub const SCHEMA: u32 = 1;

/// A table of verdicts: a row for each combination of values, and what differs between the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideBySide {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Scenario name.
    pub scenario: String,
    /// What was varied, in the order of the columns.
    pub axes: Vec<String>,
    /// The rows.
    pub combinations: Vec<Combination>,
    /// What is not the same in all combinations of a form that ran.
    pub differences: Vec<Difference>,
    /// Versions, as in [`RunReport::versions`]. Where the runs have several of one thing, all of them with ` / ` between.
    pub versions: BTreeMap<String, String>,
}

/// One combination of values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Combination {
    /// `green` or a variant, with the values of the file's own matrix.
    pub form: String,
    /// A value for each axis.
    pub values: Vec<String>,
    /// Why there is no verdict: the combination is impossible, this host cannot run it, or the run broke. `None` where there
    /// is a verdict.
    pub reason: Option<String>,
    /// Report of the run; `None` where nothing was run.
    pub run: Option<RunReport>,
}

impl Combination {
    /// The run, unless it was skipped: a skipped run shows nothing.
    pub(super) fn ran(&self) -> Option<&RunReport> {
        let run = self.run.as_ref()?;
        (run.outcome != Outcome::Skipped).then_some(run)
    }
}

/// Something that is not the same everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The form in which it differs.
    pub form: String,
    /// What it is about: a check's id, or a fact of a guest or its NIC.
    pub about: String,
    /// What should hold; `None` for a fact.
    pub expected: Option<String>,
    /// What was seen, and where; at least two.
    pub sights: Vec<Sight>,
}

/// What some combinations have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sight {
    /// What was seen, in words.
    pub seen: String,
    /// Rows of the table, from 1.
    pub rows: Vec<usize>,
}

/// How a check ended, in one word.
pub(super) const fn word(outcome: CheckOutcome) -> &'static str {
    match outcome {
        CheckOutcome::Passed => "holds",
        CheckOutcome::Failed => "does not hold",
        CheckOutcome::NotRun => "could not be looked at",
        CheckOutcome::Skipped => "skipped",
        CheckOutcome::Undecided => "undecided",
    }
}
