//! What a run was asked for: constant as long as it goes on, and known to each of its parts.

use std::time::{Duration, Instant};

use super::job::{Event, Job};
use super::topology::Folders;
use crate::check::expected;
use crate::host::standstill::Standstills;
use crate::report::{CheckOutcome, CheckReport};
use crate::scenario::{Check, Scenario};

/// Function that takes what is told of a run's progress.
pub(super) type Tell<'a> = &'a (dyn Fn(Event) + Send + Sync);

/// What is said of a check that the run did not get to.
pub(super) const NOT_REACHED: &str = "the run ended first";

/// What a run was asked for, and since when it goes on.
#[derive(Clone, Copy)]
pub(super) struct Assignment<'a> {
    /// The instance that is run.
    pub(super) scenario: &'a Scenario,
    /// How it is run.
    pub(super) job: &'a Job,
    pub(super) folders: &'a Folders,
    pub(super) tell: Tell<'a>,
    /// Times in which this machine stood still.
    pub(super) standstills: &'a Standstills,
    pub(super) started: Instant,
}

impl Assignment<'_> {
    /// Tells the user what goes on.
    pub(super) fn progress(&self, text: String) {
        (self.tell)(Event::Progress { text });
    }

    /// Says how a check was decided.
    pub(super) fn decided(&self, report: &CheckReport) {
        let report = Box::new(report.clone());
        (self.tell)(Event::Checked { report });
    }

    /// Says what a check sees that does not hold yet, and how long it goes on.
    pub(super) fn waits(&self, check: &Check, got: &str, left: Duration) {
        (self.tell)(Event::Waits {
            check: check.id.to_string(),
            got: got.to_owned(),
            left_ms: left.as_millis() as u64,
        });
    }

    /// Milliseconds from the run's start to `instant`.
    pub(super) fn at_ms(&self, instant: Instant) -> i64 {
        instant.duration_since(self.started).as_millis() as i64
    }

    /// See [`Job::patience`].
    pub(super) fn patience(&self, time: Duration) -> Duration {
        self.job.patience(time)
    }

    /// The report of a check that nobody has looked at, and why.
    pub(super) fn not_run(&self, check: &Check, why: &str) -> CheckReport {
        let any_of = self.scenario.any_of(&check.id);
        CheckReport {
            id: check.id.to_string(),
            from: check.from.to_string(),
            kind: check.kind.name().to_owned(),
            outcome: CheckOutcome::NotRun,
            must_fail: any_of.is_empty() && self.scenario.must_fail.contains_key(&check.id),
            any_of: any_of.iter().map(ToString::to_string).collect(),
            expected: expected(check),
            got: why.to_owned(),
            attempts: 0,
            at_ms: self.at_ms(Instant::now()),
            ms: 0,
            seen: Vec::new(),
        }
    }

    /// The report of a check that nobody has looked at yet.
    pub(super) fn undecided(&self, check: &Check) -> CheckReport {
        CheckReport {
            outcome: CheckOutcome::Undecided,
            ..self.not_run(check, NOT_REACHED)
        }
    }

    /// Whether a check of the scenario passes by not holding, at first or always.
    pub(super) fn passes_by_failing(&self) -> bool {
        let mut times = self.scenario.checks.iter().map(|check| check.times);
        times.any(|times| times.fails || times.fails_until.is_some())
    }
}
