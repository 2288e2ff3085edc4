//! Tries remedies: the scenario with a change of its files, in a second lab.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use bridgelab_harness::diagnosis::{Diagnosis, Edit, Proof, apply};
use bridgelab_harness::lab;
use bridgelab_harness::report::{CheckOutcome, Outcome, Report, RunReport, exit_code};
use bridgelab_harness::visible::visible;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::watch;

use crate::rerun::Rerun;

/// Most remedies of one run that are tried; each takes as long as a run.
const MOST: usize = 3;

/// Tries the remedies of a run that are changes of files, and notes in its diagnoses what became of them. What cannot be tried is
/// said on stderr, and not proven. A request to end (`wishes`) ends the second lab, and nothing more is tried. Returns whether
/// anything was noted.
pub(crate) fn remedies(run: &mut RunReport, wishes: &watch::Receiver<u32>) -> bool {
    let before = run.clone();
    let mut noted = false;
    for diagnosis in run.diagnosis.iter_mut().filter(untried).take(MOST) {
        if *wishes.borrow() > 0 {
            break;
        }
        let edits = diagnosis.remedy.as_ref();
        let edits = edits.map_or(&[][..], |remedy| &remedy.edits);
        let code = &diagnosis.code;
        let _ = writeln!(anstream::stderr(), "trying the remedy of {code}");
        match with_edits(&before, edits, wishes) {
            Ok(after) => diagnosis.proven = Some(compared(&diagnosis.checks, &before, &after)),
            Err(why) => {
                let text = format!("the remedy was not tried: {why}");
                let _ = writeln!(anstream::stderr(), "{}", visible(&text));
                diagnosis.not_established.push(text);
            }
        }
        noted = true;
    }
    noted
}

fn untried(one: &&mut Diagnosis) -> bool {
    let remedy = one.remedy.as_ref();
    remedy.is_some_and(|remedy| !remedy.edits.is_empty()) && one.proven.is_none()
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
fn with_edits(
    run: &RunReport,
    edits: &[Edit],
    wishes: &watch::Receiver<u32>,
) -> Result<RunReport, String> {
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
    let evidence = folder.path().join("evidence");
    let mut words = rerun.words(&copied);
    words.extend([
        "--diagnosis=never".to_owned(),
        "--evidence".to_owned(),
        evidence.to_string_lossy().into_owned(),
    ]);
    let mut command =
        crate::own::program().map_err(|error| format!("find this program: {error}"))?;
    crate::rerun::without_options(&mut command);
    command.args(words);
    let report = reported(command, &json, wishes);
    let report = report.map_err(|code| format!("the run with it ended with {code}"))?;
    let after = report.runs.into_iter().next();
    match after.ok_or("the run with it left no report")? {
        after if matches!(after.outcome, Outcome::Passed | Outcome::Failed) => Ok(after),
        after => Err(format!("the run with it was {}", after.outcome)),
    }
}

/// Has this program run what `command` says, and reads its report. What the run says while it goes on goes to stderr. A request to
/// end (`wishes`) is passed on, and the run ends in good order.
///
/// # Errors
/// The exit code of a run that left no report.
pub(crate) fn reported(
    mut command: std::process::Command,
    json: &Path,
    wishes: &watch::Receiver<u32>,
) -> Result<Report, i32> {
    command.arg("--json").arg(json);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let ended = ended(command, wishes.clone());
    let ended = ended.map_err(|error| complain(&format!("start `bridgelab run`: {error}")))?;
    match json.exists() {
        true => crate::report::read(json).map_err(|why| complain(&why)),
        false => Err(ended.code().unwrap_or(exit_code::BROKEN)),
    }
}

fn ended(
    command: std::process::Command,
    mut wishes: watch::Receiver<u32>,
) -> io::Result<ExitStatus> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut child = tokio::process::Command::from(command)
            .kill_on_drop(true)
            .spawn()?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok());
        loop {
            tokio::select! {
                ended = child.wait() => return ended,
                // Where a terminal has told it already, both are one request for it.
                Ok(()) = wishes.changed() => {
                    if let Some(pid) = pid {
                        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
                    }
                }
            }
        }
    })
}

fn complain(text: &str) -> i32 {
    let _ = writeln!(anstream::stderr(), "error: {}", visible(text));
    exit_code::BROKEN
}
