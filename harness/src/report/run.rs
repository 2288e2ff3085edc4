//! One run, as it is reported.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bridgelab_client::report::{CheckReport, Outcome, StepReport};
use serde::{Deserialize, Serialize};

use super::guest::GuestReport;
use super::hole::Hole;
use super::judge;
use super::left_running::LeftRunning;
use super::problem::Problem;
use super::stage::{LabReport, StageReport, WaitReport};
use super::units::UnitsReport;
use crate::diagnosis::Diagnosis;

/// The stage before a run's start.
const QUEUE: &str = "queue";

/// Version of the report's shape.
pub const SCHEMA: u32 = 1;

/// All runs of one invocation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Reports in the order in which the runs were asked for.
    pub runs: Vec<RunReport>,
}

/// One run of one scenario, green or variant.
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
    /// `kvm`, `tcg` or `ghost`.
    pub accelerator: String,
    /// Why that one.
    pub accelerator_reason: String,
    /// Where the lab stood.
    #[serde(default)]
    pub lab: LabReport,
    /// The guests.
    pub guests: Vec<GuestReport>,
    /// Checks in the scenario's order.
    pub checks: Vec<CheckReport>,
    /// Steps that the run got to, in the scenario's order.
    #[serde(default)]
    pub steps: Vec<StepReport>,
    /// Stages in the order in which they began.
    pub stages: Vec<StageReport>,
    /// What the stages waited for, in the order they began to.
    #[serde(default)]
    pub waits: Vec<WaitReport>,
    /// What is doubtful about unit files.
    #[serde(default)]
    pub units: UnitsReport,
    /// bridgelab, kernel, VMM, systemd, Docker, image digest.
    pub versions: BTreeMap<String, String>,
    /// What was still there after teardown.
    pub leaks: Vec<String>,
    /// What commands of the scenario on machines and in guests left running until the lab was taken down.
    #[serde(default)]
    pub left_running: Vec<LeftRunning>,
    /// Files of the evidence that could not be written, or not whole, each with the reason.
    #[serde(default)]
    pub unwritten: Vec<String>,
    /// Files of the evidence that machines and guests did not deliver, each with the reason: `guests/test1: nics.txt, links.txt:
    /// it does not answer`. The verdict does not depend on them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_gathered: Vec<String>,
    /// What was not looked at, and why.
    #[serde(default)]
    pub holes: Vec<Hole>,
    /// Why checks do not hold, the cause that explains most of them first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnosis: Vec<Diagnosis>,
    /// Folder with everything that was gathered.
    pub evidence: Option<PathBuf>,
    /// The command that repeats this run.
    pub reproduce: String,
    /// When it began, after its time in the queue, in UTC by RFC 3339; `None`: it never began.
    #[serde(default)]
    pub started: Option<String>,
    /// Time from start to end, in milliseconds, without the time in the queue.
    pub ms: u64,
}

impl RunReport {
    /// `scenario` or `scenario/variant`.
    pub fn title(&self) -> String {
        match &self.variant {
            Some(variant) => format!("{}/{variant}", self.scenario),
            None => self.scenario.clone(),
        }
    }

    /// The sentence about this check among the run's `differences`. Only by this sentence is a check known that must fail, and
    /// fails in another way than the named one.
    pub fn difference(&self, check: &CheckReport) -> Option<&str> {
        let head = format!("`{}` ", check.id);
        let none_failed = judge::none_failed(&check.any_of);
        let is_its =
            |told: &&String| told.starts_with(&head) || Some(*told) == none_failed.as_ref();
        let told = self.differences.iter().find(is_its);
        told.map(String::as_str)
    }

    /// Breaks a run that would have passed where its evidence is not whole: nobody could see why it passed.
    pub fn weigh_unwritten(&mut self) {
        if self.outcome != Outcome::Passed || self.unwritten.is_empty() {
            return;
        }
        self.outcome = Outcome::Broken;
        let first = "write the evidence of a run whose checks all went as they must".to_owned();
        self.problem = Some(Problem {
            code: "evidence.not-whole".to_owned(),
            chain: std::iter::once(first)
                .chain(self.unwritten.first().cloned())
                .collect(),
            help: Some(
                "make room, or have evidence written elsewhere: `--evidence DIR`".to_owned(),
            ),
        });
    }

    /// Whether the run was cancelled while it waited in the queue.
    pub fn never_began(&self) -> bool {
        let queued = self.stages.iter().all(|stage| stage.name == QUEUE);
        self.outcome == Outcome::Cancelled && queued && self.evidence.is_none()
    }

    /// Adds the time that the run waited in the queue; no stage when it was admitted at once.
    pub fn queued_for(&mut self, time: std::time::Duration) {
        let ms = time.as_millis() as u64;
        if ms > 0 {
            let stage = StageReport {
                name: QUEUE.to_owned(),
                at_ms: -(ms as i64),
                ms,
                cut_short: false,
            };
            self.stages.insert(0, stage);
        }
    }

    /// Puts a stage before all others. All moments move by its length, since they count from the run's start.
    pub fn began_earlier(&mut self, stage: &str, time: std::time::Duration) {
        let ms = time.as_millis() as u64;
        let seen = self.checks.iter_mut().flat_map(|check| &mut check.seen);
        let moments = seen.map(|sight| &mut sight.at_ms);
        for at in moments {
            *at += ms as i64;
        }
        let checks = self.checks.iter_mut().map(|check| &mut check.at_ms);
        let steps = self.steps.iter_mut().map(|step| &mut step.at_ms);
        let stages = self.stages.iter_mut().map(|stage| &mut stage.at_ms);
        let waits = self.waits.iter_mut().map(|wait| &mut wait.at_ms);
        for at in checks.chain(steps).chain(stages).chain(waits) {
            *at += ms as i64;
        }
        self.ms += ms;
        let stage = StageReport {
            name: stage.to_owned(),
            at_ms: 0,
            ms,
            cut_short: false,
        };
        self.stages.insert(0, stage);
    }
}
