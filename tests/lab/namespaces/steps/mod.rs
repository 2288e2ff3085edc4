//! Steps in real namespaces: the page's host with its real networkd, and ghosts in the place of guests. No image, no QEMU, and
//! no root where user namespaces and subordinate ids are at hand.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

mod answers;
mod background;
mod guests;
mod machines;
mod networkd;

use std::fs;
use std::path::Path;

use bridgelab_harness::report::{Outcome, RunReport, StepReport};
use support::{bridgelab, lan_scenario, ran, root};

/// A guest as on the page, with its unit files beside the host's.
pub(crate) const GUEST: &str = r#"
[guests.test1]
units = "guest"
interfaces = [{ type = "tap", id = "vm-test1", mac = "02:00:00:00:00:01" }]
"#;

/// Runs the page's host with this text added to its file; `None`, said aloud, when this host cannot run it.
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
    ran(&mut command, folder).map(|(run, _)| run)
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
