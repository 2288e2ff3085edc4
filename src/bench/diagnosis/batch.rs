//! Several runs of copies of one scenario.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use bridgelab_harness::report::{Outcome, RunReport};

use super::trial::Asked;
use crate::cli::{Guests, RunArgs};
use crate::mutate::subject::{Prepared, Subject};
use crate::run::reports_each;
use crate::run::wanted::{self, Wanted};
use crate::signals::{self, Signals};

/// Runs that were asked for.
pub(super) struct Batch<'a> {
    subject: &'a Subject,
    runs: Vec<Wanted>,
}

/// How a batch ended.
pub(super) enum Ended {
    /// Each run has its report.
    All,
    /// Somebody ended the call.
    Interrupted,
    /// Nothing could begin; the exit code.
    Not(i32),
}

impl<'a> Batch<'a> {
    pub(super) const fn new(subject: &'a Subject) -> Self {
        Self {
            subject,
            runs: Vec::new(),
        }
    }

    /// Whether nothing is to be run.
    pub(super) const fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Asks for a run of the unbroken scenario.
    ///
    /// # Errors
    /// What of it cannot be read.
    pub(super) fn green(&mut self, called: &str) -> Result<(), String> {
        let Subject { loaded, form, .. } = self.subject;
        let path = &self.subject.green.path;
        let sources = wanted::read(path, loaded)?;
        let run = Wanted::new(path, form, Guests::Ghost, &[], &sources);
        self.runs.push(run.called(called, &BTreeMap::new()));
        Ok(())
    }

    /// Asks for a run of a copy, with so much time for its checks.
    ///
    /// # Errors
    /// What of it cannot be read.
    pub(super) fn copy(
        &mut self,
        copy: &Prepared,
        called: &str,
        within: &BTreeMap<String, Duration>,
    ) -> Result<(), String> {
        let sources = wanted::read(&copy.path, &copy.loaded)?;
        let run = Wanted::new(&copy.path, &copy.form, Guests::Ghost, &[], &sources);
        self.runs.push(run.called(called, within));
        Ok(())
    }

    /// Carries them out. `each` is given every run that was not ended by somebody, with its number; its evidence is removed then.
    /// What it returns is shown as a line.
    pub(super) fn carry_out(
        &self,
        asked: Asked<'_>,
        follow_all: bool,
        each: impl FnMut(usize, &RunReport) -> Option<String>,
    ) -> Ended {
        let args = RunArgs {
            guests: Guests::Ghost,
            jobs: asked.jobs,
            evidence: Some(self.subject.folder().join("evidence")),
            quiet: true,
            mutants: true,
            follow_all,
            require_all: Some(false),
            ..RunArgs::default()
        };
        let signals = match Signals::listen(Box::new(signals::before_anything)) {
            Ok(signals) => signals,
            Err(code) => return Ended::Not(code),
        };
        // What was measured before is not to be lost, also where a signal came between two batches.
        signals.begin();
        if asked.signals.first().is_some() {
            return Ended::Interrupted;
        }
        let (each, interrupted) = (RefCell::new(each), Cell::new(false));
        let told = |number: usize, run: &RunReport| {
            let line = match run.outcome {
                Outcome::Cancelled => {
                    interrupted.set(true);
                    None
                }
                _ => (each.borrow_mut())(number, run),
            };
            if let Some(evidence) = &run.evidence {
                remove(evidence);
            }
            line
        };
        match reports_each(&args, &self.runs, signals, &told) {
            Err(code) => Ended::Not(code),
            Ok(_) if interrupted.get() => Ended::Interrupted,
            Ok(_) => Ended::All,
        }
    }
}

/// Many runs would fill the disk before the folder of all is removed.
fn remove(evidence: &Path) {
    let _ = fs::remove_dir_all(evidence);
}
