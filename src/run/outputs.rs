//! Where a call's verdicts and reports go.

use std::io::Write;
use std::path::PathBuf;

use bridgelab_harness::report::text::summary;
use bridgelab_harness::report::{Report, RunReport, SCHEMA, exit_code, junit};

use super::{evidence, hold};
use crate::cli::RunArgs;
use crate::output::{self, Unwritable, say, to_stdout};
use crate::report;

/// Files and streams that verdicts and reports go to.
#[derive(Debug, Clone)]
pub(super) struct Outputs {
    json: Option<PathBuf>,
    junit: Option<PathBuf>,
    /// Whether each verdict goes to stdout when it comes.
    pub(super) verdicts: bool,
    hold: bool,
}

impl Outputs {
    pub(super) fn of(args: &RunArgs) -> Self {
        let taken = [&args.json, &args.junit].map(|path| to_stdout(path.as_deref()));
        Self {
            json: args.json.clone(),
            junit: args.junit.clone(),
            verdicts: !args.hold && !args.quiet && taken == [false, false],
            hold: args.hold,
        }
    }

    /// Tries whether all of them can be written, and evidence as well.
    ///
    /// # Errors
    /// The first that cannot be written.
    pub(super) fn tried(&self, args: &RunArgs) -> Result<(), Unwritable> {
        output::try_files(&[
            ("--json", self.json.as_deref()),
            ("--junit", self.junit.as_deref()),
        ])?;
        output::try_evidence(&evidence::base(args))
    }

    /// Shows the verdicts of runs when none of them began.
    pub(super) fn unbegun(&self, runs: Vec<RunReport>) -> Vec<RunReport> {
        for run in runs.iter().filter(|_| self.verdicts) {
            say(&report::printed(run, false));
        }
        runs
    }

    /// Writes the reports, and returns the exit code for all runs.
    pub(super) fn finish(&self, runs: Vec<RunReport>) -> i32 {
        let mut code = exit_code::worst(&runs);
        if runs.len() > 1 {
            let _ = writeln!(anstream::stderr(), "{}", summary(&runs));
        }
        for run in runs.iter().filter(|_| self.hold) {
            let report = Box::new(run.clone());
            hold::tell(&hold::Event::Report { report });
        }
        let report = Report {
            schema: SCHEMA,
            runs,
        };
        if let Some(path) = &self.json {
            code = match serde_json::to_string_pretty(&report) {
                Ok(json) => output::write(code, "--json", path, &json),
                Err(error) => output::unwritten(code, "--json", path, &error),
            };
        }
        if let Some(path) = &self.junit {
            code = match junit::render(&report) {
                Ok(xml) => output::write(code, "--junit", path, &xml),
                Err(error) => output::unwritten(code, "--junit", path, &error),
            };
        }
        code
    }
}
