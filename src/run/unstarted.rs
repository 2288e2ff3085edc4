//! Reports of runs that never began.

use std::collections::BTreeMap;

use bridgelab_harness::diagnostic::Diagnostic;
use bridgelab_harness::host::finding::Unmet;
use bridgelab_harness::host::jobserver::JobserverError;
use bridgelab_harness::image;
use bridgelab_harness::report::{Outcome, Problem, RunReport, UnitsReport};

use super::again;
use super::outputs::Outputs;
use super::wanted::Wanted;
use crate::cli::RunArgs;
use crate::output;
use crate::signals::Unbegun;

/// A run that ended before it had a worker.
pub(super) fn report(
    args: &RunArgs,
    one: &Wanted,
    outcome: Outcome,
    problem: Option<Diagnostic>,
) -> RunReport {
    RunReport {
        scenario: one.name.clone(),
        variant: one.form.clone(),
        outcome,
        problem: problem.map(Problem::from),
        differences: Vec::new(),
        accelerator: "none".to_owned(),
        accelerator_reason: "nothing was started".to_owned(),
        lab: Default::default(),
        guests: Vec::new(),
        checks: Vec::new(),
        steps: Vec::new(),
        stages: Vec::new(),
        waits: Vec::new(),
        units: UnitsReport::before(&one.scenario),
        versions: BTreeMap::new(),
        leaks: Vec::new(),
        left_running: Vec::new(),
        unwritten: Vec::new(),
        not_gathered: Vec::new(),
        holes: Vec::new(),
        diagnosis: Vec::new(),
        evidence: None,
        reproduce: again::command(one, &again::options(args, one, None)),
        started: None,
        ms: 0,
    }
}

/// What a signal does before any run has begun: it cancels all runs, and reports that.
pub(super) fn ended_by_signal(args: &RunArgs, wanted: &[Wanted]) -> Unbegun {
    let told = Outputs::of(args);
    let runs = wanted.iter();
    let runs: Vec<RunReport> = runs
        .map(|one| report(args, one, Outcome::Cancelled, None))
        .collect();
    Box::new(move |by| {
        image::stop_building();
        let mut runs = runs;
        for run in &mut runs {
            run.cancelled_by(by);
        }
        let code = told.finish(told.unbegun(runs));
        std::process::exit(output::closing(code));
    })
}

/// Report of a run that this host cannot do; broken, where nobody knows whether it can.
pub(super) fn unable(args: &RunArgs, one: &Wanted, unmet: &[Unmet]) -> RunReport {
    let unanswered = unmet.iter().find(|unmet| unmet.unanswered);
    let outcome = match unanswered {
        Some(_) => Outcome::Broken,
        None => Outcome::Skipped,
    };
    let mut diagnostic = unanswered.or(unmet.first()).map(Diagnostic::new);
    if let Some(diagnostic) = &mut diagnostic {
        // Name only the reason where the VMM cannot do it, since this machine is not at fault.
        let beyond = |unmet: &Unmet| {
            let mut beyond = one.scenario.beyond.iter();
            beyond.any(|(_, reason)| *reason == unmet.reason)
        };
        let words = |unmet: &Unmet| match beyond(unmet) {
            true => unmet.reason.clone(),
            false => unmet.to_string(),
        };
        diagnostic.chain = unmet.iter().map(words).collect();
    }
    report(args, one, outcome, diagnostic)
}

/// Report of a run that the queue did not admit: this host is too small for it, or the queue is broken.
pub(super) fn refused(args: &RunArgs, one: &Wanted, error: &JobserverError) -> RunReport {
    let outcome = match error {
        JobserverError::TooLarge { .. } => Outcome::Skipped,
        _ => Outcome::Broken,
    };
    report(args, one, outcome, Some(Diagnostic::new(error)))
}
