//! How long a topology takes: built by the harness, and by the `ip` commands of its own plan, in turn, in one run.
//!
//! `cargo bench --bench topology`. The harness also starts a packet capture on every link, which the commands do
//! not. Prints medians, ranges and the ratio, which is the figure to compare between machines.
#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot run has nothing better to do"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use bridgelab_harness::host::isolate::{self, Isolation};
use bridgelab_harness::lab::{Folders, Lab};
use bridgelab_harness::plan::{Step, TopologyPlan};
use bridgelab_harness::scenario;

/// Rounds of one build each.
const ROUNDS: usize = 15;

fn main() {
    // `cargo bench` passes `--bench`; only root can be mapped without a parent's help.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/topology.toml");
    let loaded = scenario::load(&path).expect("the benchmark's scenario is valid");
    let plan = TopologyPlan::new(&loaded.scenario(None).expect("it has a green form"));
    let entered = isolate::enter(
        Isolation::Lab,
        &mut std::io::sink(),
        &mut std::io::empty(),
        &[],
    );
    let private = match entered {
        Ok(private) => private,
        Err(error) => {
            println!("skipped: because {error}; run it as root");
            return;
        }
    };
    // Named namespaces are files; here they are nobody else's.
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "tmpfs", "/run"])
        .status();
    assert!(
        mounted.is_ok_and(|status| status.success()),
        "mount a private /run"
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let (mut up, mut down, mut by_ip) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let folders = folders(&private, round);
        let begun = Instant::now();
        let lab = runtime
            .block_on(Lab::build(&plan, &folders))
            .expect("the topology is built");
        up.push(begun.elapsed());
        let begun = Instant::now();
        drop(lab);
        down.push(begun.elapsed());
        let begun = Instant::now();
        run_commands(&plan);
        by_ip.push(begun.elapsed());
        let names = plan.steps().iter().filter_map(|step| match step {
            Step::Machine { name, .. } => Some(name.as_str()),
            _ => None,
        });
        for name in names {
            let deleted = Command::new("ip").args(["netns", "del", name]).status();
            assert!(
                deleted.is_ok_and(|status| status.success()),
                "delete {name}"
            );
        }
    }
    println!(
        "{} steps, {ROUNDS} rounds in turn; median (range)",
        plan.steps().len()
    );
    let built = show("built by the harness", &mut up);
    show("taken down by the harness", &mut down);
    let commands = show("built by `ip` commands", &mut by_ip);
    println!("ratio: {:.1}", commands.as_secs_f64() / built.as_secs_f64());
}

fn folders(private: &Path, round: usize) -> Folders {
    let folder = |name: &str| -> PathBuf {
        let folder = private.join(round.to_string()).join(name);
        std::fs::create_dir_all(folder.join("captures")).expect("a folder");
        folder
    };
    Folders {
        run: folder("run"),
        evidence: folder("evidence"),
    }
}

/// Every step's equivalent command, each started as a shell script would.
fn run_commands(plan: &TopologyPlan) {
    for step in plan
        .steps()
        .iter()
        .filter(|step| !matches!(step, Step::Capture { .. }))
    {
        let line = step.to_string();
        for command in line.split(" && ") {
            let status = Command::new("ip")
                .args(command.split_whitespace().skip(1))
                .output();
            let done =
                status.is_ok_and(|output| output.status.success() || command.contains("sysctl -e"));
            assert!(done, "{command}");
        }
    }
}

fn show(what: &str, times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    let median = times[times.len() / 2];
    println!(
        "{what}: {median:.1?} ({:.1?} to {:.1?})",
        times[0],
        times[times.len() - 1]
    );
    median
}
