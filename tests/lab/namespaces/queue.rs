//! Many labs at once: one queue for all processes of the user, the longest first, readable output. The labs have no
//! guests; where this host cannot run even those, each test says so.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use bridgelab_harness::host::jobserver::{Jobserver, Limit, Need, Slot};
use bridgelab_harness::report::Outcome;
use support::running::{Ended, Running};
use support::user::User;
use support::{bridgelab, lan_scenario, output, runs, skip};

const HOLDS: &str = r#"
[[checks]]
id = "router"
from = "host"
ping = { to = "192.168.1.1" }
"#;
/// Nobody has this address.
const FAILS: &str = r#"
[[checks]]
id = "nobody"
from = "host"
within = "1s"
ping = { to = "192.168.1.99" }
"#;

/// Writes a scenario of the user's, which is named after its folder.
fn scenario(user: &User, name: &str, checks: &str) -> PathBuf {
    lan_scenario(&user.path(name), checks)
}

/// The user's run of these scenarios, in a queue of his own.
fn run(user: &User, scenarios: &[&Path], words: &[&str]) -> Command {
    let runtime = user.path("runtime");
    fs::create_dir_all(&runtime).expect("a folder");
    let mut command = bridgelab(&["run", "--accel", "tcg"]);
    user.environment(&mut command);
    command
        .args(words)
        .args(scenarios)
        .env("XDG_RUNTIME_DIR", runtime)
        .env_remove("BRIDGELAB_JOBS");
    command
}

/// Runs scenarios to the end; `None`, said aloud, where this host cannot run labs.
fn ran(user: &User, scenarios: &[&Path], words: &[&str]) -> Option<Ended> {
    let ended = Running::start(&mut run(user, scenarios, words)).ends();
    if ended.code() == Some(3) {
        skip(&ended.stdout);
        return None;
    }
    Some(ended)
}

fn start(user: &User, scenario: &Path, words: &[&str]) -> Running {
    Running::start(&mut run(user, &[scenario], words))
}

/// Takes the only place in the user's queue, as another process would.
fn hold(user: &User) -> Slot {
    let folder = user.path("runtime/bridgelab-jobs");
    fs::create_dir_all(user.path("runtime")).expect("a folder");
    let server = Jobserver::new(folder, Limit::Jobs(1));
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let asked = server.acquire("held by a test", Need::default(), |_| {});
    let slot = runtime.expect("a runtime").block_on(asked);
    slot.expect("the queue is empty")
}

/// The line in which each of the words appears first; all must appear.
fn places(text: &str, words: &[&str]) -> Vec<usize> {
    let place = |word: &&str| {
        let found = text.lines().position(|line| line.contains(*word));
        assert!(found.is_some(), "`{word}` is not in\n{text}");
        found.unwrap_or_default()
    };
    words.iter().map(place).collect()
}

#[test]
fn several_at_once_each_give_a_verdict_in_one_piece_and_the_report_keeps_the_order() {
    let user = User::new();
    let names = ["one", "two", "three", "four"];
    let scenarios: Vec<PathBuf> = names
        .iter()
        .map(|name| scenario(&user, name, if *name == "one" { FAILS } else { HOLDS }))
        .collect();
    let paths: Vec<&Path> = scenarios.iter().map(PathBuf::as_path).collect();
    let json = user.path("report.json");
    let words = ["--jobs", "4", "--json", &json.to_string_lossy()];
    let Some(ended) = ran(&user, &paths, &words) else {
        return;
    };
    assert_eq!(ended.code(), Some(1), "{}", ended.told());
    let runs = runs(&user.path("report.json"));
    let seen: Vec<&str> = runs.iter().map(|run| run.scenario.as_str()).collect();
    assert_eq!(seen, names);
    for run in &runs {
        let right = if run.scenario == "one" {
            Outcome::Failed
        } else {
            Outcome::Passed
        };
        assert_eq!(run.outcome, right, "{run:?}");
        assert_eq!(run.leaks, [""; 0]);
        let stages: Vec<&str> = run.stages.iter().map(|stage| stage.name.as_str()).collect();
        assert!(!stages.contains(&"queue"), "there was room: {stages:?}");
    }
    // Each verdict begins with its name and ends with its evidence, and nothing comes between.
    let mut open = None;
    for line in ended.stdout.lines() {
        if !line.starts_with(' ') {
            assert_eq!(open, None, "{}", ended.stdout);
            open = line.split(':').next();
        } else if line.starts_with("  evidence: ") {
            let name = open.take().expect("a verdict");
            assert!(line.contains(&format!("/{name}-")), "{}", ended.stdout);
        }
    }
    assert_eq!(open, None);
    // The failing run takes longest, and is last although it was asked for first.
    let last = ended.stdout.lines().rfind(|line| !line.starts_with(' '));
    assert!(
        last.is_some_and(|line| line.starts_with("one:")),
        "{}",
        ended.stdout
    );
    assert!(
        ended.progress.contains("3 passed, 1 failed, 0 skipped"),
        "{}",
        ended.progress
    );
}

/// The scenario is edited while its run waits.
#[test]
fn a_run_that_waits_is_the_one_that_was_asked_for_or_says_what_has_changed() {
    let user = User::new();
    let (text, unit) = (
        scenario(&user, "text", HOLDS),
        scenario(&user, "unit", HOLDS),
    );
    let held = hold(&user);
    let json = ["text", "unit"].map(|name| user.path(&format!("{name}.json")));
    let mut waiting = Vec::new();
    for (scenario, json) in [&text, &unit].into_iter().zip(&json) {
        let words = ["--jobs", "1", "--json", &json.to_string_lossy()];
        let mut run = start(&user, scenario, &words);
        if !run.reached("waiting") {
            return;
        }
        waiting.push(run);
    }
    let other = fs::read_to_string(&text).expect("its text");
    fs::write(&text, other.replace("192.168.1.1", "192.168.1.99")).expect("another text");
    let network = unit.with_file_name("host").join("99-late.network");
    fs::write(&network, "[Match]\nName=late0\n").expect("another unit");
    drop(held);
    let codes: Vec<Option<i32>> = waiting.into_iter().map(|run| run.ends().code()).collect();
    assert_eq!(codes, [Some(0), Some(4)]);
    let [asked, mixed] = ["text.json", "unit.json"].map(|file| runs(&user.path(file)).remove(0));
    assert_eq!(asked.outcome, Outcome::Passed, "{asked:?}");
    let kept = asked
        .evidence
        .expect("a folder")
        .join("scenarios/text/scenario.toml");
    let kept = fs::read_to_string(kept).expect("the scenario");
    assert!(
        kept.contains("\"192.168.1.1\""),
        "what `rerun` does: {kept}"
    );
    let problem = mixed.problem.expect("it is told");
    assert_eq!(problem.code, "scenario.changed");
    let said = problem.chain.join(": ");
    assert!(said.contains("host/99-late.network` came"), "{said}");
}

#[test]
fn two_processes_with_a_budget_of_one_take_turns() {
    let user = User::new();
    let long = FAILS.replace("1s", "120s");
    let (first, second) = (
        scenario(&user, "first", &long),
        scenario(&user, "second", HOLDS),
    );
    for end in ["-INT", "-KILL"] {
        let mut holds = start(&user, &first, &["--jobs", "1"]);
        if !holds.reached("checking") {
            return;
        }
        let json = user.path("second.json");
        let words = ["--jobs", "1", "--json", &json.to_string_lossy()];
        let mut waits = start(&user, &second, &words);
        if !waits.reached("waiting") {
            return;
        }
        let holder = format!("held by pid {} `first`", holds.child.id());
        holds.signal(end);
        let code = holds.ends().code();
        assert_eq!(code, (end == "-INT").then_some(130));
        let ended = waits.ends();
        assert_eq!(ended.code(), Some(0), "{}", ended.told());
        let line = ended.progress.lines().find(|line| line.contains("waiting"));
        assert!(line.is_some_and(|line| line.contains(&holder)), "{line:?}");
        let runs = runs(&user.path("second.json"));
        let queue = &runs[0].stages[0];
        assert_eq!(
            (queue.name.as_str(), queue.at_ms),
            ("queue", -(queue.ms as i64))
        );
        let own: u64 = runs[0].stages[1..].iter().map(|stage| stage.ms).sum();
        assert!(runs[0].ms >= own && queue.ms > 0, "{:?}", runs[0].stages);
        let ends = runs[0]
            .stages
            .iter()
            .map(|stage| stage.at_ms + stage.ms as i64);
        assert!(
            ends.max().expect("stages") <= runs[0].ms as i64,
            "{:?}",
            runs[0].stages
        );
    }
}

#[test]
fn an_interrupt_in_the_queue_ends_at_once() {
    let user = User::new();
    let scenario = scenario(&user, "lan", HOLDS);
    let held = hold(&user);
    let json = user.path("report.json");
    let mut waits = start(
        &user,
        &scenario,
        &["--jobs", "1", "--json", &json.to_string_lossy()],
    );
    if !waits.reached("waiting for the only job") {
        return;
    }
    waits.signal("-INT");
    let ended = waits.ends();
    assert_eq!(ended.code(), Some(130), "{}", ended.progress);
    assert_eq!(ended.stdout, "lan: cancelled in the queue\n");
    let runs = runs(&user.path("report.json"));
    assert_eq!(runs[0].outcome, Outcome::Cancelled);
    assert_eq!(runs[0].evidence, None);
    let left = fs::read_dir(user.path("state/bridgelab/runs")).expect("it was tried");
    assert_eq!(left.count(), 0, "no evidence of what never began");
    // The waiting run has given its place up: the next one finds the queue empty.
    drop(held);
    let _held = hold(&user);
    let queue = fs::read_dir(user.path("runtime/bridgelab-jobs")).expect("the queue");
    let left = queue
        .flatten()
        .filter(|file| file.path().extension().is_some());
    assert_eq!(left.count(), 1);
}

#[test]
fn the_longest_goes_first_and_before_it_what_nobody_has_timed() {
    let user = User::new();
    let scenarios = ["short", "long", "new"].map(|name| scenario(&user, name, HOLDS));
    let paths: Vec<&Path> = scenarios.iter().map(PathBuf::as_path).collect();
    let file = user.path("state/bridgelab/durations.json");
    fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
    fs::write(&file, r#"{ "short on tcg": 1000, "long on tcg": 2000 }"#).expect("a file");
    let Some(ended) = ran(&user, &paths, &["--jobs", "1"]) else {
        return;
    };
    let begins = ["new: building", "long: building", "short: building"];
    assert!(
        places(&ended.progress, &begins).is_sorted(),
        "{}",
        ended.progress
    );
    let known = fs::read_to_string(&file).expect("a file");
    for name in ["new", "long", "short"] {
        assert!(known.contains(&format!("\"{name} on tcg\"")), "{known}");
    }
    assert!(
        !known.contains(": 1000") && !known.contains(": 2000"),
        "{known}"
    );
    // A broken file causes only a warning, and is replaced by a good one.
    fs::write(&file, "{").expect("a file");
    let Some(ended) = ran(&user, &paths[..1], &[]) else {
        return;
    };
    assert_eq!(ended.code(), Some(0), "{}", ended.progress);
    assert!(
        ended.progress.contains("durations.json` are of no use"),
        "{}",
        ended.progress
    );
    let known = fs::read_to_string(&file).expect("a file");
    assert!(known.contains("short on tcg"), "{known}");
}

#[test]
fn timings_are_drawn_from_the_report_alone() {
    let user = User::new();
    let scenario = scenario(&user, "lan", HOLDS);
    let json = user.path("report.json");
    let Some(ended) = ran(
        &user,
        &[&scenario],
        &["--timings", "--json", &json.to_string_lossy()],
    ) else {
        return;
    };
    let rows = [
        "topology",
        "networkd on host is ready",
        "checks",
        "  router",
        "evidence",
    ];
    let chart = ended
        .stdout
        .split_once("`#` is the critical path")
        .expect("a chart")
        .1;
    assert!(places(chart, &rows).is_sorted(), "{chart}");
    let (code, again, _) = output(&["report", "--timings", &json.to_string_lossy()]);
    assert_eq!((code, again), (Some(0), ended.stdout));
}
