//! What a run did not look at. A run with holes may pass, and says what it did not show.

use serde::{Deserialize, Serialize};

/// Names of one hole that a verdict shows.
const NAMED: usize = 6;

/// Words in the difference that a hole makes where everything is required.
pub(super) const REQUIRED: &str = "was skipped, and everything is required";

/// Why a `.link` file is not applied.
pub(super) const NO_UDEV: &str = "udev would do it on a machine that boots, and a lab's have none";

/// Something that a run has not shown, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hole {
    /// Checks by their ids, steps as `step ID`, or whatever else was not shown.
    pub what: Vec<String>,
    /// Why.
    pub why: String,
}

impl std::fmt::Display for Hole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let named = self.what.iter().take(NAMED);
        let named: Vec<&str> = named.map(String::as_str).collect();
        f.write_str(&named.join(", "))?;
        if self.what.len() > NAMED {
            write!(f, " and {} more", self.what.len() - NAMED)?;
        }
        write!(f, ": {}", self.why)
    }
}
