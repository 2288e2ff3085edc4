//! Signals to more processes than the program: to every process of a run at once, as service managers and CI systems send
//! them, and to a probe that examines this machine. The first must count as a request to end and nothing else; the second must
//! say nothing about the machine.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use bridgelab_harness::report::CheckOutcome::{Failed, Passed, Undecided};
use bridgelab_harness::report::{Outcome, RunReport};
use support::processes::{marked, signal, wait_until, wait_until_gone};
use support::running::{Ended, Running};
use support::user::User;
use support::{bridgelab, lan_scenario, root, told};

/// Nobody has the second address.
const CHECKS: &str = r#"
[[checks]]
id = "router"
from = "desktop"
ping = { to = "192.168.1.1" }

[[checks]]
id = "never"
from = "host"
within = "120s"
ping = { to = "192.168.1.99" }
"#;

const SIGNALS: [(&str, i32, &str); 3] = [
    ("-TERM", 143, "run.terminated"),
    ("-HUP", 129, "run.hung-up"),
    ("-INT", 130, "run.interrupted"),
];

/// Signals every process of the user's, the youngest first, so that the program gets its signal last.
fn signal_all(name: &str, user: &User) {
    let mut all = marked(&user.mark());
    all.sort_by_key(|process| process.pid.parse().unwrap_or(0_u32));
    all.reverse();
    signal(name, &all);
}

/// Fails unless verdict, evidence, JSON and JUnit are those of a cancelled run.
fn is_cancelled(user: &User, ended: &Ended, (name, code, problem): (&str, i32, &str)) {
    let told = ended.told();
    assert_eq!(ended.code(), Some(code), "{name}: {told}");
    assert!(ended.stdout.contains(": cancelled"), "{name}: {told}");
    let report = user.report(&told);
    assert_eq!(report.outcome, Outcome::Cancelled, "{told}");
    assert_eq!(report.problem.expect("a reason").code, problem, "{told}");
    let junit = fs::read_to_string(user.path("junit.xml")).expect("a JUnit report");
    assert!(junit.contains("errors=\"1\""), "{junit}");
    let Some(evidence) = report.evidence else {
        return;
    };
    for file in ["cancelled", "verdict.txt", "report.json"] {
        assert!(evidence.join(file).exists(), "no {file}: {told}");
    }
}

/// A command that runs these words and this scenario, with all reports.
fn run(user: &User, words: &[&str], scenario: PathBuf) -> Command {
    let mut run = bridgelab(&["run"]);
    run.args(words).arg(scenario).arg("--evidence");
    run.arg(user.path("evidence"));
    run.arg("--junit").arg(user.path("junit.xml"));
    user.run(&mut run);
    run
}

#[test]
fn a_signal_to_every_process_of_a_run_cancels_it_at_whatever_moment() {
    let moments = ["building the topology", "checking", "router: a reply"];
    for (at, sent) in moments.into_iter().zip(SIGNALS) {
        let user = User::new();
        let scenario = lan_scenario(&user.path("lan"), CHECKS);
        let mut run = Running::start(&mut run(&user, &["--guests", "ghost"], scenario));
        if !run.reached(at) {
            return;
        }
        signal_all(sent.0, &user);
        let ended = run.ends();
        is_cancelled(&user, &ended, sent);
        // Evidence has the state at the end: links and addresses outlive the daemons that made them.
        if at != "building the topology" {
            let evidence = user.report(&ended.told()).evidence.expect("evidence");
            let addresses = evidence.join("machines/host/addresses.txt");
            assert!(addresses.exists(), "{}", ended.told());
        }
    }
}

/// When `slow` fails, `missing` has been looked at for a while, at least once; `last` and `after` have not begun.
const WITHIN: &str = r#"
[[checks]]
id = "last"
from = "host"
within = "120s"
address = { prefix = "10.9.9.0/24", state = "absent" }

[[checks]]
id = "missing"
from = "host"
within = "120s"
address = { prefix = "10.9.8.0/24" }

[[checks]]
id = "slow"
from = "host"
within = "2s"
ping = { to = "192.168.1.99" }

[[checks]]
id = "router"
from = "host"
ping = { to = "192.168.1.1" }

[[steps]]
id = "cut"
link_down = { on = "desktop", interface = "eth0" }

[[checks]]
id = "after"
from = "host"
after = "cut"
ping = { to = "192.168.1.1" }
"#;

/// Whatever ends or breaks a run, what its checks decided before stays decided.
#[test]
fn a_run_that_ends_within_its_checks_tells_what_they_have_seen() {
    for (process, sent, outcome) in [
        (None, "-INT", Outcome::Cancelled),
        (Some("dnsmasq"), "-KILL", Outcome::Broken),
    ] {
        let user = User::new();
        let scenario = lan_scenario(&user.path("lan"), WITHIN);
        let mut run = Running::start(&mut run(&user, &["--guests", "ghost"], scenario));
        if !run.reached("router: a reply") || !run.reached("slow: ") {
            return;
        }
        match process {
            None => run.signal(sent),
            Some(name) => {
                let mut all = marked(&user.mark());
                all.retain(|process| process.name == name);
                assert!(!all.is_empty(), "a lab has {name}");
                signal(sent, &all);
            }
        }
        let ended = run.ends();
        let told = ended.told();
        let report = user.report(&told);
        assert_eq!(report.outcome, outcome, "{told}");
        let checks = report.checks.iter();
        let checks: Vec<_> = checks.map(|one| (one.id.as_str(), one.outcome)).collect();
        let expected = [
            ("last", Undecided),
            ("missing", Undecided),
            ("slow", Failed),
            ("router", Passed),
            ("after", Undecided),
        ];
        assert_eq!(checks, expected, "{told}");
        let (last, missing) = (&report.checks[0], &report.checks[1]);
        assert_eq!(
            (last.attempts, last.got.as_str()),
            (0, "the run ended first")
        );
        assert!(
            missing.attempts > 0 && !missing.seen.is_empty(),
            "{missing:?}"
        );
        let seen = &missing.seen[missing.seen.len() - 1].got;
        assert_eq!(
            missing.got,
            format!("the run ended first; seen last: {seen}")
        );
        let counted = "(1 of 5 checks hold, 1 undecided, 2 not looked at)";
        assert!(ended.stdout.contains(counted), "{told}");
        let cut: Vec<_> = report.stages.iter().filter(|one| one.cut_short).collect();
        assert_eq!((cut.len(), cut[0].name.as_str()), (1, "checks"), "{told}");
        let reason = report.problem.expect("a reason").chain.join(": ");
        match outcome {
            Outcome::Cancelled => assert_eq!(reason, "SIGINT ended the run during the checks"),
            _ => assert!(reason.contains("SIGKILL"), "{reason}"),
        }
        let junit = fs::read_to_string(user.path("junit.xml")).expect("a JUnit report");
        let suite = junit.lines().find(|line| line.contains("<testsuite "));
        let suite = suite.expect("a suite");
        for counted in [
            "tests=\"6\"",
            "skipped=\"3\"",
            "errors=\"1\"",
            "failures=\"1\"",
        ] {
            assert!(suite.contains(counted), "no {counted} in {suite}");
        }
    }
}

/// In a run with guests the signal ends the VMMs as well.
#[test]
fn a_signal_to_a_run_with_guests_cancels_it_too() {
    for (at, sent) in ["booting the guests", "checking"].into_iter().zip(SIGNALS) {
        let user = User::new();
        let scenario = root().join("scenarios/tiny-guest");
        let mut run = Running::start(&mut run(&user, &["--accel", "tcg"], scenario));
        if !run.reached(at) {
            return;
        }
        signal_all(sent.0, &user);
        is_cancelled(&user, &run.ends(), sent);
    }
}

/// A stopped worker says nothing and keeps its lab for ever. So its run is broken, by name, and nothing of it is left.
#[test]
fn a_worker_that_is_stopped_for_good_breaks_its_run() {
    let user = User::new();
    let scenario = lan_scenario(&user.path("lan"), CHECKS);
    let mut run = Running::start(&mut run(&user, &["--guests", "ghost"], scenario));
    if !run.reached("router: a reply") {
        return;
    }
    let program = run.child.id().to_string();
    let mut workers = marked(&user.mark());
    workers.retain(|process| process.name == "bridgelab" && process.pid != program);
    workers.sort_by_key(|process| process.pid.parse().unwrap_or(0_u32));
    // The younger process is process 1 of the lab.
    let worker = workers.pop().into_iter().collect::<Vec<_>>();
    assert!(!worker.is_empty(), "a run has a worker");
    signal("-STOP", &worker);
    let ended = run.ends();
    let told = ended.told();
    assert_eq!(ended.code(), Some(4), "{told}");
    let report = user.report(&told);
    assert_eq!(report.outcome, Outcome::Broken, "{told}");
    let problem = report.problem.expect("a reason");
    assert_eq!(problem.code, "lab.worker-stopped", "{told}");
    assert!(problem.chain.join(": ").contains("SIGSTOP"), "{told}");
    wait_until_gone(&user.mark());
}

/// Puts an `ip` in front of the real one that runs this script where the probe makes its first bridge.
fn probed(user: &User, script: &str) {
    let script =
        format!("case \"$*\" in *pb0*) {script};; esac\nPATH=${{PATH#*:}}\nexec ip \"$@\"");
    user.program("ip", &script);
}

/// A scenario that needs an examination of this machine.
fn asking(user: &User) -> PathBuf {
    let path = lan_scenario(&user.path("lan"), "");
    let text = fs::read_to_string(&path).expect("the scenario");
    let text = text.replace("version = 1\n", "version = 1\nneeds = [\"bridge\"]\n");
    fs::write(&path, text).expect("the scenario");
    path
}

fn broken(user: &User, command: &mut Command) -> (RunReport, String) {
    let output = command.output().expect("the program under test starts");
    let told = told(&output);
    let report = user.report(&told);
    assert_eq!(output.status.code(), Some(4), "{told}");
    assert_eq!(report.outcome, Outcome::Broken, "{told}");
    let problem = report.problem.as_ref().expect("a reason");
    assert_eq!(problem.code, "host.unanswered", "{told}");
    (report, told)
}

#[test]
fn a_probe_that_a_signal_ended_says_nothing_of_the_machine() {
    for (script, named) in [
        // Kill what the probe runs; kill the probe itself; stop it for good.
        ("kill -KILL $$", ["link add pb0", "SIGKILL"]),
        ("kill -TERM $$", ["link add pb0", "SIGTERM"]),
        ("kill -KILL $PPID; exec sleep 60", ["__probe", "SIGKILL"]),
        (
            "kill -STOP $PPID; exec sleep 60",
            ["__probe", "still running"],
        ),
    ] {
        let user = User::new();
        probed(&user, script);
        let mut run = run(&user, &["--guests", "ghost"], asking(&user));
        let (report, told) = broken(&user, &mut run);
        let reason = report.problem.expect("a reason").chain.join(": ");
        for word in named {
            assert!(reason.contains(word), "no `{word}` of {script}: {told}");
        }
    }
}

#[test]
fn neither_does_a_program_that_is_asked_for_its_version() {
    let user = User::new();
    user.program("qemu-system-x86_64", "kill -KILL $$");
    let scenario = root().join("scenarios/two-guests");
    let (report, told) = broken(&user, &mut run(&user, &["--accel", "tcg"], scenario));
    let reason = report.problem.expect("a reason").chain.join(": ");
    for word in ["qemu", "--version", "SIGKILL"] {
        assert!(reason.contains(word), "no `{word}`: {told}");
    }
    let mut doctor = bridgelab(&["doctor"]);
    user.environment(&mut doctor);
    let doctor = doctor.output().expect("the program under test starts");
    let text = support::told(&doctor);
    // A capability that is known to be missing matters more, and decides the exit code.
    if !text.contains("ABSENT") {
        assert_eq!(doctor.status.code(), Some(4), "{text}");
    }
    assert!(text.contains("UNKNOWN"), "{text}");
}

/// The probe dies by the same signal, before the program gets its own.
#[test]
fn a_signal_to_everybody_while_the_machine_is_looked_at_cancels_too() {
    let user = User::new();
    let begun = user.path("begun");
    probed(
        &user,
        &format!("touch '{}'; exec sleep 60", begun.display()),
    );
    let mut run = run(&user, &["--guests", "ghost"], asking(&user));
    let run = Running::start(&mut run);
    wait_until("the probe to make its bridge", || match begun.exists() {
        true => Ok(()),
        false => Err("not yet".to_owned()),
    });
    signal_all("-TERM", &user);
    is_cancelled(&user, &run.ends(), SIGNALS[0]);
}

/// `check` asks networkd, where the machine has it. A networkd that was ended has judged nothing.
#[test]
fn a_networkd_that_is_ended_has_not_judged_the_files() {
    for (script, code, word) in [
        ("kill -KILL $$", 4, "SIGKILL"),
        ("echo no, not here >&2; exit 1", 0, "not here"),
    ] {
        let user = User::new();
        let scenario = lan_scenario(&user.path("lan"), "");
        user.program("systemd-networkd", script);
        let mut check = bridgelab(&["check"]);
        check.arg(scenario);
        user.environment(&mut check);
        check.env("BRIDGELAB_SYSTEMD", user.path("bin"));
        let output = check.output().expect("the program under test starts");
        let told = told(&output);
        // Nobody could ask networkd where no namespace can be made.
        if told.contains("host.namespace-denied") {
            return support::skip(&told);
        }
        assert_eq!(output.status.code(), Some(code), "{told}");
        assert!(told.contains(word), "{told}");
    }
}
