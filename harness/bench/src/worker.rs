//! The hidden command that builds one topology once, in namespaces of its own, and says what that took.
//!
//! A process for each measurement, as each run of a scenario has one: nothing is warm that would be cold there, and
//! whatever ends it, the kernel takes everything back.

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bridgelab_harness::check::Vantage;
use bridgelab_harness::deadline::Deadline;
use bridgelab_harness::diagnostic::Diagnostic;
use bridgelab_harness::host::daemon::Keeper;
use bridgelab_harness::host::isolate::{self, Isolation};
use bridgelab_harness::lab::{Folders, Lab};
use bridgelab_harness::plan::{Operation, TopologyPlan};
use bridgelab_harness::report::exit_code;
use bridgelab_harness::scenario;
use serde::{Deserialize, Serialize};

use super::lab_run::ms;
use super::series::Series;

/// Hidden subcommand that becomes the worker.
pub const WORKER_COMMAND: &str = "__bench-topology";

/// Who builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Builder {
    /// The harness, packet captures and sysctls included.
    Harness,
    /// A process of `ip` for each step.
    Ip,
    /// A process of `ip -batch` for each namespace.
    IpBatch,
}

/// What to build; one line of JSON on standard input.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) builder: Builder,
    /// A scenario without daemons and guests.
    pub(super) scenario: PathBuf,
    /// Who must reach which address once it stands.
    pub(super) ping: (String, String),
    /// Whether root takes a user namespace of its own first; everybody else does.
    #[serde(default)]
    pub(super) take_users: bool,
    /// How many commands to run on who pings, and as many in its cell. Of the harness alone.
    #[serde(default)]
    pub(super) commands: u16,
}

/// What things took, in milliseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Took {
    /// Until the worker is in its namespaces.
    pub(super) entered: f64,
    /// Until everything is up.
    pub(super) up: f64,
    /// Until everything is gone.
    pub(super) down: f64,
    pub(super) commands: Option<Commands>,
}

/// What commands on a machine took, in milliseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Commands {
    /// Median of those that ran as the harness's own do.
    pub(super) plain: f64,
    /// Median of those in the machine's cell.
    pub(super) celled: f64,
    /// The first in the cell, which makes it.
    pub(super) first: f64,
}

/// The worker's last line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer {
    /// It was done.
    Took(Took),
    /// This host refused the namespaces.
    Skipped(String),
    /// What was built did not work.
    Failed(String),
}

/// Body of the worker. Must be called before any thread is started.
pub fn worker_main() -> i32 {
    let mut input = BufReader::new(io::stdin());
    let answer = work(&mut input).unwrap_or_else(|answer| answer);
    let line = serde_json::to_string(&answer).unwrap_or_default();
    let mut out = io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Ok(()) => exit_code::PASSED,
        Err(_) => exit_code::BROKEN,
    }
}

fn failed(doing: &str, error: impl std::fmt::Display) -> Answer {
    Answer::Failed(format!("{doing}: {error}"))
}

fn work(input: &mut impl BufRead) -> Result<Answer, Answer> {
    let mut line = String::new();
    input
        .read_line(&mut line)
        .map_err(|error| failed("read the job", error))?;
    let job: Job = serde_json::from_str(&line).map_err(|error| failed("read the job", error))?;
    let loaded = scenario::load(&job.scenario);
    let loaded = loaded.map_err(|errors| failed("load the scenario", errors.render(false)))?;
    let green = loaded.scenario(None);
    let green = green.map_err(|error| failed("load the scenario", error))?;
    let plan = TopologyPlan::new(&green);
    let avoid: Vec<PathBuf> = std::env::current_exe().into_iter().collect();
    let begun = Instant::now();
    if job.take_users && isolate::may_share_users() {
        let taken = isolate::take_users(&mut io::stdout(), input);
        taken.map_err(|error| Answer::Skipped(Diagnostic::new(&error).to_string()))?;
    }
    let place = isolate::enter(Isolation::Lab, &mut io::stdout(), input, &avoid);
    let place = place.map_err(|error| Answer::Skipped(Diagnostic::new(&error).to_string()))?;
    let entered = ms(begun.elapsed());
    let took = |(up, down): (Duration, Duration), commands| Took {
        entered,
        up: ms(up),
        down: ms(down),
        commands,
    };
    Ok(Answer::Took(match job.builder {
        Builder::Harness => {
            let (both, commands) = by_the_harness(&plan, &place, &job)?;
            took(both, commands)
        }
        Builder::Ip => took(by_ip(&plan, &job, one_by_one)?, None),
        Builder::IpBatch => took(by_ip(&plan, &job, in_batches)?, None),
    }))
}

fn by_the_harness(
    plan: &TopologyPlan,
    place: &Path,
    job: &Job,
) -> Result<((Duration, Duration), Option<Commands>), Answer> {
    let folders = Folders {
        run: place.join("run"),
        evidence: place.join("evidence"),
    };
    for folder in [&folders.run, &folders.evidence.join("captures")] {
        std::fs::create_dir_all(folder).map_err(|error| failed("make a folder", error))?;
    }
    // As the worker of a run has it.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| failed("start the runtime", error))?;
    let begun = Instant::now();
    let lab = runtime.block_on(Lab::build(plan, &folders, &Keeper::default()));
    let up = begun.elapsed();
    let lab = lab.map_err(|error| Answer::Failed(Diagnostic::new(&error).to_string()))?;
    let (from, to) = job.ping.clone();
    let reached = lab.machine(&from).map_err(|error| failed("ping", error))?;
    let reached = runtime.block_on(reached.run(async move { ping(Command::new("ping"), &to) }));
    reached.map_err(|error| failed("ping", error))??;
    let commands = match job.commands {
        0 => None,
        count => {
            let machine = lab.machine(&from).map_err(|error| failed("run", error))?;
            let place = Vantage::Machine(Arc::clone(machine));
            Some(runtime.block_on(commands(&place, count))?)
        }
    };
    let begun = Instant::now();
    drop(lab);
    let down = begun.elapsed();
    runtime.shutdown_timeout(Duration::from_millis(100));
    Ok(((up, down), commands))
}

/// `true`, in turn as the harness runs its own tools and as those of a scenario are run.
async fn commands(place: &Vantage, count: u16) -> Result<Commands, Answer> {
    let by = || Deadline::secs(10);
    let one = async |celled: bool| {
        let begun = Instant::now();
        let ran = match celled {
            true => place.exec_foreign(&["true"], by()).await,
            false => place.exec(&["true"], by()).await,
        };
        let took = ms(begun.elapsed());
        match ran {
            Ok(output) if output.success() => Ok(took),
            Ok(output) => Err(failed("run `true`", output.stderr.trim())),
            Err(error) => Err(failed("run `true`", error)),
        }
    };
    let first = one(true).await?;
    let (mut plain, mut celled) = (Vec::new(), Vec::new());
    for _ in 0..count {
        plain.push(one(false).await?);
        celled.push(one(true).await?);
    }
    let median = |values: Vec<f64>| Series::new(values).map_or(0.0, |series| series.median());
    Ok(Commands {
        plain: median(plain),
        celled: median(celled),
        first,
    })
}

/// By a function that runs the plan's commands.
fn by_ip(
    plan: &TopologyPlan,
    job: &Job,
    build: impl Fn(&TopologyPlan) -> Result<(), Answer>,
) -> Result<(Duration, Duration), Answer> {
    // Namespaces with a name are files in /run; these are nobody else's.
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "tmpfs", "/run"])
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        return Err(Answer::Skipped("mount a private /run".to_owned()));
    }
    let begun = Instant::now();
    build(plan)?;
    let up = begun.elapsed();
    let mut command = Command::new("ip");
    command.args(["netns", "exec", &job.ping.0, "ping"]);
    ping(command, &job.ping.1)?;
    let begun = Instant::now();
    let delete = machines(plan).map(|name| format!("netns del {name}\n"));
    batch(&[], &delete.collect::<String>())?;
    Ok((up, begun.elapsed()))
}

fn ping(mut command: Command, to: &str) -> Result<(), Answer> {
    let output = command.args(["-n", "-c", "1", "-W", "5", to]).output();
    let output = output.map_err(|error| failed("start ping", error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stdout);
    Err(failed(
        "what was built does not reach",
        format!("{to}: {said}"),
    ))
}

fn machines(plan: &TopologyPlan) -> impl Iterator<Item = &str> {
    plan.steps().iter().filter_map(|step| match step {
        Operation::Machine { name, .. } => Some(name.as_str()),
        _ => None,
    })
}

/// Every step's command, each started as a shell script would. Captures would need a program each.
fn one_by_one(plan: &TopologyPlan) -> Result<(), Answer> {
    let steps = plan.steps().iter();
    for step in steps.filter(|step| !matches!(step, Operation::Capture { .. })) {
        let line = step.to_string();
        for command in line.split(" && ") {
            let words = command.split_whitespace().skip(1);
            let output = Command::new("ip").args(words).output();
            let output = output.map_err(|error| failed("start ip", error))?;
            // `sysctl -e` still fails where there is no such folder.
            if !output.status.success() && !command.contains("sysctl -e") {
                let said = String::from_utf8_lossy(&output.stderr);
                return Err(failed(command, said.trim()));
            }
        }
    }
    Ok(())
}

/// All namespaces by one `ip -batch`, then one for what is in each: the fewest processes that do it, and the order in
/// which the fabric's cables come first. `ip -batch` has no sysctls, so they are left out.
fn in_batches(plan: &TopologyPlan) -> Result<(), Answer> {
    let names: Vec<&str> = machines(plan).collect();
    let add = names.iter().map(|name| format!("netns add {name}\n"));
    batch(&[], &add.collect::<String>())?;
    for name in names {
        let prefix = format!("ip -n {name} ");
        let mut lines = "link set lo up\n".to_owned();
        for step in plan.steps() {
            let line = step.to_string();
            if let Some(words) = line.strip_prefix(&prefix) {
                lines.push_str(words);
                lines.push('\n');
            }
        }
        batch(&["-n", name], &lines)?;
    }
    Ok(())
}

/// `ip WORDS -batch -`, with these lines.
fn batch(words: &[&str], lines: &str) -> Result<(), Answer> {
    let mut child = Command::new("ip")
        .args(words)
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed("start ip", error))?;
    if let Some(mut input) = child.stdin.take() {
        let written = input.write_all(lines.as_bytes());
        written.map_err(|error| failed("write to ip -batch", error))?;
    }
    let output = child.wait_with_output();
    let output = output.map_err(|error| failed("wait for ip -batch", error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(failed("ip -batch", said.trim()))
}
