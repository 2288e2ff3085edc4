//! The folder that each run leaves behind.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use bridgelab_harness::host::free_space::room;
use bridgelab_harness::lab::durations::state_folder;
use bridgelab_harness::report::text::{Colour, verdict};
use bridgelab_harness::report::{Outcome, Report, RunReport, SCHEMA, html, perfetto};
use bridgelab_harness::scenario::Scenario;

use super::wanted::Wanted;
use crate::cli::RunArgs;

/// Bytes of room below which a file system counts as full: a page.
const FULL: u64 = 4096;

/// Most bytes of a run's title in the name of its folder.
const TITLE: usize = 200;

/// File that keeps room in the evidence while its run goes on.
const RESERVE: &str = ".reserve";

/// Bytes of that file: enough for a verdict and a report.
const RESERVED: usize = 128 << 10;

/// The folder for the evidence of all runs: below the user's state folder unless told otherwise.
pub(super) fn base(args: &RunArgs) -> PathBuf {
    args.evidence
        .clone()
        .or_else(|| state_folder().map(|state| state.join("runs")))
        .unwrap_or_else(|| PathBuf::from("bridgelab-runs"))
}

/// Makes `DIR/SCENARIO[-VARIANT]-SECONDS-PID`.
pub(super) fn make_folder(args: &RunArgs, one: &Wanted) -> std::io::Result<PathBuf> {
    let base = base(args);
    std::fs::create_dir_all(&base)?;
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let title = one.title().replace(['/', ':', ','], "-");
    // Cut the title: with time, process and number behind it, the name may have 255 bytes on a file system.
    let mut end = title.len().min(TITLE);
    while !title.is_char_boundary(end) {
        end -= 1;
    }
    let name = &title[..end];
    let name = format!("{name}-{seconds}-{}", std::process::id());
    // Add a number where the folder exists, since the same instance may be asked for twice.
    let names = std::iter::once(name.clone()).chain((2..).map(|n: u32| format!("{name}-{n}")));
    for name in names {
        let folder = base.join(name);
        match std::fs::create_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(()) => {
                // Write this first: a folder that has this file and no result is of a run that died.
                let text = format!("{} pid {}\n", one.name, std::process::id());
                std::fs::write(folder.join("started"), text)?;
                // Keep this room for the verdict, whatever fills the disk meanwhile.
                std::fs::write(folder.join(RESERVE), vec![0; RESERVED])?;
                return folder.canonicalize();
            }
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// Writes `report.json`, `report.html` and `verdict.txt`, and the verdict's word as a file of its own. A run whose evidence is not
/// whole has not passed.
pub(super) fn save(evidence: &Path, scenario: &Scenario, report: &mut RunReport) {
    match room(evidence) {
        // The last writer may have been a daemon, which tells nobody that it found no room.
        Ok(room) if room.free < FULL => report
            .unwritten
            .push(format!("{}: the file system is full", evidence.display())),
        Ok(_) => {}
        Err(error) => report
            .unwritten
            .push(format!("{}: {error}", evidence.display())),
    }
    report.weigh_unwritten();
    // Write the page before the report: where there is no room for it, the report says so.
    let times = perfetto::trace(report).to_string();
    keep(evidence, perfetto::FILE, &times, report);
    let page = super::page::render(evidence, scenario, report);
    keep(evidence, html::FILE, &page, report);
    // Remove the reserve after the page has been written, so that the page does not take its room.
    let _ = std::fs::remove_file(evidence.join(RESERVE));
    if let Err((name, error)) = try_save(evidence, report) {
        // Remove half a report, which would be worse than none.
        let _ = std::fs::remove_file(evidence.join(name));
        let lost = format!("{}: {error}", evidence.join(name).display());
        report.unwritten.push(lost);
        report.weigh_unwritten();
        // Small files may still find room.
        let _ = std::fs::write(evidence.join("verdict.txt"), verdict(report, Colour::Off));
        let _ = std::fs::write(evidence.join(word(report)), "");
    }
}

/// Writes one more file of a run's evidence. Where there is no room for it, none of it stays, and the run says so.
fn keep(evidence: &Path, name: &str, text: &str, report: &mut RunReport) {
    let file = evidence.join(name);
    if let Err(error) = std::fs::write(&file, text) {
        let _ = std::fs::remove_file(&file);
        report
            .unwritten
            .push(format!("{}: {error}", file.display()));
        report.weigh_unwritten();
    }
}

fn try_save(evidence: &Path, report: &RunReport) -> Result<(), (&'static str, std::io::Error)> {
    let whole = Report {
        schema: SCHEMA,
        runs: vec![report.clone()],
    };
    let json = serde_json::to_string_pretty(&whole).unwrap_or_default();
    let text = verdict(report, Colour::Off);
    // Write the word last: where it exists, so do the other files.
    let files = [("verdict.txt", text.as_str()), (crate::report::FILE, &json)];
    for (name, text) in files {
        std::fs::write(evidence.join(name), text).map_err(|error| (name, error))?;
    }
    let word = word(report);
    std::fs::write(evidence.join(word), "").map_err(|error| (word, error))
}

/// The outcome's word, as in the report.
fn word(report: &RunReport) -> &'static str {
    match report.outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Broken => "broken",
        Outcome::TimedOut => "timed-out",
        Outcome::Skipped => "skipped",
        Outcome::Cancelled => "cancelled",
    }
}
