//! Telling GitHub Actions how runs ended.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use bridgelab_harness::report::RunReport;
use bridgelab_harness::report::github::{Place, annotations, summary};

use super::wanted::Wanted;
use crate::output::print;

/// In a workflow: prints annotations, and adds to the summary of the step. A run never depends on it; what cannot be written is said.
/// `on_stdout`: whether stdout is free for it. GitHub reads both streams.
pub(super) fn tell(wanted: &[Wanted], runs: &[RunReport], on_stdout: bool) {
    if std::env::var_os("GITHUB_ACTIONS").is_none_or(|value| value != "true") {
        return;
    }
    let workspace = std::env::var_os("GITHUB_WORKSPACE").map(PathBuf::from);
    // Runs stand in the order in which they were wanted.
    let places = wanted
        .iter()
        .zip(runs)
        .map(|(one, run)| place(one, run, workspace.as_deref()));
    let text = annotations(&places.collect::<Vec<_>>());
    match on_stdout {
        true => print(&text),
        false => drop(anstream::stderr().write_all(text.as_bytes())),
    }
    let Some(file) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty()) else {
        return;
    };
    let opened = OpenOptions::new().append(true).create(true).open(&file);
    if let Err(error) = opened.and_then(|mut file| file.write_all(summary(runs).as_bytes())) {
        let file = Path::new(&file).display();
        let _ = writeln!(
            anstream::stderr(),
            "warning: write the step's summary `{file}` (GITHUB_STEP_SUMMARY): {error}"
        );
    }
}

/// Where the files of a run are, from the workspace.
fn place<'a>(one: &Wanted, run: &'a RunReport, workspace: Option<&Path>) -> Place<'a> {
    let below = |path: PathBuf| {
        let whole = path.canonicalize().unwrap_or_else(|_| path.clone());
        let workspace = workspace.and_then(|folder| folder.canonicalize().ok());
        let inside =
            workspace.and_then(|folder| whole.strip_prefix(folder).ok().map(Path::to_owned));
        inside.unwrap_or(path)
    };
    let file = match one.path.is_dir() {
        true => one.path.join("scenario.toml"),
        false => one.path.clone(),
    };
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    let files = run.diagnosis.iter().map(|found| {
        let shown = &found.cause.place.as_ref()?.file;
        // As it is shown, it may be named from the scenario's folder or from here.
        let all = [folder.join(shown), shown.clone()];
        all.into_iter().find(|path| path.is_file()).map(below)
    });
    Place {
        run,
        files: files.collect(),
        scenario: below(file),
    }
}
