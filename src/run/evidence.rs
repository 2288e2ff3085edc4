//! The folder that each run leaves behind.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use bridgelab_harness::lab::durations::state_folder;
use bridgelab_harness::report::text::{Colour, verdict};
use bridgelab_harness::report::{Report, RunReport, SCHEMA};

use super::wanted::Wanted;
use crate::cli::RunArgs;

/// Makes `DIR/SCENARIO[-VARIANT]-SECONDS-PID`, below the user's state folder unless told otherwise.
pub(super) fn make_folder(args: &RunArgs, one: &Wanted) -> std::io::Result<PathBuf> {
    let base = args
        .evidence
        .clone()
        .or_else(|| state_folder().map(|state| state.join("runs")))
        .unwrap_or_else(|| PathBuf::from("bridgelab-runs"));
    std::fs::create_dir_all(&base)?;
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let name = one.title().replace(['/', ':', ','], "-");
    let name = format!("{name}-{seconds}-{}", std::process::id());
    // The same form may be asked for twice.
    let names = std::iter::once(name.clone()).chain((2..).map(|n: u32| format!("{name}-{n}")));
    for name in names {
        let folder = base.join(name);
        match std::fs::create_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(()) => {
                // Written first: a folder with this file and no result is a run that died.
                let text = format!("{} pid {}\n", one.name, std::process::id());
                std::fs::write(folder.join("started"), text)?;
                return folder.canonicalize();
            }
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// `report.json` and the verdict's word as a file of its own.
pub(super) fn save(evidence: &Path, report: &RunReport) {
    let whole = Report {
        schema: SCHEMA,
        runs: vec![report.clone()],
    };
    let json = serde_json::to_string_pretty(&whole).unwrap_or_default();
    let word = serde_json::to_value(report.outcome).ok();
    let word = word
        .as_ref()
        .and_then(|word| word.as_str())
        .unwrap_or("broken");
    for (name, text) in [
        ("report.json", json.as_str()),
        ("verdict.txt", &verdict(report, Colour::Off)),
        (word, ""),
    ] {
        if let Err(error) = std::fs::write(evidence.join(name), text) {
            let _ = writeln!(
                anstream::stderr(),
                "warning: write `{name}` into the evidence: {error}"
            );
        }
    }
}
