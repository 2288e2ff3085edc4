//! Finding what a run has not looked at.

use super::hole::{Hole, NO_UDEV, REQUIRED};
use super::{CheckOutcome, Outcome, RunReport, StepOutcome};

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
