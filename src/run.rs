//! `bridgelab run`.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bridgelab_harness::diagnostic::Diagnostic;
use bridgelab_harness::host::finding::Unmet;
use bridgelab_harness::hypervisor::Accelerator;
use bridgelab_harness::image::Image;
use bridgelab_harness::lab::supervise::{News, run_job};
use bridgelab_harness::lab::{Event, Job};
use bridgelab_harness::report::text::{Colour, summary, verdict};
use bridgelab_harness::report::{Outcome, Problem, Report, RunReport, SCHEMA, exit_code, junit};
use bridgelab_harness::scenario::names::VariantName;
use tokio::sync::watch;

use crate::cli::{Guests, RunArgs};
use crate::commands::{complain, load, ready_image, say, variant};
use crate::enter;

/// A scenario form that is to be run.
struct Wanted {
    path: PathBuf,
    name: String,
    variant: Option<VariantName>,
    image: Option<String>,
}

pub(crate) fn run(args: &RunArgs) -> i32 {
    match prepare(args) {
        Ok(wanted) => run_all(args, &wanted),
        Err(code) => code,
    }
}

/// Loads everything that was asked for; with one invalid scenario, nothing is built.
fn prepare(args: &RunArgs) -> Result<Vec<Wanted>, i32> {
    let mut all = Vec::new();
    let mut invalid = None;
    for wanted in &args.scenarios {
        let (path, loaded) = match load(wanted) {
            Ok(found) => found,
            Err(code) => {
                invalid = Some(code);
                continue;
            }
        };
        let forms = match args.variant.as_deref() {
            None | Some("green") => {
                let mut forms = vec![None];
                if args.all_variants {
                    forms.extend(loaded.variants().cloned().map(Some));
                }
                forms
            }
            Some(name) => vec![Some(variant(&loaded, name)?)],
        };
        for form in forms {
            let scenario = loaded.scenario(form.as_ref()).map_err(|error| {
                complain(&error);
                exit_code::INVALID
            })?;
            all.push(Wanted {
                path: path.canonicalize().unwrap_or_else(|_| path.clone()),
                name: scenario.name.clone(),
                variant: form,
                image: scenario
                    .guests
                    .values()
                    .next()
                    .filter(|_| args.guests == Guests::Vm)
                    .map(|guest| guest.image.clone()),
            });
        }
    }
    invalid.map_or(Ok(all), Err)
}

fn run_all(args: &RunArgs, wanted: &[Wanted]) -> i32 {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = writeln!(anstream::stderr(), "error: start the runtime: {error}");
            return exit_code::BROKEN;
        }
    };
    let begun = Instant::now();
    let ready = match crate::doctor::ready(
        &runtime,
        args,
        wanted.iter().find_map(|one| one.image.as_deref()),
    ) {
        Ok(ready) => ready,
        Err(unmet) => {
            let runs = wanted
                .iter()
                .map(|one| skipped(args, one, &unmet))
                .collect();
            return finish(args, runs);
        }
    };
    let (accelerator, reason) = ready;
    let (interrupt, interrupts) = watch::channel(0);
    let mut runs: Vec<RunReport> = Vec::new();
    for one in wanted {
        let report = match job(args, one, accelerator, &reason) {
            Ok(job) => runtime.block_on(async {
                let listener = tokio::spawn(count_interrupts(interrupt.clone()));
                let report =
                    run_job(&job, interrupts.clone(), |news| tell(&begun, one, news)).await;
                listener.abort();
                let report = crate::ghosts::blame_the_host(args, report);
                save(&job.evidence, &report);
                report
            }),
            Err(code) => return code,
        };
        let colour = if std::io::stdout().is_terminal() {
            Colour::On
        } else {
            Colour::Off
        };
        if args.json.as_deref() != Some(Path::new("-")) {
            say(verdict(&report, colour).trim_end());
        }
        let cancelled = report.outcome == Outcome::Cancelled;
        runs.push(report);
        if cancelled {
            break;
        }
    }
    finish(args, runs)
}

/// The report of a run that this host cannot do.
fn skipped(args: &RunArgs, one: &Wanted, unmet: &[Unmet]) -> RunReport {
    let report = RunReport {
        scenario: one.name.clone(),
        variant: one.variant.as_ref().map(ToString::to_string),
        outcome: Outcome::Skipped,
        problem: unmet.first().map(|first| {
            let mut problem = Problem::from(Diagnostic::new(first));
            problem.chain = unmet.iter().map(ToString::to_string).collect();
            problem
        }),
        differences: Vec::new(),
        accelerator: "none".to_owned(),
        accelerator_reason: "nothing was started".to_owned(),
        guests: Vec::new(),
        checks: Vec::new(),
        stages: Vec::new(),
        versions: BTreeMap::new(),
        leaks: Vec::new(),
        evidence: None,
        reproduce: format!("bridgelab run {}", one.path.display()),
        ms: 0,
    };
    if args.json.as_deref() != Some(Path::new("-")) {
        say(verdict(&report, Colour::Off).trim_end());
    }
    report
}

fn finish(args: &RunArgs, runs: Vec<RunReport>) -> i32 {
    let strict = std::env::var_os("BRIDGELAB_STRICT").is_some_and(|value| value == "1");
    let code = exit_code::worst(&runs, strict);
    if runs.len() > 1 {
        let _ = writeln!(anstream::stderr(), "{}", summary(&runs));
    }
    let report = Report {
        schema: SCHEMA,
        runs,
    };
    let json = serde_json::to_string_pretty(&report).unwrap_or_default();
    for (path, text) in [(&args.json, json), (&args.junit, junit::render(&report))] {
        let Some(path) = path else { continue };
        if path == Path::new("-") {
            say(&text);
        } else if let Err(error) = std::fs::write(path, text) {
            let _ = writeln!(
                anstream::stderr(),
                "error: write `{}`: {error}",
                path.display()
            );
            return exit_code::BROKEN;
        }
    }
    code
}

fn job(args: &RunArgs, one: &Wanted, accelerator: Accelerator, reason: &str) -> Result<Job, i32> {
    let image: Option<Image> = match &one.image {
        None => None,
        Some(name) => Some(ready_image(name).map_err(|error| {
            complain(&error);
            exit_code::BROKEN
        })?),
    };
    let evidence = evidence_folder(args, one).map_err(|error| {
        let _ = writeln!(
            anstream::stderr(),
            "error: create a folder for evidence: {error}"
        );
        exit_code::BROKEN
    })?;
    let variant = one.variant.as_ref().map(ToString::to_string);
    let with = variant
        .as_ref()
        .map(|variant| format!(" --variant {variant}"))
        .unwrap_or_default();
    Ok(Job {
        reproduce: match args.guests {
            Guests::Vm => format!(
                "bridgelab run {}{with} --accel {accelerator}",
                one.path.display()
            ),
            Guests::Ghost => format!("bridgelab run {}{with} --guests ghost", one.path.display()),
        },
        guests: args.guests.into(),
        scenario: one.path.clone(),
        variant,
        image_digest: image.as_ref().map(|image| image.digest.clone()),
        image: image.map(|image| image.folder),
        accelerator,
        accelerator_reason: reason.to_owned(),
        evidence,
        keep: args.keep,
    })
}

/// `DIR/SCENARIO[-VARIANT]-SECONDS-PID`, below the user's state folder unless told otherwise.
fn evidence_folder(args: &RunArgs, one: &Wanted) -> std::io::Result<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let base = args
        .evidence
        .clone()
        .or_else(|| set("XDG_STATE_HOME").map(|state| state.join("bridgelab/runs")))
        .or_else(|| set("HOME").map(|home| home.join(".local/state/bridgelab/runs")))
        .unwrap_or_else(|| PathBuf::from("bridgelab-runs"));
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let variant = one
        .variant
        .as_ref()
        .map(|variant| format!("-{variant}"))
        .unwrap_or_default();
    let folder = base.join(format!(
        "{}{variant}-{seconds}-{}",
        one.name,
        std::process::id()
    ));
    std::fs::create_dir_all(&folder)?;
    // Written first: a folder with this file and no result is a run that died.
    std::fs::write(
        folder.join("started"),
        format!("{} pid {}\n", one.name, std::process::id()),
    )?;
    folder.canonicalize()
}

/// `report.json` and the verdict's word as a file of its own.
fn save(evidence: &Path, report: &RunReport) {
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

fn tell(begun: &Instant, one: &Wanted, news: News<'_>) {
    let mut err = anstream::stderr();
    match news {
        News::Progress(text) => {
            let variant = one
                .variant
                .as_ref()
                .map(|variant| format!("/{variant}"))
                .unwrap_or_default();
            let _ = writeln!(
                err,
                "[{:6.1} s] {}{variant}: {text}",
                begun.elapsed().as_secs_f64(),
                one.name
            );
        }
        News::Kept(
            pid,
            Event::Kept {
                machines, guests, ..
            },
        ) => {
            let _ = writeln!(
                err,
                "The lab stands. Ctrl-C takes it down. Enter a machine or guest with:"
            );
            for name in machines.iter().chain(guests) {
                let _ = writeln!(err, "  {}", enter::command(pid, name));
            }
        }
        News::Kept(..) => {}
    }
}

async fn count_interrupts(count: watch::Sender<u32>) {
    while tokio::signal::ctrl_c().await.is_ok() {
        count.send_modify(|count| *count += 1);
        let again = if *count.borrow() == 1 {
            "ending in good order; again to kill"
        } else {
            "killing"
        };
        let _ = writeln!(anstream::stderr(), "interrupted: {again}");
    }
}
