//! Tries remedies: the scenario with a change of its files, in a second lab.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use bridgelab_harness::diagnosis::{Edit, Proof, apply};
use bridgelab_harness::lab;
use bridgelab_harness::report::{CheckOutcome, RunReport};
use bridgelab_harness::visible::visible;

use crate::rerun::Rerun;

/// Most remedies of one run that are tried; each takes as long as a run.
const MOST: usize = 3;

/// Tries the remedies of a run that are changes of files, and notes in its diagnoses what became of them. What cannot be tried is
/// said on stderr, and not proven.
pub(super) fn remedies(run: &mut RunReport) {
    let untried = |one: &&mut bridgelab_harness::diagnosis::Diagnosis| {
        let edits = one
            .remedy
            .as_ref()
            .is_some_and(|remedy| !remedy.edits.is_empty());
        edits && one.proven.is_none()
    };
    let before = run.clone();
    for diagnosis in run.diagnosis.iter_mut().filter(untried).take(MOST) {
        let edits = diagnosis
            .remedy
            .as_ref()
            .map_or(&[][..], |remedy| &remedy.edits);
        let _ = writeln!(
            anstream::stderr(),
            "trying the remedy of {}",
            diagnosis.code
        );
        match with_edits(&before, edits) {
            Ok(after) => diagnosis.proven = Some(compared(&diagnosis.checks, &before, &after)),
            Err(why) => {
                let text = format!("the remedy was not tried: {why}");
                let _ = writeln!(anstream::stderr(), "{}", visible(&text));
                diagnosis.not_established.push(text);
            }
        }
    }
}

/// What holds with a remedy of what did not hold without, and what it breaks.
fn compared(checks: &[String], before: &RunReport, after: &RunReport) -> Proof {
    let outcome = |run: &RunReport, id: &str| {
        let check = run.checks.iter().find(|check| check.id == id);
        check.map(|check| check.outcome)
    };
    let holds = |id: &&String| outcome(after, id) == Some(CheckOutcome::Passed);
    let held = before
        .checks
        .iter()
        .filter(|check| check.outcome == CheckOutcome::Passed);
    let broken = held.filter(|check| outcome(after, &check.id) == Some(CheckOutcome::Failed));
    Proof {
        hold: checks.iter().filter(holds).count(),
        of: checks.len(),
        broken: broken.map(|check| check.id.clone()).collect(),
    }
}

/// Runs the scenario that lies in the evidence of a run once more, with changes of its files.
fn with_edits(run: &RunReport, edits: &[Edit]) -> Result<RunReport, String> {
    let evidence = run.evidence.as_deref().ok_or("the run left no evidence")?;
    let rerun = Rerun::read(evidence)?;
    let folder = tempfile::tempdir().map_err(|error| format!("make a folder: {error}"))?;
    let original = evidence.join(rerun.scenario());
    let read = |path: &Path| {
        let text = std::fs::read_to_string(path);
        text.map_err(|error| format!("read `{}`: {error}", path.display()))
    };
    let text = read(&original)?;
    let scenarios = folder.path().join(crate::rerun::SCENARIOS);
    let copied = lab::copy_scenario(&original, &text, &scenarios);
    let copied = copied.map_err(|error| format!("copy the scenario: {error}"))?;
    let own = copied.parent().unwrap_or(&scenarios);
    let mut by_file: BTreeMap<PathBuf, Vec<&Edit>> = BTreeMap::new();
    for edit in edits {
        by_file.entry(own.join(&edit.file)).or_default().push(edit);
    }
    for (file, edits) in by_file {
        let text = match file.exists() {
            true => Some(read(&file)?),
            false => None,
        };
        let changed = apply(text.as_deref(), &edits).map_err(|error| error.to_string())?;
        std::fs::write(&file, changed)
            .map_err(|error| format!("write `{}`: {error}", file.display()))?;
    }
    let json = folder.path().join(crate::report::FILE);
    let mut words = vec!["run".to_owned(), copied.to_string_lossy().into_owned()];
    words.extend([
        "--variant".to_owned(),
        rerun.form().to_owned(),
        "--diagnosis=never".to_owned(),
    ]);
    words.extend([
        "--evidence".to_owned(),
        folder
            .path()
            .join("evidence")
            .to_string_lossy()
            .into_owned(),
    ]);
    words.extend(rerun.options().iter().cloned());
    let report =
        super::run(&words, &json).map_err(|code| format!("the run with it ended with {code}"))?;
    report
        .runs
        .into_iter()
        .next()
        .ok_or_else(|| "the run with it left no report".to_owned())
}
