//! `bridgelab matrix`: one scenario under every combination of some values, and the verdicts in one table.

mod axes;

use std::io::Write;
use std::path::{Path, PathBuf};

use bridgelab_harness::report::side_by_side::{Combination, SideBySide};
use bridgelab_harness::report::{Outcome, RunReport, exit_code};
use bridgelab_harness::scenario::instances::GREEN;
use bridgelab_harness::scenario::{LoadedScenario, Overrides, ScenarioErrors};
use clap::Args;

use self::axes::{Axes, Chosen, How};
use crate::cli::RunArgs;
use crate::commands::{checked, load, named};
use crate::output::{self, say, to_stdout};
use crate::run::reports;
use crate::run::wanted::{self, Wanted};
use crate::signals::{self, Signals};

pub(crate) const EXIT_CODES: &str = "\
Exit codes are those of `bridgelab run` for all runs together; a combination that cannot be is none of them.";

/// Most combinations. More would take a night under TCG, so they were probably not meant.
const MOST: usize = 64;

/// Options of `bridgelab matrix`.
#[derive(Debug, Args)]
pub(crate) struct MatrixArgs {
    /// Scenario name under scenarios/, or a path anywhere.
    scenario: String,
    /// The form: `green` or a variant. Without it: the green form.
    #[arg(long)]
    variant: Option<String>,
    /// The green form and every variant.
    #[arg(long, conflicts_with = "variant")]
    all_variants: bool,
    #[command(flatten)]
    axes: Axes,
    #[command(flatten)]
    vmms: crate::doctor::VmmArgs,
    /// Write the table as Markdown into a file, or `-` for stdout, where it goes without this option as well.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write the table with the reports of all runs as JSON into a file, or `-` for stdout, in the table's place.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Install what is missing on this machine (apt) before running.
    #[arg(long, env = "BRIDGELAB_SETUP", value_parser = clap::builder::FalseyValueParser::new())]
    setup: bool,
    /// Run at most N labs at once, as of `bridgelab run`.
    #[arg(long, value_name = "N", env = "BRIDGELAB_JOBS", value_parser = clap::value_parser!(u32).range(1..))]
    jobs: Option<u32>,
    /// Folder for evidence; a folder for each run is made in it.
    #[arg(long, value_name = "DIR")]
    evidence: Option<PathBuf>,
}

/// A row of the table before its run.
struct Planned {
    form: String,
    values: Vec<String>,
    /// Options of `bridgelab run`; rows with the same options are run together.
    options: Vec<(How, String)>,
    wanted: Result<Box<Wanted>, String>,
    /// Report of the run, once there is one.
    run: Option<RunReport>,
}

/// Runs every combination and writes the table.
pub(crate) fn matrix(args: &MatrixArgs) -> i32 {
    let chosen = match args.axes.chosen() {
        Ok(chosen) => chosen,
        Err(faults) => {
            for fault in faults {
                complain(&fault);
            }
            return exit_code::INVALID;
        }
    };
    let files = [("--json", &args.json), ("--markdown", &args.markdown)];
    let files = files.map(|(option, path)| (option, path.as_deref()));
    if let Err(unwritable) = output::try_files(&files) {
        return unwritable.complain();
    }
    let (path, loaded) = match load(&args.scenario) {
        Ok(found) => found,
        Err(code) => return code,
    };
    let forms = match forms(args, &loaded) {
        Ok(forms) => forms,
        Err(code) => return code,
    };
    let rows = match planned(args, &path, &chosen, &forms) {
        Ok(rows) => rows,
        Err(many) => {
            complain(&format!(
                "these are {many} combinations, and more than {MOST} are none that anybody waits for"
            ));
            return exit_code::INVALID;
        }
    };
    let combinations = match carry_out(args, rows) {
        Ok(combinations) => combinations,
        Err(code) => return code,
    };
    let axes = chosen.iter().map(|one| one.axis.name.to_owned());
    let side_by_side = SideBySide::new(loaded.name(), axes.collect(), combinations);
    let runs = side_by_side.runs();
    let code = match runs.is_empty() {
        true => exit_code::INVALID,
        false => exit_code::worst(&runs),
    };
    write(args, &side_by_side, code)
}

fn complain(text: &str) {
    let _ = writeln!(anstream::stderr(), "error: {text}");
}

/// The names of the instances that were asked for, without values of the file's own matrix: every combination has those.
fn forms(args: &MatrixArgs, loaded: &LoadedScenario) -> Result<Vec<String>, i32> {
    if args.all_variants {
        let variants = loaded.variants().map(ToString::to_string);
        return Ok(std::iter::once(GREEN.to_owned()).chain(variants).collect());
    }
    let form = args.variant.as_deref().unwrap_or(GREEN);
    named(loaded, form).map(|_| vec![form.to_owned()])
}

/// The rows of the table, in the order of the axes' values.
///
/// # Errors
/// How many rows there would be, if these are too many.
fn planned(
    args: &MatrixArgs,
    path: &Path,
    chosen: &[Chosen],
    forms: &[String],
) -> Result<Vec<Planned>, usize> {
    let counts = chosen.iter().map(|one| one.values.len());
    let count = counts.fold(1_usize, usize::saturating_mul);
    if count.saturating_mul(forms.len()) > MOST {
        return Err(count.saturating_mul(forms.len()));
    }
    let mut rows = Vec::new();
    for combination in combinations(chosen) {
        let overrides: Vec<Overrides> = combination
            .iter()
            .filter_map(|(_, value)| value.overrides.clone())
            .collect();
        let options: Vec<(How, String)> = combination
            .iter()
            .filter(|(_, value)| value.overrides.is_none())
            .map(|(one, value)| (one.axis.how, value.text.clone()))
            .collect();
        let values: Vec<String> = combination
            .iter()
            .map(|(_, value)| value.text.clone())
            .collect();
        let guests = run_args(args, &options).guests;
        let loaded = checked(path, &overrides);
        let row = |form: &str, wanted| Planned {
            form: form.to_owned(),
            values: values.clone(),
            options: options.clone(),
            wanted,
            run: None,
        };
        for form in forms {
            match &loaded {
                Err(faults) => rows.push(row(form, Err(reason(faults)))),
                Ok(loaded) => match loaded.named(form) {
                    Err(gone) => rows.push(row(form, Err(gone.to_string()))),
                    Ok(found) => rows.extend(found.into_iter().map(|scenario| {
                        let wanted = wanted::read(path, loaded).map(|sources| {
                            Box::new(Wanted::new(path, scenario, guests, &overrides, &sources))
                        });
                        row(&scenario.own_form(), wanted)
                    })),
                },
            }
        }
    }
    Ok(rows)
}

/// Every combination of one value of each axis; the last axis changes first.
fn combinations(chosen: &[Chosen]) -> Vec<Vec<(&Chosen, &axes::Value)>> {
    chosen.iter().fold(vec![Vec::new()], |before, one| {
        let with = |combination: &Vec<_>| {
            let combination = combination.clone();
            one.values.iter().map(move |value| {
                let mut longer = combination.clone();
                longer.push((one, value));
                longer
            })
        };
        before.iter().flat_map(with).collect()
    })
}

/// Why a combination is impossible, on one line.
fn reason(faults: &ScenarioErrors) -> String {
    let told = faults.faults().map(|fault| {
        let variants: Vec<_> = fault
            .variants
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        match variants.as_slice() {
            [] => fault.message.clone(),
            some => format!("{} (in {})", fault.message, some.join(", ")),
        }
    });
    told.collect::<Vec<_>>().join("; ")
}

/// The options of `bridgelab run` with which a row is run.
fn run_args(args: &MatrixArgs, options: &[(How, String)]) -> RunArgs {
    let mut run = RunArgs {
        scenarios: vec![args.scenario.clone()],
        setup: args.setup,
        jobs: args.jobs,
        evidence: args.evidence.clone(),
        vmms: args.vmms.clone(),
        // Keep stdout for the table.
        quiet: true,
        // A row may be skipped in part: the table says what each row has shown.
        require_all: Some(false),
        ..RunArgs::default()
    };
    for (how, value) in options {
        how.set(&mut run, value);
    }
    run
}

/// Runs the rows, those with the same options of `bridgelab run` together.
fn carry_out(args: &MatrixArgs, mut rows: Vec<Planned>) -> Result<Vec<Combination>, i32> {
    let mut interrupted = false;
    for first in 0..rows.len() {
        let options = rows[first].options.clone();
        if rows[..first].iter().any(|row| row.options == options) {
            continue; // ran with that one
        }
        let together = rows.iter_mut();
        let together = together.filter(|row| row.options == options && row.wanted.is_ok());
        let together: Vec<&mut Planned> = together.collect();
        if interrupted {
            for row in together {
                row.wanted = Err("interrupted before it began".to_owned());
            }
            continue;
        }
        let wanted = together.iter().filter_map(|row| row.wanted.as_ref().ok());
        let wanted: Vec<Wanted> = wanted.map(|one| (**one).clone()).collect();
        if wanted.is_empty() {
            continue;
        }
        let signals = Signals::listen(Box::new(signals::before_anything))?;
        let runs = reports(&run_args(args, &options), &wanted, signals)?;
        interrupted = runs.iter().any(|run| run.outcome == Outcome::Cancelled);
        // Reports come in the order of the rows.
        let mut runs = runs.into_iter();
        for row in together {
            row.run = runs.next();
        }
    }
    let combination = |row: Planned| Combination {
        form: row.form,
        values: row.values,
        reason: row.wanted.err(),
        run: row.run,
    };
    Ok(rows.into_iter().map(combination).collect())
}

/// Writes the table as it was asked for: to stdout, unless JSON goes there. Returns the exit code of a call that would
/// otherwise end with `code`.
fn write(args: &MatrixArgs, side_by_side: &SideBySide, mut code: i32) -> i32 {
    let markdown = side_by_side.markdown();
    if !to_stdout(args.json.as_deref()) {
        say(markdown.trim_end());
    }
    if let Some(path) = args.markdown.as_ref().filter(|path| !to_stdout(Some(path))) {
        code = output::write(code, "--markdown", path, &markdown);
    }
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(side_by_side).unwrap_or_default();
        code = output::write(code, "--json", path, &json);
    }
    code
}
