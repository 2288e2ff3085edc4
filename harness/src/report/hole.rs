//! What a run did not look at. A run with holes may pass, and says what it did not show.

use serde::{Deserialize, Serialize};

use super::{CheckOutcome, Outcome, RunReport, StepOutcome};

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

impl RunReport {
    /// Notes something that was not shown. What has the same reason becomes one hole.
    pub fn hole(&mut self, what: &str, why: &str) {
        match self.holes.iter_mut().find(|hole| hole.why == why) {
            Some(hole) if hole.what.iter().any(|known| known == what) => {}
            Some(hole) => hole.what.push(what.to_owned()),
            None => self.holes.push(Hole {
                what: vec![what.to_owned()],
                why: why.to_owned(),
            }),
        }
    }

    /// Notes the checks and steps that were skipped, and the lines of `.link` files that nobody applied.
    pub fn find_holes(&mut self) {
        let checks = self.checks.iter();
        let checks = checks.filter(|check| check.outcome == CheckOutcome::Skipped);
        let checks = checks.map(|check| (check.id.clone(), check.got.clone()));
        let steps = self.steps.iter();
        let steps = steps.filter(|step| step.outcome == StepOutcome::Skipped);
        let steps = steps.map(|step| (format!("step {}", step.id), step.said.clone()));
        let links = self.units.not_applied.iter();
        let links = links.map(|line| (line.clone(), NO_UDEV.to_owned()));
        for (what, why) in checks.chain(steps).chain(links).collect::<Vec<_>>() {
            self.hole(&what, &why);
        }
    }

    /// Makes a run fail that passed with holes, for `bridgelab run --require-all`.
    pub fn require_all(&mut self) {
        if self.outcome != Outcome::Passed || self.holes.is_empty() {
            return;
        }
        self.outcome = Outcome::Failed;
        for hole in &self.holes {
            let told = hole
                .what
                .iter()
                .map(|what| format!("`{what}` {REQUIRED}: {}", hole.why));
            self.differences.extend(told);
        }
    }
}
