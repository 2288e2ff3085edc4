//! `bridgelab bench`: what is asked of the benchmarks, and what became of it. How good diagnoses are is measured by mutants, which are
//! this program's business and not that of the other benchmarks: `diagnosis`.

mod diagnosis;

use std::io::Write;
use std::path::{Path, PathBuf};

use bridgelab_bench::{Options, Record, Stop, markdown, measure, wanted};
use bridgelab_harness::host::capability::strict;
use bridgelab_harness::hypervisor::Accelerator;
use bridgelab_harness::report::{Cancelled, exit_code};
use clap::Args;

use crate::cli::Accel;
use crate::commands::{ready_image, root};
use crate::output::{self, say};
use crate::own;
use crate::signals::{self, Signals};

/// Options of `bridgelab bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Benchmarks; all of them but `diagnosis` when absent.
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
    /// Scenarios of the benchmarks `suite` and `diagnosis`; all of them when absent.
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
    #[command(flatten)]
    diagnosis: diagnosis::DiagnosisArgs,
}

impl BenchArgs {
    fn options(&self) -> Options {
        Options {
            rounds: self.rounds,
            accelerator: match self.accel {
                Accel::Auto => None,
                Accel::Kvm => Some(Accelerator::Kvm),
                Accel::Tcg => Some(Accelerator::Tcg),
            },
            sizes: self.sizes.clone(),
            scenarios: self.scenarios.clone(),
            patchbay: self.patchbay,
            tree: own::tree(),
            images: own::images(),
            root: root(),
            ready_image,
        }
    }
}

/// Measures what was asked for; the exit code.
pub(crate) fn bench(args: &BenchArgs) -> i32 {
    if !args.list && args.names.iter().any(|name| name == diagnosis::NAME) {
        if args.names.len() > 1 {
            let _ = writeln!(
                anstream::stderr(),
                "error: `{}` is measured by itself: its figures are rates, and no times beside others",
                diagnosis::NAME
            );
            return exit_code::INVALID;
        }
        return diagnosis::bench(args);
    }
    let own = |name: &&String| name.as_str() != diagnosis::NAME;
    let names: Vec<String> = args.names.iter().filter(own).cloned().collect();
    let wanted = match wanted(&names) {
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
        let (name, about, rounds) = (diagnosis::NAME, diagnosis::ABOUT, diagnosis::ROUNDS);
        say(&format!("{name}: {about} ({rounds} rounds)"));
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
        .and_then(|runtime| {
            runtime.block_on(async {
                let begin = || signals.begin();
                measure(&args.options(), &wanted, signals.wishes(), begin).await
            })
        });
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
    if record.any_failed() {
        exit_code::BROKEN
    } else if strict() && record.any_skipped() {
        exit_code::HOST_CANNOT
    } else {
        exit_code::PASSED
    }
}
