//! `bridgelab report`: verdicts and timings of runs that are over.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use bridgelab_harness::report::text::{Colour, verdict};
use bridgelab_harness::report::{Report, RunReport, exit_code, timings};
use bridgelab_harness::visible::visible;
use clap::Args;

use crate::output::say;

/// The report in a folder of evidence.
pub(crate) const FILE: &str = "report.json";

/// Columns of a chart where there is no terminal.
const COLUMNS: u16 = 100;

/// Options of `bridgelab report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// File that `run --json` wrote, or a folder of evidence.
    file: PathBuf,
    /// Draw where each run's time went.
    #[arg(long)]
    timings: bool,
}

/// Prints a report; the exit code is that of its runs.
pub(crate) fn report(args: &ReportArgs) -> i32 {
    let report = match read(&args.file) {
        Ok(report) => report,
        Err(why) => {
            let _ = writeln!(anstream::stderr(), "error: {}", visible(&why));
            return exit_code::INVALID;
        }
    };
    for run in &report.runs {
        say(&printed(run, args.timings));
    }
    exit_code::worst(&report.runs)
}

/// Reads the report in a file, or in a folder of evidence, as [`rerun`](crate::rerun) takes one.
///
/// # Errors
/// Why the report cannot be read, with the command that shows where one is.
pub(crate) fn read(path: &Path) -> Result<Report, String> {
    let file = match path.is_dir() {
        true => path.join(FILE),
        false => path.to_owned(),
    };
    let read = std::fs::read(&file).and_then(|text| Ok(serde_json::from_slice(&text)?));
    read.map_err(|error| {
        format!(
            "read the report `{}`: {error}\n  help: it is what `bridgelab run --json FILE` writes, or the folder that a \
             verdict ends with, `evidence: FOLDER`",
            file.display()
        )
    })
}

/// A run's verdict for stdout, with its chart if wanted, and without a line break at the end.
pub(crate) fn printed(run: &RunReport, with_timings: bool) -> String {
    let colour = if std::io::stdout().is_terminal() {
        Colour::On
    } else {
        Colour::Off
    };
    let mut text = verdict(run, colour);
    if with_timings {
        let width = terminal_size::terminal_size_of(std::io::stdout());
        let width = width.map_or(COLUMNS, |(width, _)| width.0);
        text.push_str(&visible(&timings::chart(run, width.into())));
    }
    text.truncate(text.trim_end().len());
    text
}
