//! Steps, done in real namespaces: the page's host with its real networkd, and ghosts in the place of guests. No image,
//! no QEMU, and no root where user namespaces and subordinate ids are at hand.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

mod answers;
mod guests;
mod machines;
#[expect(dead_code, reason = "every test binary uses its part")]
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;

use bridgelab_harness::report::{NOT_SHOWN, Outcome, Report, RunReport, StepReport};
use support::{bridgelab, lan_scenario, root, skip};

/// A guest as the page has it, with its unit files beside the host's.
pub(crate) const GUEST: &str = r#"
[guests.test1]
units = "guest"
interfaces = [{ type = "tap", id = "vm-test1", mac = "02:00:00:00:00:01" }]
"#;

/// Runs the page's host with this text after it; `None`, said aloud, when this host cannot do it.
pub(crate) fn run(text: &str) -> Option<RunReport> {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let guest = folder.path().join("guest");
    fs::create_dir(&guest).expect("a folder");
    let unit = "scenarios/simple-network/guest/20-lan.network";
    fs::copy(root().join(unit), guest.join("20-lan.network")).expect("a copy");
    let scenario = lan_scenario(folder.path(), text);
    run_file(folder.path(), &scenario, &[])
}

pub(crate) fn run_file(folder: &Path, scenario: &Path, words: &[&str]) -> Option<RunReport> {
    let mut command = bridgelab(&["run"]);
    command.arg(scenario).args(words);
    command.args(["--guests", "ghost", "--evidence"]);
    command.arg(folder.join("evidence"));
    command.arg("--json").arg(folder.join("report.json"));
    let output = command.output().expect("the program under test starts");
    let verdict = String::from_utf8_lossy(&output.stdout);
    let progress = String::from_utf8_lossy(&output.stderr);
    let text = fs::read_to_string(folder.join("report.json"));
    let text = text.unwrap_or_else(|error| panic!("no report ({error}): {verdict}\n{progress}"));
    let report: Report = serde_json::from_str(&text).expect("a report");
    let run = report.runs.into_iter().next().expect("one run");
    let code = run.problem.as_ref().map(|problem| problem.code.as_str());
    if run.outcome == Outcome::Skipped && code != Some(NOT_SHOWN) {
        skip(&verdict);
        return None;
    }
    eprintln!("{verdict}{progress}");
    assert!(run.leaks.is_empty(), "{verdict}");
    Some(run)
}

pub(crate) fn step<'a>(run: &'a RunReport, id: &str) -> &'a StepReport {
    let found = run.steps.iter().find(|step| step.id == id);
    found.unwrap_or_else(|| panic!("no step {id}: {:?}", run.steps))
}

pub(crate) fn passes(run: &RunReport) {
    assert_eq!(
        run.outcome,
        Outcome::Passed,
        "{:?} {:?}",
        run.differences,
        run.problem
    );
}
