//! The page with a real guest: from a template, cold, and by a script that somebody wrote by hand.

use std::cell::RefCell;
use std::process::Command;

use bridgelab_harness::report::{CheckReport, RunReport};

use super::child;
use super::context::Context;
use super::lab_run::{LabRun, last_check, ms, stage};
use super::record::{BenchRecord, Target};
use super::rounds::{Sample, Stop};

/// Its name, and the scenario's.
pub(super) const NAME: &str = "simple-network";

const TEMPLATE: &str = "template";
const COLD: &str = "cold";
const BY_HAND: &str = "by hand";

const FIRST_PING: &str = "to the first ping of the guest";
const NO_CONTAINER: &str = "to the last check that needs no container";
const LAST: &str = "to the last check";
const WHOLE: &str = "the whole command";

/// Waits that are named.
const LONGEST_WAITS: usize = 5;

/// The script, below the source tree.
const SCRIPT: &str = "benches/simple-network-by-hand";

pub(super) async fn measure(context: &Context<'_>) -> Result<BenchRecord, Stop> {
    // Makes image and template where they are missing.
    let ready = context.warm_up(&[NAME]).await;
    if ready == Err(Stop::Interrupted) {
        return Err(Stop::Interrupted);
    }
    let waits = RefCell::new(String::new());
    let measured = context.rounds(&[TEMPLATE, COLD, BY_HAND], async |name, _| {
        ready.clone()?;
        if name == BY_HAND {
            return by_hand(context).await;
        }
        let words: &[&str] = if name == COLD {
            &[NAME, "--cold"]
        } else {
            &[NAME]
        };
        let run = LabRun::of(context, words).await?;
        let report = run.only()?;
        started(report, name)?;
        if name == TEMPLATE {
            *waits.borrow_mut() = longest_waits(report);
        }
        Ok(samples(&run, report))
    });
    let measured = measured.await?;
    let times = |times| Target::TimesBelow(COLD.to_owned(), times);
    let record = context
        .record(&measured)
        .baselines(&[COLD, BY_HAND])
        .target(NO_CONTAINER, times(6.0))
        .target(WHOLE, times(4.0))
        .note(format!(
            "`{BY_HAND}` is `{SCRIPT}`: a dozen looks instead of all checks of the scenario, and no evidence"
        ))
        .note("stages overlap: containers begin when the guest is up, beside the checks; times of stages are the report's");
    let waits = waits.into_inner();
    Ok(if waits.is_empty() {
        record
    } else {
        record.note(format!(
            "longest waits of the last run from a template: {waits}"
        ))
    })
}

/// That the guests really started as the column says.
fn started(report: &RunReport, how: &str) -> Result<(), Stop> {
    match report.guests.iter().find(|guest| guest.start != how) {
        None => Ok(()),
        Some(other) => Err(Stop::Failed(format!(
            "{} started {} instead: {}",
            other.name, other.start, other.start_reason
        ))),
    }
}

fn samples(run: &LabRun, report: &RunReport) -> Vec<Sample> {
    let mut samples = Vec::new();
    // From the command's start, as by hand.
    let before = ms(run.before);
    let mut check = |what: &str, wanted: &dyn Fn(&CheckReport) -> bool| {
        if let Some(last) = last_check(report, wanted) {
            samples.push(Sample::ms(what, before + last));
        }
    };
    check(FIRST_PING, &|check| check.id == "host-ping-guest-v4");
    check(NO_CONTAINER, &|check| !needs_container(check));
    check(LAST, &|_| true);
    samples.push(run.whole(WHOLE));
    samples.push(Sample::ms("before the run", before));
    for name in [
        "topology",
        "boot",
        "containers",
        "checks",
        "evidence",
        "teardown",
    ] {
        if let Some((_, length)) = stage(report, name) {
            samples.push(Sample::ms(format!("stage {name}"), length));
        }
    }
    samples
}

/// `test1/web` is a container; `container_veth` looks at one from the guest.
fn needs_container(check: &CheckReport) -> bool {
    check.from.contains('/') || check.kind == "container_veth"
}

fn longest_waits(report: &RunReport) -> String {
    let mut waits: Vec<_> = report.waits.iter().collect();
    waits.sort_by_key(|wait| std::cmp::Reverse(wait.ms));
    let longest = waits.iter().take(LONGEST_WAITS);
    let shown = longest.map(|wait| {
        let (stage, what, ms) = (&wait.stage, &wait.what, wait.ms);
        format!("{what} ({stage}) {:.1} s", ms as f64 / 1000.0)
    });
    shown.collect::<Vec<_>>().join("; ")
}

async fn by_hand(context: &Context<'_>) -> Result<Vec<Sample>, Stop> {
    let root = &context.options.tree;
    let script = root.join(SCRIPT);
    if !script.is_file() {
        return Err(Stop::Skipped(format!("there is no `{}`", script.display())));
    }
    let image = (context.options.ready_image)("debian");
    let image = image.map_err(|error| Stop::Failed(error.to_string()))?;
    let mut command = Command::new(script);
    command
        .arg(image.folder)
        .arg(root.join("scenarios").join(NAME))
        .arg(&context.machine.accelerator);
    let finished = child::run(command, context.interrupts.clone(), async |_, _| {}).await?;
    if !finished.status.success() {
        let lines: Vec<&str> = finished
            .stderr
            .iter()
            .map(|line| line.text.as_str())
            .collect();
        return Err(Stop::Failed(lines.join("\n")));
    }
    let mut samples = Vec::new();
    for line in &finished.stdout {
        let Some((at, what)) = line.text.split_once(' ') else {
            continue;
        };
        let what = match what {
            "first ping" => FIRST_PING,
            "last check that needs no container" => NO_CONTAINER,
            "last check" => LAST,
            _ => continue,
        };
        if let Ok(at) = at.parse() {
            samples.push(Sample::ms(what, at));
        }
    }
    samples.push(Sample::ms(WHOLE, ms(finished.took)));
    Ok(samples)
}
