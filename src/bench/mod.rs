//! `bridgelab bench`: what things take, measured in turn with what they are compared with, in one call.
//!
//! ```text
//! series, rounds   numbers; who is measured when        (pure)
//! record, markdown what was found, as data and as text  (pure)
//! machine          where it was measured
//! child, lab_run   programs that are measured; `bridgelab run` among them
//! worker           a hidden command: builds one topology in namespaces of its own
//! processes        what processes cost
//! the rest         one benchmark each
//! ```
//!
//! A benchmark is no test: it fails when what it measures does not do its work, never because it was slow.

mod child;
mod confinement;
mod context;
mod ghosts;
mod guests;
mod lab_run;
mod machine;
mod markdown;
mod overhead;
mod peer;
mod processes;
mod record;
mod rounds;
mod scratch;
mod series;
mod simple_network;
mod suite;
mod topology;
mod worker;

pub(crate) use scratch::{WORKER_COMMAND as FOLDER_COMMAND, worker_main as folder_main};
pub(crate) use worker::{WORKER_COMMAND, worker_main};

use std::io::Write;
use std::path::{Path, PathBuf};

use bridgelab_harness::host::capability::strict;
use bridgelab_harness::report::{Cancelled, exit_code};
use clap::Args;

use crate::cli::Accel;
use crate::output::{self, say};
use crate::signals::{self, Signals};
use context::Context;
use machine::Machine;
use record::{BenchRecord, Record, SCHEMA};
use rounds::Stop;

/// Options of `bridgelab bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Benchmarks; all of them when absent.
    names: Vec<String>,
    /// List the benchmarks.
    #[arg(long)]
    list: bool,
    /// How often everything is measured; each benchmark has its own number.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,
    /// What runs the guests' instructions.
    #[arg(long, value_enum, default_value = "auto")]
    accel: Accel,
    /// How many namespaces or guests, of the benchmarks that measure several sizes.
    #[arg(long, value_name = "N,N", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..))]
    sizes: Vec<u16>,
    /// Scenarios of the benchmark `suite`; all of them when absent.
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',')]
    scenarios: Vec<String>,
    /// Build the crate patchbay (with cargo) and measure it beside our topologies.
    #[arg(long)]
    patchbay: bool,
    /// Write everything that was measured as JSON into a file, or `-` for stdout.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the tables into a Markdown file, each in the place of its older self.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

/// A benchmark.
struct Bench {
    name: &'static str,
    about: &'static str,
    rounds: u16,
    measure: for<'a> fn(&'a Context<'a>) -> Measuring<'a>,
}

/// A benchmark that is being made; ends early only by [`Stop::Interrupted`].
type Measuring<'a> = std::pin::Pin<Box<dyn Future<Output = Result<BenchRecord, Stop>> + 'a>>;

/// All of them, the quick ones first.
const BENCHES: &[Bench] = &[
    Bench {
        name: topology::PAGE,
        about: "the page's machines and links: built by the harness, and by the `ip` commands of its plan",
        rounds: 15,
        measure: |context| Box::pin(topology::page(context)),
    },
    Bench {
        name: topology::SIZES,
        about: "N namespaces on a switch: by the harness, by `ip -batch`, by the crate patchbay (--patchbay)",
        rounds: 5,
        measure: |context| Box::pin(topology::sizes(context)),
    },
    Bench {
        name: confinement::NAME,
        about: "a lab in a user namespace of its own, and a command of a scenario in its machine's cell, beside both without",
        rounds: 15,
        measure: |context| Box::pin(confinement::measure(context)),
    },
    Bench {
        name: ghosts::NAME,
        about: "a verdict with ghost guests, beside what duplicate address detection takes of it",
        rounds: 5,
        measure: |context| Box::pin(ghosts::measure(context)),
    },
    Bench {
        name: guests::NAME,
        about: "N tiny guests on one bridge: time until all answer, and memory; from a template and cold",
        rounds: 3,
        measure: |context| Box::pin(guests::measure(context)),
    },
    Bench {
        name: overhead::NAME,
        about: "processor time and memory of the harness itself, beside those of the guests",
        rounds: 3,
        measure: |context| Box::pin(overhead::measure(context)),
    },
    Bench {
        name: simple_network::NAME,
        about: "the page with a real guest: from a template, cold, and by a script written by hand",
        rounds: 3,
        measure: |context| Box::pin(simple_network::measure(context)),
    },
    Bench {
        name: suite::NAME,
        about: "all scenarios with all variants, from templates and cold",
        rounds: 1,
        measure: |context| Box::pin(suite::measure(context)),
    },
];

/// Measures what was asked for; the exit code.
pub(crate) fn bench(args: &BenchArgs) -> i32 {
    let wanted = match wanted(&args.names) {
        Ok(wanted) => wanted,
        Err(error) => {
            let _ = writeln!(anstream::stderr(), "error: {error}");
            return exit_code::INVALID;
        }
    };
    if args.list {
        for bench in wanted {
            let (name, about, rounds) = (bench.name, bench.about, bench.rounds);
            say(&format!("{name}: {about} ({rounds} rounds)"));
        }
        return exit_code::PASSED;
    }
    let files = [("--json", &args.json), ("--markdown", &args.markdown)];
    let files = files.map(|(option, path)| (option, path.as_deref()));
    if let Err(unwritable) = output::try_files(&files) {
        return unwritable.complain();
    }
    let signals = match Signals::listen(Box::new(signals::before_anything)) {
        Ok(signals) => signals,
        Err(code) => return code,
    };
    let measured = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Stop::Failed(format!("start the runtime: {error}")))
        .and_then(|runtime| runtime.block_on(measure(args, &wanted, &signals)));
    match measured {
        Ok(record) => finish(args, &record),
        Err(Stop::Interrupted) => {
            let by = signals.settled().unwrap_or(Cancelled::Interrupted);
            let _ = writeln!(anstream::stderr(), "{}: nothing was written", by.word());
            by.exit_code()
        }
        Err(Stop::Skipped(why) | Stop::Failed(why)) => {
            let _ = writeln!(anstream::stderr(), "error: {why}");
            exit_code::BROKEN
        }
    }
}

/// The benchmarks of these names, in their own order.
fn wanted(names: &[String]) -> Result<Vec<&'static Bench>, String> {
    let known = |name: &String| BENCHES.iter().any(|bench| bench.name == name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let known: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
        let known = known.join(" ");
        return Err(format!(
            "there is no benchmark `{unknown}`; there are: {known}"
        ));
    }
    let asked = |bench: &&Bench| names.is_empty() || names.iter().any(|name| name == bench.name);
    Ok(BENCHES.iter().filter(asked).collect())
}

async fn measure(args: &BenchArgs, wanted: &[&Bench], signals: &Signals) -> Result<Record, Stop> {
    let machine = Machine::here(args.accel).await;
    let mut context = Context::new(args, machine, signals)?;
    let mut benches = Vec::new();
    for bench in wanted {
        context.begin(bench.name, bench.about, args.rounds.unwrap_or(bench.rounds));
        let record = (bench.measure)(&context).await?;
        benches.push(record);
    }
    let failed = |bench: &BenchRecord| bench.subjects.iter().any(|one| one.failed.is_some());
    if benches.iter().any(failed) {
        context.keep();
    }
    Ok(Record {
        schema: SCHEMA,
        machine: context.machine.clone(),
        benches,
    })
}

/// Writes and prints what was found. What failed makes the exit code; what was skipped does only under
/// `BRIDGELAB_STRICT=1`.
fn finish(args: &BenchArgs, record: &Record) -> i32 {
    let to_stdout = args.json.as_deref() == Some(Path::new("-"));
    if !to_stdout {
        say(markdown::sections(record).trim_end());
    }
    let json = serde_json::to_string_pretty(record).unwrap_or_default();
    let written = [
        args.json.as_ref().map(|path| (path, json.clone())),
        args.markdown.as_ref().map(|path| {
            let document = std::fs::read_to_string(path).unwrap_or_default();
            (path, markdown::merge(&document, record))
        }),
    ];
    let mut code = exit_code::PASSED;
    for (path, text) in written.into_iter().flatten() {
        code = output::write(code, "--json or --markdown", path, &text);
    }
    if code != exit_code::PASSED {
        return code;
    }
    let mut subjects = record.benches.iter().flat_map(|bench| &bench.subjects);
    if subjects.clone().any(|subject| subject.failed.is_some()) {
        exit_code::BROKEN
    } else if strict() && subjects.any(|subject| subject.skipped.is_some()) {
        exit_code::HOST_CANNOT
    } else {
        exit_code::PASSED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn benchmarks_are_named_once_and_asked_for_by_name() {
        let mut names: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
        assert_eq!(wanted(&[]).expect("all").len(), names.len());
        let some = [topology::SIZES.to_owned(), topology::PAGE.to_owned()];
        let some = wanted(&some).expect("both are known");
        let some: Vec<&str> = some.iter().map(|bench| bench.name).collect();
        assert_eq!(some, [topology::PAGE, topology::SIZES]);
        let unknown = wanted(&[topology::PAGE.to_owned(), "nosuch".to_owned()]);
        assert!(unknown.is_err_and(|error| error.contains("`nosuch`")));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), BENCHES.len());
    }
}
