//! What was measured: the shape of `--json`. Documented in `harness/docs/mutation.md`.

use bridgelab_harness::diagnosis::{Diagnosis, Point};
use serde::Serialize;

use super::figures::Figures;
use super::hop::Hop;
use crate::mutate::named::Named;
use crate::mutate::verdict::Verdict;

/// Version of the shape.
pub(super) const SCHEMA: u32 = 1;

/// One call.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Record {
    /// [`SCHEMA`].
    pub(super) schema: u32,
    /// The file of the corpus.
    pub(super) corpus: String,
    /// What the sample was drawn by.
    pub(super) seed: u64,
    /// Whether somebody ended the call before all was measured.
    pub(super) interrupted: bool,
    /// What it comes to.
    pub(super) figures: Figures,
    /// Scenarios with nothing broken.
    pub(super) greens: Vec<Green>,
    /// What was broken, in the order of the sample.
    pub(super) mutants: Vec<Measured>,
    /// What could not be measured since the scenario is another one now.
    pub(super) stale: Vec<Stale>,
}

/// A scenario with nothing broken.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Green {
    /// Its name.
    pub(super) scenario: String,
    /// How long each run took, in milliseconds.
    pub(super) ms: Vec<u64>,
    /// Runs that did not pass.
    pub(super) red: usize,
    /// Causes that were said in them.
    pub(super) diagnoses: usize,
    /// Why nothing is measured of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
}

/// A mutant that does not apply any more.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Stale {
    /// The scenario.
    pub(super) scenario: String,
    /// As of a frozen mutant, of two things with a `+` between them.
    pub(super) id: String,
    /// Why.
    pub(super) why: String,
}

/// A mutant that was run.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Measured {
    /// The scenario.
    pub(super) scenario: String,
    /// As of a frozen mutant, of two things with a `+` between them.
    pub(super) id: String,
    /// How many things are broken: 1 or 2.
    pub(super) things: usize,
    /// What became of it.
    pub(super) verdict: Verdict,
    /// Why, in one sentence.
    pub(super) why: String,
    /// How long the run took, in milliseconds.
    pub(super) ms: u64,
    /// How long the diagnosis took of that.
    pub(super) diagnosis_ms: Option<u64>,
    /// What the diagnosis named of each thing that is broken, of one that was caught.
    pub(super) named: Vec<Named>,
    /// Where the packet stopped, where that is known by comparison.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) truth: Option<Truth>,
    /// What the words of the first failed check name: a file that is broken.
    pub(super) words: bool,
    /// Whether it would be named by whoever always names the line that is broken most often.
    pub(super) most_often: bool,
    /// What became of the first diagnosis' remedy, where it is a change of files and was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedied: Option<Remedied>,
    /// The diagnosis itself.
    pub(super) diagnosis: Vec<Diagnosis>,
}

impl Measured {
    /// The best that was said of a thing that is broken.
    pub(super) fn best(&self) -> Option<Named> {
        self.named.iter().min().copied()
    }
}

/// Where a packet stopped, and what the diagnosis says of that.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Truth {
    /// The check whose packet it is.
    pub(super) check: String,
    /// The last point that it has in common with the unbroken lab.
    pub(super) last: Point,
    /// The point behind it.
    pub(super) first: Point,
    /// How near the diagnosis comes.
    pub(super) hop: Hop,
}

/// A mutant with its remedy.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Remedied {
    /// Whether every check that the diagnosis explains holds, and no other one is broken.
    pub(super) proven: bool,
    /// What became of it.
    pub(super) verdict: Verdict,
    /// What the diagnosis of that run named of each thing that was broken.
    pub(super) named: Vec<Named>,
    /// Why it could not be tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
}
