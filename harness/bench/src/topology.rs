//! Machines and links without daemons and guests: the page's, and N of them.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use bridgelab_harness::diagnostic::Diagnostic;
use bridgelab_harness::host::isolate;

use super::child;
use super::context::Context;
use super::peer;
use super::record::{BenchRecord, Target};
use super::rounds::{Sample, Stop};
use super::worker::{Answer, Builder, Job, Took, WORKER_COMMAND};

/// The page's network.
pub(super) const PAGE: &str = "page-topology";
/// N namespaces.
pub(super) const SIZES: &str = "topology-sizes";

const OURS: &str = "bridgelab";
const IP: &str = "ip";
const IP_BATCH: &str = "ip -batch";

/// The page's machines and cables, without their daemons.
const PAGE_SCENARIO: &str = include_str!("../../../benches/topology.toml");

/// Up and down of the page's network.
pub(super) async fn page(context: &Context<'_>) -> Result<BenchRecord, Stop> {
    let job = page_job(context, Builder::Harness)?;
    let measured = context.rounds(&[OURS, IP], async |name, _| {
        let mut job = job.clone();
        job.builder = builder(name);
        let took = build(context, &job).await?;
        Ok(vec![
            Sample::ms("up", took.up),
            Sample::ms("down", took.down),
        ])
    });
    let record = context.record(&measured.await?).baselines(&[IP]);
    Ok(record
        .target("up", Target::TimesBelow(IP.to_owned(), 3.0))
        .target("down", Target::AtMost(50.0))
        .note("ours captures packets on every link; the commands do not"))
}

/// The page's network, to be built.
pub(super) fn page_job(context: &Context<'_>, builder: Builder) -> Result<Job, Stop> {
    Ok(Job {
        builder,
        scenario: written(context, "page", PAGE_SCENARIO)?,
        ping: ("desktop".to_owned(), "203.0.113.80".to_owned()),
        take_users: false,
        commands: 0,
    })
}

/// Up and down of N machines on one switch.
pub(super) async fn sizes(context: &Context<'_>) -> Result<BenchRecord, Stop> {
    let sizes = context.sizes(&[10, 50, 100, 200, 500]);
    let largest = sizes.iter().copied().max().unwrap_or(0);
    let mut scenarios = Vec::new();
    for size in sizes {
        let path = written(context, &format!("n{size}"), &scenario(size))?;
        scenarios.push((size, path));
    }
    let peer = peer::ready(context).await;
    let measured = context.rounds(&[OURS, IP_BATCH, peer::NAME], async |name, _| {
        let mut samples = Vec::new();
        for (size, path) in &scenarios {
            let (up, down) = match (name, &peer) {
                (peer::NAME, Err(stop)) => return Err(stop.clone()),
                (peer::NAME, Ok(_)) if *size > peer::LARGEST => continue,
                (peer::NAME, Ok(program)) => peer::build(context, program, *size).await?,
                _ => {
                    let job = Job {
                        builder: builder(name),
                        scenario: path.clone(),
                        ping: (format!("m{size}"), ROUTER.to_owned()),
                        take_users: false,
                        commands: 0,
                    };
                    let took = build(context, &job).await?;
                    (took.up, took.down)
                }
            };
            samples.push(Sample::ms(format!("{size} up"), up));
            samples.push(Sample::ms(format!("{size} down"), down));
        }
        Ok(samples)
    });
    let record = context.record(&measured.await?);
    let record = record
        .baselines(&[IP_BATCH, peer::NAME])
        .target("200 up", Target::AtMost(500.0))
        .note(
            "each of N machines has a cable to one switch, an IPv4 and an IPv6 address; ours also captures packets on \
             every cable and sets sysctls. The kernel frees namespaces after `down`, of all three alike",
        );
    Ok(if largest > peer::LARGEST {
        let largest = peer::LARGEST;
        record.note(format!("patchbay is not measured above {largest}"))
    } else {
        record
    })
}

/// Who builds a column's topologies.
fn builder(subject: &str) -> Builder {
    match subject {
        IP => Builder::Ip,
        IP_BATCH => Builder::IpBatch,
        _ => Builder::Harness,
    }
}

/// A scenario's file in the call's folder.
pub(super) fn written(context: &Context<'_>, name: &str, text: &str) -> Result<PathBuf, Stop> {
    let path = context.scratch().join(format!("{name}.toml"));
    write(&path, text)?;
    Ok(path)
}

/// Writes a file and its folders.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Stop> {
    let folder = path.parent().unwrap_or(path);
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(path, text));
    written.map_err(|error| Stop::Failed(format!("write `{}`: {error}", path.display())))
}

/// The first machine of [`scenario`].
const ROUTER: &str = "10.0.255.254";

/// `size` machines and a router on one switch.
fn scenario(size: u16) -> String {
    let mut text = format!(
        "version = 1\nsummary = \"{size} machines on a switch\"\nbase = \"none\"\n\n[segments.lan]\nkind = \"switch\"\n\n\
         [machines.router]\ninterfaces = [{{ name = \"lan0\", segment = \"lan\", addresses = [\"{ROUTER}/16\", \
         \"2001:db8::ffff/64\"] }}]\n"
    );
    for number in 1..=size {
        let (high, low) = (number / 250, number % 250 + 1);
        let _ = write!(
            text,
            "\n[machines.m{number}]\ninterfaces = [{{ name = \"eth0\", segment = \"lan\", addresses = \
             [\"10.0.{high}.{low}/16\", \"2001:db8::{number:x}/64\"] }}]\n"
        );
    }
    let _ = write!(
        text,
        "\n[[checks]]\nid = \"ping\"\nfrom = \"m1\"\nping = {{ to = \"{ROUTER}\" }}\n"
    );
    text
}

/// Builds a topology in a worker.
pub(super) async fn build(context: &Context<'_>, job: &Job) -> Result<Took, Stop> {
    let line = serde_json::to_string(job).map_err(|error| Stop::Failed(error.to_string()))?;
    let mut command = Command::new(&context.program);
    command.arg(WORKER_COMMAND);
    let mut unmapped = None;
    let mut answer = None;
    let finished = child::run_with(
        command,
        &line,
        context.interrupts.clone(),
        async |line, worker| {
            if line.text == isolate::MAP_ME {
                match isolate::map_ids(worker.pid) {
                    Ok(()) => worker.say(isolate::MAPPED).await,
                    Err(error) => {
                        unmapped = Some(Diagnostic::new(&error).to_string());
                        worker.interrupt();
                    }
                }
            } else if let Ok(told) = serde_json::from_str::<Answer>(&line.text) {
                answer = Some(told);
            }
        },
    );
    let finished = finished.await?;
    match (unmapped, answer) {
        (Some(why), _) | (None, Some(Answer::Skipped(why))) => Err(Stop::Skipped(why)),
        (None, Some(Answer::Took(took))) => Ok(took),
        (None, Some(Answer::Failed(why))) => Err(Stop::Failed(why)),
        (None, None) => Err(Stop::Failed(finished.last_words())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generated_scenarios_are_valid_and_grow_by_the_same_steps() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let steps = |size: u16| {
            let path = folder.path().join(format!("{size}.toml"));
            std::fs::write(&path, scenario(size)).expect("a file");
            let loaded = bridgelab_harness::scenario::load(&path);
            let loaded = loaded.unwrap_or_else(|errors| panic!("{}", errors.render(false)));
            let green = loaded.scenario(None).expect("it has a green form");
            bridgelab_harness::plan::TopologyPlan::new(&green)
                .steps()
                .len()
        };
        let (one, two, many) = (steps(1), steps(2), steps(500));
        assert_eq!(many - one, 499 * (two - one));
    }
}
