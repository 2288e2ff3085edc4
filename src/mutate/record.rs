//! What is reported of mutants: the shape of `--json`. Documented in `harness/docs/mutation.md`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bridgelab_harness::diagnosis::Diagnosis;
use serde::Serialize;

use super::interval::Rate;
use super::named::Named;
use super::verdict::Verdict;

/// Version of the shape.
pub(crate) const SCHEMA: u32 = 1;

/// All scenarios of one call.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct MutationReport {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// What the mutants were drawn by.
    pub(crate) seed: u64,
    /// `ghost` or `vm`.
    pub(crate) guests: String,
    /// In the order in which they were asked for.
    pub(crate) scenarios: Vec<ScenarioRecord>,
    /// All of them together.
    pub(crate) total: Figures,
}

/// The mutants of one scenario.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ScenarioRecord {
    /// Its name.
    pub(crate) scenario: String,
    /// How many mutants its files have, by the operators that were asked for.
    pub(crate) possible: usize,
    /// How long the unbroken scenario took, in milliseconds.
    pub(crate) green_ms: u64,
    /// The counts.
    pub(crate) figures: Figures,
    /// Lines that no check would miss.
    pub(crate) unseen: Vec<UnseenLine>,
    /// Lines of unit files that were tried, and so many of them that a check misses or `check` asks for.
    pub(crate) lines: Rate,
    /// The mutants, in the order in which they were chosen.
    pub(crate) mutants: Vec<MutantRecord>,
}

/// One mutant.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct MutantRecord {
    /// `OPERATOR@FILE:LINE:COLUMN`.
    pub(crate) id: String,
    /// Name of the operator.
    pub(crate) operator: String,
    /// Its layer.
    pub(crate) layer: String,
    /// The file, from the scenario's folder.
    pub(crate) file: PathBuf,
    /// Line of the change in the file as it was.
    pub(crate) line: usize,
    /// Column in characters.
    pub(crate) column: usize,
    /// What was there.
    pub(crate) before: String,
    /// What is there instead.
    pub(crate) after: String,
    /// What became of it.
    pub(crate) verdict: Verdict,
    /// Why, in one sentence.
    pub(crate) why: String,
    /// What `bridgelab check` warns of that it does not warn of in the unbroken scenario.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<String>,
    /// Checks that do not hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) failed: Vec<String>,
    /// What is otherwise in the lab's state, of one that was missed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) state: Vec<String>,
    /// What the diagnosis named, of one that was caught.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) named: Option<Named>,
    /// The diagnosis itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) diagnosis: Vec<Diagnosis>,
    /// How long the run took, in milliseconds; 0 where there was none.
    pub(crate) ms: u64,
    /// The evidence of the run, where it was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) evidence: Option<PathBuf>,
}

/// A line that no check would miss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct UnseenLine {
    /// The file, from the scenario's folder.
    pub(crate) file: PathBuf,
    /// The line's number.
    pub(crate) line: usize,
    /// Its text.
    pub(crate) text: String,
    /// The mutant that showed it.
    pub(crate) mutant: String,
    /// Whether the lab's state is otherwise without it; `false`: the line changes nothing that is looked at.
    pub(crate) changes_state: bool,
}

/// Counts.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figures {
    /// Mutants by verdict.
    pub(crate) verdicts: BTreeMap<Verdict, usize>,
    /// The mutation score: those that were caught, of those that were caught or missed.
    pub(crate) score: Rate,
    /// What diagnoses named, of those that were caught.
    pub(crate) named: BTreeMap<Named, usize>,
    /// Of those that were caught: what was broken stood first.
    pub(crate) first: Rate,
    /// It was among the first three.
    pub(crate) within_three: Rate,
    /// Another place was named with confidence.
    pub(crate) wrong: Rate,
    /// The same for each operator.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) operators: BTreeMap<String, Self>,
}

impl Figures {
    /// Of these mutants, and of each operator.
    pub(crate) fn of<'m>(mutants: impl IntoIterator<Item = &'m MutantRecord>) -> Self {
        let mutants: Vec<&MutantRecord> = mutants.into_iter().collect();
        let mut by_operator: BTreeMap<String, Vec<&MutantRecord>> = BTreeMap::new();
        for mutant in &mutants {
            by_operator
                .entry(mutant.operator.clone())
                .or_default()
                .push(mutant);
        }
        let operators = by_operator.into_iter();
        let operators = operators.map(|(name, mutants)| (name, Self::plain(&mutants)));
        Self {
            operators: operators.collect(),
            ..Self::plain(&mutants)
        }
    }

    fn plain(mutants: &[&MutantRecord]) -> Self {
        let mut verdicts = BTreeMap::new();
        let mut named = BTreeMap::new();
        for mutant in mutants {
            *verdicts.entry(mutant.verdict).or_insert(0) += 1;
            if let Some(said) = mutant.named {
                *named.entry(said).or_insert(0) += 1;
            }
        }
        let count = |verdict| verdicts.get(&verdict).copied().unwrap_or_default();
        let (caught, missed) = (count(Verdict::Caught), count(Verdict::Missed));
        let said = |said| named.get(&said).copied().unwrap_or_default();
        let first = said(Named::First);
        Self {
            score: Rate::new(caught, caught + missed),
            first: Rate::new(first, caught),
            within_three: Rate::new(first + said(Named::WithinThree), caught),
            wrong: Rate::new(said(Named::Wrong), caught),
            operators: BTreeMap::new(),
            verdicts,
            named,
        }
    }
}
