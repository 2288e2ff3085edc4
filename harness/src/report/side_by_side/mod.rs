//! One scenario under many conditions: the verdicts side by side, and what differs between them. Pure.

mod differences;
mod markdown;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use table::{Combination, Difference, SCHEMA, SideBySide, Sight};

use super::RunReport;
use crate::visible::visible;

impl SideBySide {
    /// The table of some combinations, in their order.
    pub fn new(scenario: &str, axes: Vec<String>, mut combinations: Vec<Combination>) -> Self {
        for combination in &mut combinations {
            if let Some(run) = &combination.run
                && let Some(problem) = &run.problem
            {
                combination.reason = Some(problem.chain.join(": "));
            }
        }
        let mut versions: BTreeMap<String, String> = BTreeMap::new();
        for run in combinations.iter().filter_map(Combination::ran) {
            for (what, version) in &run.versions {
                let known = versions.entry(what.clone()).or_default();
                if known.is_empty() {
                    known.clone_from(version);
                } else if !known.split(" / ").any(|one| one == version) {
                    known.push_str(" / ");
                    known.push_str(version);
                }
            }
        }
        Self {
            schema: SCHEMA,
            scenario: scenario.to_owned(),
            differences: differences::differences(&combinations),
            axes,
            combinations,
            versions,
        }
    }

    /// The reports of all that ran.
    pub fn runs(&self) -> Vec<RunReport> {
        let runs = self.combinations.iter().filter_map(|one| one.run.clone());
        runs.collect()
    }

    /// The table as Markdown, which can be read as it stands as well.
    pub fn markdown(&self) -> String {
        visible(&markdown::markdown(self)).into_owned()
    }
}
