//! What was tried, and how it ended.

use std::collections::BTreeMap;
use std::fmt;

use super::ended::Trial;

#[derive(Default, Clone, Copy)]
struct Counts {
    trials: usize,
    broken: usize,
    left: usize,
}

/// Counts of trials, by what was done.
#[derive(Default)]
pub(crate) struct Tally(BTreeMap<String, Counts>);

impl Tally {
    /// Counts a trial, and prints it at once if it is not as it must be.
    pub(crate) fn count(&mut self, round: u64, trial: &Trial) {
        let counts = self.0.entry(trial.what.clone()).or_default();
        counts.trials += 1;
        let (what, how) = (&trial.what, &trial.how);
        if let Err(why) = &trial.ending {
            counts.broken += 1;
            eprintln!("round {round}: {what} {how}: BROKEN: {why}");
        }
        if !trial.left.is_empty() {
            counts.left += 1;
            eprintln!(
                "round {round}: {what} {how}: LEFT: {}",
                trial.left.join(", ")
            );
        }
        if let Ok(ending) = &trial.ending {
            eprintln!("round {round}: {what} {how}: {ending}");
        }
    }

    /// Notes what was left on the machine that cannot be traced to a single round.
    pub(crate) fn left_on_the_machine(&mut self, before: &[String], after: &[String]) {
        let new: Vec<&String> = after.iter().filter(|one| !before.contains(one)).collect();
        let gone: Vec<&String> = before.iter().filter(|one| !after.contains(one)).collect();
        eprintln!("LEFT on the machine: {new:?}; gone from it: {gone:?}");
        self.0
            .entry("all rounds together".to_owned())
            .or_default()
            .left += 1;
    }

    /// Whether everything held and nothing was left.
    pub(crate) fn is_clean(&self) -> bool {
        self.0
            .values()
            .all(|counts| counts.broken == 0 && counts.left == 0)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = Counts::default();
        writeln!(f, "{:<52} trials   held broken leftovers", "what")?;
        let row = |f: &mut fmt::Formatter<'_>, what: &str, counts: Counts| {
            let held = counts.trials - counts.broken;
            let Counts {
                trials,
                broken,
                left,
            } = counts;
            writeln!(f, "{what:<52} {trials:>6} {held:>6} {broken:>6} {left:>9}")
        };
        for (what, counts) in &self.0 {
            row(f, what, *counts)?;
            all.trials += counts.trials;
            all.broken += counts.broken;
            all.left += counts.left;
        }
        row(f, "all", all)
    }
}
