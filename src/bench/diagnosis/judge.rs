//! What a run of a broken copy says.

use std::collections::BTreeMap;
use std::fs;

use bridgelab_harness::diagnosis::{Course, Diagnosis};
use bridgelab_harness::report::{CheckOutcome, RunReport};

use super::baseline;
use super::copies::Fault;
use super::hop::{self, Truth as Way};
use super::record::{Measured, Remedied, Truth};
use crate::mutate::subject::Prepared;
use crate::mutate::verdict::{Verdict, judged};

/// Courses of a run, by the check's id.
pub(super) type Courses = BTreeMap<String, Course>;

/// The courses that a run left in its evidence.
pub(super) fn courses(run: &RunReport) -> Courses {
    let file = run.evidence.as_ref();
    let file = file.map(|evidence| evidence.join("diagnosis/courses.json"));
    let text = file.and_then(|file| fs::read(file).ok());
    let read = text.and_then(|text| serde_json::from_slice(&text).ok());
    read.unwrap_or_default()
}

/// A mutant that was not run yet.
pub(super) fn blank(scenario: &str, fault: &Fault) -> Measured {
    Measured {
        scenario: scenario.to_owned(),
        id: fault.id.clone(),
        things: fault.things.len(),
        verdict: Verdict::NotRun,
        why: "the call was ended".to_owned(),
        ms: 0,
        diagnosis_ms: None,
        named: Vec::new(),
        truth: None,
        words: false,
        most_often: false,
        remedied: None,
        diagnosis: Vec::new(),
    }
}

/// Notes what became of a mutant, and what was said of it.
pub(super) fn judge(
    one: &mut Measured,
    run: &RunReport,
    (fault, copy): (&Fault, &Prepared),
    green: &Courses,
) {
    let (verdict, why) = verdict(run);
    (one.verdict, one.why, one.ms) = (verdict, why, run.ms);
    if verdict != Verdict::Caught {
        return;
    }
    let mut stages = run.stages.iter();
    one.diagnosis_ms = stages
        .find(|stage| stage.name == "diagnosis")
        .map(|stage| stage.ms);
    one.named = fault.named(copy.folder(), &run.diagnosis);
    let words = baseline::words(run);
    let mut files = fault.things.iter().map(|(file, ..)| file);
    one.words = files.any(|file| baseline::names(&words, file));
    one.truth = truth(&run.diagnosis, green, &courses(run));
    one.diagnosis.clone_from(&run.diagnosis);
}

/// The verdict on a run. Whether what no check misses changes anything at all is not asked here.
fn verdict(run: &RunReport) -> (Verdict, String) {
    judged(run, || vec!["all checks hold".to_owned()])
}

/// Where the packet stopped of the first check that is explained and can be compared; where nothing is explained, of any check.
fn truth(diagnoses: &[Diagnosis], green: &Courses, broken: &Courses) -> Option<Truth> {
    let compared =
        |check: &String| -> Option<Way<'_>> { hop::truth(green.get(check)?, broken.get(check)?) };
    for diagnosis in diagnoses {
        // The points of a diagnosis are those of the check whose course it has.
        let its = |check: &&String| diagnosis.course.as_ref() == broken.get(*check);
        let (own, others): (Vec<&String>, Vec<&String>) = diagnosis.checks.iter().partition(its);
        for check in own.into_iter().chain(others) {
            if let Some(way) = compared(check) {
                let (last, first) = (&diagnosis.last_seen, &diagnosis.first_missing);
                return Some(Truth {
                    check: check.clone(),
                    last: way.last().clone(),
                    first: way.first().clone(),
                    hop: way.compared(last.as_ref(), first.as_ref()),
                });
            }
        }
    }
    broken.keys().find_map(|check| {
        let way = compared(check)?;
        Some(Truth {
            check: check.clone(),
            last: way.last().clone(),
            first: way.first().clone(),
            hop: way.compared(None, None),
        })
    })
}

/// What became of a copy with the remedy of the first diagnosis, beside the run without it: `before`, its checks by outcome.
pub(super) fn remedied(
    explained: &[String],
    before: &[(String, CheckOutcome)],
    run: &RunReport,
    (fault, copy): (&Fault, &Prepared),
) -> Remedied {
    let after = |id: &str| {
        let check = run.checks.iter().find(|check| check.id == id);
        check.map(|check| check.outcome)
    };
    let mended = !explained.is_empty()
        && explained
            .iter()
            .all(|id| after(id) == Some(CheckOutcome::Passed));
    let broken = before.iter().any(|(id, outcome)| {
        *outcome == CheckOutcome::Passed && after(id) == Some(CheckOutcome::Failed)
    });
    Remedied {
        proven: mended && !broken,
        verdict: verdict(run).0,
        named: fault.named(copy.folder(), &run.diagnosis),
        problem: None,
    }
}
