//! How a run ends without a verdict.

use std::collections::BTreeMap;

use super::error::LabError;
use super::job::Job;
use crate::diagnostic::{Diagnose, Diagnostic};
use crate::guest::GuestError;
use crate::host::finding::Unmet;
use crate::report::{LabReport, Outcome, Problem, RunReport, UnitsReport};

/// Why a run ended without a verdict.
pub(super) enum Ended {
    Broken(Diagnostic),
    TimedOut(Diagnostic),
    Skipped(Problem),
}

impl From<LabError> for Ended {
    fn from(error: LabError) -> Self {
        let diagnostic = Diagnostic::new(&error);
        match &error {
            LabError::Guest(GuestError::BootTimeout { .. }) => Self::TimedOut(diagnostic),
            _ => Self::Broken(diagnostic),
        }
    }
}

impl From<GuestError> for Ended {
    fn from(error: GuestError) -> Self {
        Self::from(LabError::Guest(error))
    }
}

impl From<Unmet> for Ended {
    fn from(unmet: Unmet) -> Self {
        let diagnostic = Diagnostic::new(&unmet);
        match unmet.unanswered {
            true => Self::Broken(diagnostic),
            false => Self::Skipped(diagnostic.into()),
        }
    }
}

/// Report of a run that an error ended before it began.
pub(super) fn broken(job: &Job, scenario: &str, error: &dyn Diagnose) -> RunReport {
    RunReport {
        scenario: scenario.to_owned(),
        variant: job.variant.clone(),
        outcome: Outcome::Broken,
        problem: Some(Diagnostic::new(error).into()),
        differences: Vec::new(),
        accelerator: job.accelerator.to_string(),
        accelerator_reason: job.accelerator_reason.clone(),
        lab: LabReport::default(),
        guests: Vec::new(),
        checks: Vec::new(),
        steps: Vec::new(),
        stages: Vec::new(),
        waits: Vec::new(),
        units: UnitsReport::default(),
        versions: BTreeMap::new(),
        leaks: Vec::new(),
        left_running: Vec::new(),
        unwritten: Vec::new(),
        not_gathered: Vec::new(),
        holes: Vec::new(),
        diagnosis: Vec::new(),
        evidence: Some(job.evidence.clone()),
        reproduce: job.reproduce.clone(),
        started: None,
        ms: 0,
    }
}
