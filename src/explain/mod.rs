//! `bridgelab explain`: why checks of a run do not hold, and whether the remedy mends it.

mod symptom;

use std::io::Write;
use std::path::Path;

use bridgelab_harness::report::{Report, causes, exit_code};
use bridgelab_harness::visible::visible;
use clap::Args;
use tokio::sync::watch;

use crate::output::say;
use crate::prove;
use crate::report::read;
use crate::signals::{self, Signals};

/// Options of `bridgelab explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A folder of evidence, a file that `run --json` wrote, or a scenario, which is run first.
    #[arg(required_unless_present = "symptom")]
    what: Option<String>,
    /// The form of a scenario, as `bridgelab run --variant` takes it.
    #[arg(long)]
    variant: Option<String>,
    /// What stands for the guests of a scenario that is run.
    #[arg(long, value_enum, default_value = "vm")]
    guests: crate::cli::Guests,
    /// Do not try remedies: without this, each that is a change of files is carried out in a second lab.
    #[arg(long)]
    no_prove: bool,
    /// Print the runs with their diagnoses as JSON.
    #[arg(long)]
    json: bool,
    /// Instead, list the scenarios that show a symptom: "container has no network".
    #[arg(long, value_name = "WORDS", conflicts_with_all = ["what", "variant", "no_prove", "json"])]
    symptom: Option<String>,
}

/// Explains; the exit code is 0 where there was something to read, whatever it says.
pub(crate) fn explain(args: &ExplainArgs) -> i32 {
    if let Some(words) = &args.symptom {
        return symptom::list(words);
    }
    let what = args.what.as_deref().unwrap_or_default();
    let signals = match Signals::listen(Box::new(signals::before_anything)) {
        Ok(signals) => signals,
        Err(code) => return code,
    };
    signals.begin();
    let wishes = signals.wishes();
    let mut report = match reported(what, args, &wishes) {
        Ok(report) => report,
        Err(code) => return code,
    };
    if !args.no_prove {
        for run in &mut report.runs {
            prove::remedies(run, &wishes);
        }
    }
    if let Some(by) = signals.first() {
        return by.exit_code();
    }
    if args.json {
        return match serde_json::to_string_pretty(&report) {
            Ok(json) => {
                say(&json);
                exit_code::PASSED
            }
            Err(error) => complain(&format!("write the report: {error}"), exit_code::BROKEN),
        };
    }
    let texts: Vec<String> = report.runs.iter().map(causes::explanation).collect();
    say(visible(&texts.join("\n")).trim_end());
    exit_code::PASSED
}

fn complain(text: &str, code: i32) -> i32 {
    let _ = writeln!(anstream::stderr(), "error: {}", visible(text));
    code
}

/// The report of what is there, or of a run that is made now.
///
/// # Errors
/// The exit code, where there is none; the reason was said.
fn reported(what: &str, args: &ExplainArgs, wishes: &watch::Receiver<u32>) -> Result<Report, i32> {
    let path = Path::new(what);
    let is_report = path.is_file()
        && path
            .extension()
            .is_some_and(|extension| extension == "json");
    if is_report || path.join(crate::report::FILE).is_file() {
        return read(path).map_err(|why| complain(&why, exit_code::INVALID));
    }
    let folder = tempfile::tempdir().map_err(|error| {
        complain(
            &format!("make a folder for the report: {error}"),
            exit_code::BROKEN,
        )
    })?;
    let mut words = ["run", what, "--diagnosis=always"]
        .map(str::to_owned)
        .to_vec();
    if let Some(variant) = &args.variant {
        words.extend(["--variant".to_owned(), variant.clone()]);
    }
    if args.guests == crate::cli::Guests::Ghost {
        words.extend(["--guests", "ghost"].map(ToOwned::to_owned));
    }
    let mut command = crate::own::program()
        .map_err(|error| complain(&format!("find this program: {error}"), exit_code::BROKEN))?;
    command.args(words);
    prove::reported(command, &folder.path().join(crate::report::FILE), wishes)
}
