//! `bridgelab bench diagnosis`: how well runs say why checks do not hold, by a corpus of mutants that stays the same.
//!
//! ```text
//! sample    which mutants of the corpus are measured
//! copies    copies of a scenario in which something is broken
//! batch     several runs of them
//! hop       where a packet stopped, by comparison with the unbroken lab
//! baseline  what can be said without a diagnosis
//! judge     what a run says
//! trial     one scenario
//! record    what is reported, in JSON
//! figures   what it comes to
//! text      the report for people
//! ```

mod baseline;
mod batch;
mod copies;
mod figures;
mod hop;
mod judge;
mod record;
mod sample;
mod text;
mod trial;

use std::io::Write;
use std::path::PathBuf;

use bridgelab_harness::report::exit_code;
use bridgelab_harness::visible::visible;
use clap::Args;

use self::figures::Figures;
use self::record::{Record, SCHEMA};
use self::trial::Asked;
use super::BenchArgs;
use crate::mutate::corpus::Corpus;
use crate::output::{self, to_stdout};
use crate::own;
use crate::signals::{self, Signals};

/// What it is asked for by.
pub(super) const NAME: &str = "diagnosis";

/// What it measures, in a sentence.
pub(super) const ABOUT: &str = "how often a red run names the hop and the line that was broken, over a corpus of mutants; only when it is named";

/// How often each unbroken scenario is run, unless something else is asked for.
pub(super) const ROUNDS: u16 = 2;

/// The corpus of this program's own tree.
const CORPUS: &str = "harness/bench/diagnosis.toml";

/// Options of `bridgelab bench diagnosis` alone.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of `bench diagnosis`")]
pub(super) struct DiagnosisArgs {
    /// The corpus; without it, the program's own, `harness/bench/diagnosis.toml`.
    #[arg(long, value_name = "FILE")]
    corpus: Option<PathBuf>,
    /// So many single mutants in all, drawn in turns from each scenario; without it all of them.
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    /// So many double mutants in all; without it none with `--count`, and all of them without.
    #[arg(long, value_name = "N")]
    doubles: Option<usize>,
    /// What the sample is drawn by.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Try the remedy of each single mutant, too. Those of double ones are always tried.
    #[arg(long)]
    prove: bool,
    /// Run at most N labs at once, as of `bridgelab run`.
    #[arg(long, value_name = "N", env = "BRIDGELAB_JOBS", value_parser = clap::value_parser!(u32).range(1..))]
    jobs: Option<u32>,
}

/// Measures; the exit code.
pub(super) fn bench(args: &BenchArgs) -> i32 {
    let own = &args.diagnosis;
    let path = own.corpus.clone();
    let path = path.unwrap_or_else(|| own::tree().join(CORPUS));
    let complain = |why: &str, code: i32| {
        let text = format!("error: the corpus `{}`: {why}", path.display());
        let _ = writeln!(anstream::stderr(), "{}", visible(&text));
        code
    };
    if let Err(unwritable) = output::try_files(&[("--json", args.json.as_deref())]) {
        return unwritable.complain();
    }
    let corpus = std::fs::read_to_string(&path).map_err(|error| error.to_string());
    let corpus = match corpus.and_then(|text| Corpus::read(&text)) {
        Ok(corpus) => corpus,
        Err(why) => return complain(&why, exit_code::INVALID),
    };
    let doubles = own.doubles.unwrap_or(match own.count {
        Some(_) => 0,
        None => usize::MAX,
    });
    let counts = (own.count.unwrap_or(usize::MAX), doubles);
    let samples = match sample::sample(&corpus, &args.scenarios, counts, own.seed) {
        Ok(samples) => samples,
        Err(why) => return complain(&why, exit_code::INVALID),
    };
    let signals = match Signals::listen(Box::new(signals::before_anything)) {
        Ok(signals) => signals,
        Err(code) => return code,
    };
    // Whatever ends the call, what was measured until then is told.
    signals.begin();
    let asked = Asked {
        rounds: args.rounds.unwrap_or(ROUNDS),
        prove: own.prove,
        jobs: own.jobs,
        signals: &signals,
    };
    let mut record = Record {
        schema: SCHEMA,
        corpus: path.display().to_string(),
        seed: own.seed,
        interrupted: false,
        figures: Figures::of(&[], &[], &[], (&[], own.prove)),
        greens: Vec::new(),
        mutants: Vec::new(),
        stale: Vec::new(),
    };
    let mut red = Vec::new();
    for sample in &samples {
        if signals.first().is_some() {
            record.interrupted = true;
        }
        if record.interrupted {
            break;
        }
        let found = trial::measured(asked, sample);
        record.interrupted = found.interrupted;
        record.greens.push(found.green);
        record.mutants.extend(found.mutants);
        record.stale.extend(found.stale);
        red.extend(found.red);
    }
    record.figures = Figures::of(
        &record.greens,
        &record.mutants,
        &record.stale,
        (&red, own.prove),
    );
    finish(args, &record, &signals)
}

/// Writes and prints what was measured. A figure that is missed is no failure; what could not be measured is.
fn finish(args: &BenchArgs, record: &Record, signals: &Signals) -> i32 {
    if !to_stdout(args.json.as_deref()) {
        output::print(&text::text(record));
    }
    let mut code = match record.greens.iter().any(|green| green.problem.is_some()) {
        true => exit_code::BROKEN,
        false => exit_code::PASSED,
    };
    if record.interrupted {
        let by = signals.settled();
        code = by.map_or(exit_code::BROKEN, |by| by.exit_code());
    }
    if let Some(path) = &args.json {
        code = match serde_json::to_string_pretty(record) {
            Ok(json) => output::write(code, "--json", path, &json),
            Err(error) => output::unwritten(code, "--json", path, &error),
        };
    }
    code
}
