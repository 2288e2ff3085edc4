//! `bridgelab mutate`: what of a scenario its checks would miss, found by breaking one thing at a time.
//!
//! ```text
//! files     the scenario's files
//! subject   a scenario that is mutated, and its copies
//! frozen    a mutant that was written down
//! corpus    the file of such mutants
//! freeze    writes one
//! patience  how long the checks of a mutant may take
//! evidence  the state of a lab, from the evidence of its run
//! state     whether the lab's state is another one
//! verdict   what became of a mutant
//! named     whether the diagnosis names what was broken
//! interval  rates with their bounds
//! record    what is reported, in JSON
//! coverage  which lines no check would miss
//! text      the report in words
//! trial     one scenario with its mutants
//! ```

pub(crate) mod corpus;
mod coverage;
mod evidence;
mod files;
mod freeze;
pub(crate) mod frozen;
pub(crate) mod interval;
pub(crate) mod named;
pub(crate) mod patience;
mod record;
mod state;
pub(crate) mod subject;
mod text;
mod trial;
pub(crate) mod verdict;

use std::io::Write;
use std::path::PathBuf;

use bridgelab_harness::did_you_mean::suggest;
use bridgelab_harness::plan::shell::quote;
use bridgelab_harness::report::exit_code;
use bridgelab_harness::scenario::mutation::{self, Operator};
use clap::Args;

use self::record::{Figures, MutationReport, SCHEMA};
use crate::cli::Guests;
use crate::output::{self, say, to_stdout};
use crate::signals::{self, Signals};

pub(crate) const EXIT_CODES: &str = "\
Exit codes:
    0  the mutants were run, whatever became of them
    1  a check of the unbroken scenario does not hold
    2  a scenario or an option is invalid, or a report's place cannot be written; nothing was built
    3  this host cannot run the unbroken scenario
    4  host, image, VMM or harness broke in the unbroken scenario, or a report could not be written
    6  a stage of the unbroken scenario took too long
  130  interrupted by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP; what was run until then is reported";

/// How many mutants of a scenario are run if nobody says it.
const COUNT: usize = 50;

/// Options of `bridgelab mutate`.
#[derive(Debug, Args)]
pub(crate) struct MutateArgs {
    /// Scenario names under scenarios/, or paths anywhere. The green form of each is mutated.
    #[arg(required_unless_present = "list_operators")]
    scenarios: Vec<String>,
    /// Run so many mutants of each scenario, drawn so that each operator has its turn. Without it: 50.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    count: Option<u32>,
    /// Run every mutant.
    #[arg(long, conflicts_with = "count")]
    all: bool,
    /// What mutants are drawn by: the same seed draws the same ones in the same order.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Only these operators, by their names, layers, or the words before the dot: `unit.delete-line,bridge`.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    operators: Vec<String>,
    /// Instead, list the operators: name, layer, and what each does.
    #[arg(long, conflicts_with_all = ["scenarios", "count", "all", "operators"])]
    list_operators: bool,
    /// What stands for the guests.
    #[arg(long, value_enum, default_value = "ghost")]
    guests: Guests,
    /// Write all of it as JSON into a file, or `-` for stdout, in the text's place.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Run at most N labs at once, as of `bridgelab run`.
    #[arg(long, value_name = "N", env = "BRIDGELAB_JOBS", value_parser = clap::value_parser!(u32).range(1..))]
    jobs: Option<u32>,
    /// Instead of running the mutants, write those that `bridgelab check` takes into a file, as a corpus for `bridgelab bench
    /// diagnosis`: what it measures stays the same when operators change.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "jobs", "evidence"])]
    freeze: Option<PathBuf>,
    /// Of each scenario, so many pairs of these mutants, which break two files at once.
    #[arg(long, value_name = "N", default_value_t = 5, requires = "freeze")]
    doubles: usize,
    /// Keep the evidence of every run in this folder. Without it, evidence is read and removed.
    #[arg(long, value_name = "DIR")]
    evidence: Option<PathBuf>,
}

/// Mutates the scenarios, one after another, and writes the report.
pub(crate) fn mutate(args: &MutateArgs) -> i32 {
    if args.list_operators {
        for one in mutation::all() {
            let only = if one.needs_guests {
                " Only with `--guests vm`."
            } else {
                ""
            };
            say(&format!(
                "{:<28} {:<9} {}{only}",
                one.name,
                one.layer.name(),
                one.says
            ));
        }
        return exit_code::PASSED;
    }
    let operators = match operators(args) {
        Ok(operators) => operators,
        Err(unknown) => {
            let _ = writeln!(anstream::stderr(), "error: {unknown}");
            return exit_code::INVALID;
        }
    };
    let files = [
        ("--json", args.json.as_deref()),
        ("--freeze", args.freeze.as_deref()),
    ];
    if let Err(unwritable) = output::try_files(&files) {
        return unwritable.complain();
    }
    let wanted = trial::Wanted {
        operators,
        count: match args.all {
            true => usize::MAX,
            false => args.count.map_or(COUNT, |count| count as usize),
        },
        seed: args.seed,
        guests: args.guests,
        jobs: args.jobs,
        evidence: args.evidence.clone(),
    };
    if let Some(file) = &args.freeze {
        return freeze::write(&wanted, &args.scenarios, args.doubles, file);
    }
    let signals = match Signals::listen(Box::new(signals::before_anything)) {
        Ok(signals) => signals,
        Err(code) => return code,
    };
    // Whatever ends the call, what was measured until then is told.
    signals.begin();
    let (mut scenarios, mut code) = (Vec::new(), exit_code::PASSED);
    for scenario in &args.scenarios {
        let ended = trial::carry_out(&wanted, scenario, &signals);
        scenarios.extend(ended.record.map(|record| *record));
        if code == exit_code::PASSED {
            code = ended.code;
        }
        if ended.interrupted {
            break;
        }
    }
    let total = Figures::of(scenarios.iter().flat_map(|one| &one.mutants));
    let report = MutationReport {
        schema: SCHEMA,
        seed: args.seed,
        guests: match args.guests {
            Guests::Ghost => "ghost".to_owned(),
            Guests::Vm => "vm".to_owned(),
        },
        scenarios,
        total,
    };
    write(args, &report, code)
}

/// The operators that were asked for, in the order of the table.
fn operators(args: &MutateArgs) -> Result<Vec<&'static Operator>, String> {
    let mut names = Vec::new();
    for word in &args.operators {
        let found = mutation::named(word);
        if found.is_empty() {
            let known: Vec<&str> = mutation::all()
                .flat_map(|one| [one.name, one.layer.name()])
                .collect();
            let help = suggest(word, "operators", known.iter().copied());
            return Err(format!(
                "there is no operator {}\n  help: {help}; `bridgelab mutate --list-operators` lists them",
                quote(word)
            ));
        }
        names.extend(found.iter().map(|one| one.name));
    }
    let can = |one: &&Operator| args.guests == Guests::Vm || !one.needs_guests;
    let asked = |one: &&Operator| args.operators.is_empty() || names.contains(&one.name);
    let chosen: Vec<_> = mutation::all().filter(asked).filter(can).collect();
    match chosen.is_empty() {
        true => Err("only MicroVMs show what these operators do\n  help: `--guests vm`".to_owned()),
        false => Ok(chosen),
    }
}

fn write(args: &MutateArgs, report: &MutationReport, mut code: i32) -> i32 {
    if report.scenarios.is_empty() {
        return code;
    }
    if !to_stdout(args.json.as_deref()) {
        output::print(&text::text(report));
    }
    if let Some(path) = &args.json {
        code = match serde_json::to_string_pretty(report) {
            Ok(json) => output::write(code, "--json", path, &json),
            Err(error) => output::unwritten(code, "--json", path, &error),
        };
    }
    code
}
