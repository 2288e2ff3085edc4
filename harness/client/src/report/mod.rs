//! What became of a run, its checks and its steps, as a test reads it. The keys are documented in `harness/docs/report-format.md`.

mod step;

pub use step::{StepOutcome, StepReport};

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How a run ended: always exactly one of six words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every check holds; in a variant: exactly the named checks fail, in the named way.
    Passed,
    /// The network is not what it should be.
    Failed,
    /// Host, image, VMM or harness: no verdict on the network.
    Broken,
    /// A stage took too long; `problem` names it.
    TimedOut,
    /// The host cannot do it, or what was run cannot show it; `problem` names the reason.
    Skipped,
    /// Somebody ended it.
    Cancelled,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Broken => "broken",
            Self::TimedOut => "timed out",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        })
    }
}

/// How one check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckOutcome {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed,
    /// It could not be looked at.
    NotRun,
    /// The lab cannot show it, for example because its guests are ghosts; `got` says why.
    Skipped,
    /// The run ended first; `got` has the last look, if there was one.
    Undecided,
}

/// One check of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// Its id in the scenario.
    pub id: String,
    /// Where it looked from.
    pub from: String,
    /// Its kind, as in the scenario file.
    pub kind: String,
    /// What it saw. Whether that is right is the run's `outcome`: a variant's named checks must fail.
    pub outcome: CheckOutcome,
    /// Whether this variant says that it must fail.
    pub must_fail: bool,
    /// Ids of the checks of which at least one must fail in this variant, if this check is among them; it may then hold. Empty
    /// where there is no such set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub any_of: Vec<String>,
    /// What should hold, in words.
    pub expected: String,
    /// What was seen, in words.
    pub got: String,
    /// How often it looked.
    pub attempts: u32,
    /// When it began, in milliseconds from the run's start.
    #[serde(default)]
    pub at_ms: i64,
    /// Time from its start to its verdict, in milliseconds.
    pub ms: u64,
    /// Every moment at which something else was seen than before.
    #[serde(default)]
    pub seen: Vec<SightReport>,
}

/// What a check saw from one moment on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SightReport {
    /// When, in milliseconds from the run's start.
    pub at_ms: i64,
    /// Whether it held then; `None`: it could not be looked at.
    pub holds: Option<bool>,
    /// What was seen, in words.
    pub got: String,
}

impl CheckReport {
    /// Whether it holds.
    pub fn passed(&self) -> bool {
        self.outcome == CheckOutcome::Passed
    }

    /// Whether the check is not as the scenario says: it holds and must fail, does not hold and should, or nobody could look.
    /// A check of a set of which one must fail may hold or not; an undecided check is neither right nor wrong.
    pub fn is_wrong(&self) -> bool {
        match self.outcome {
            CheckOutcome::Passed => self.must_fail,
            CheckOutcome::Failed => !self.must_fail && self.any_of.is_empty(),
            CheckOutcome::NotRun => true,
            CheckOutcome::Skipped | CheckOutcome::Undecided => false,
        }
    }
}

/// Why a run has no verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Stable, dotted code.
    pub code: String,
    /// The error and its causes, outermost first.
    pub chain: Vec<String>,
    /// What the reader can do.
    pub help: Option<String>,
}

/// One run of one scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// Scenario name.
    pub scenario: String,
    /// Variant; absent for the green form.
    pub variant: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why there is no verdict, for every outcome but passed and failed.
    pub problem: Option<Problem>,
    /// What is not as the scenario says, one sentence each.
    pub differences: Vec<String>,
    /// In the scenario's order, then in the order in which a test asked for them.
    pub checks: Vec<CheckReport>,
    /// What was done, in the same order.
    pub steps: Vec<StepReport>,
    /// What was still there after teardown.
    pub leaks: Vec<String>,
    /// Folder with everything that was gathered, `report.json` among it.
    pub evidence: Option<PathBuf>,
    /// The command that repeats this run.
    pub reproduce: String,
    /// All other keys of a run's report, as they are documented.
    #[serde(flatten)]
    pub others: BTreeMap<String, serde_json::Value>,
}
