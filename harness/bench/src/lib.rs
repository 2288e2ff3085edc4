//! What `bridgelab bench` measures: what things take, in turn with what they are compared with, in one call. The program has the
//! command line, and says how it went.
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
pub mod markdown;
mod options;
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

pub use options::Options;
pub use record::Record;
pub use rounds::Stop;
pub use scratch::{Scratch, WORKER_COMMAND as FOLDER_COMMAND, worker_main as folder_main};
pub use worker::{WORKER_COMMAND, worker_main};

use tokio::sync::watch;

use context::Context;
use machine::Machine;
use record::{BenchRecord, SCHEMA};

/// A benchmark.
pub struct Bench {
    /// What it is asked for by.
    pub name: &'static str,
    /// What it measures, in a sentence.
    pub about: &'static str,
    /// How often it measures everything, unless something else is asked for.
    pub rounds: u16,
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

/// The benchmarks of these names, in their own order; all of them where none is named.
///
/// # Errors
/// Which name nobody has, and those there are.
pub fn wanted(names: &[String]) -> Result<Vec<&'static Bench>, String> {
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

/// Measures. `interrupts` counts requests to end: the first ends in good order what is being measured, the second kills it.
/// `begin` is called when from then on a folder of this call is taken away by ending in good order.
///
/// # Errors
/// [`Stop::Interrupted`], and [`Stop::Failed`] when nothing could be measured. A benchmark that failed is part of the record.
pub async fn measure(
    options: &Options,
    wanted: &[&Bench],
    interrupts: watch::Receiver<u32>,
    begin: impl FnOnce(),
) -> Result<Record, Stop> {
    let machine = Machine::here(options.accelerator).await;
    let mut context = Context::new(options, machine, interrupts)?;
    begin();
    let mut benches = Vec::new();
    for bench in wanted {
        let rounds = options.rounds.unwrap_or(bench.rounds);
        context.begin(bench.name, bench.about, rounds);
        let record = (bench.measure)(&context).await?;
        benches.push(record);
    }
    let record = Record {
        schema: SCHEMA,
        machine: context.machine.clone(),
        benches,
    };
    if record.any_failed() {
        context.keep();
    }
    Ok(record)
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
