//! Whatever ends a run, it leaves a verdict, evidence, JSON and JUnit, and says what could not be written. The labs have no
//! guests. Where this host cannot run even those, each test says so.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use bridgelab_client::{Hold, Scenario, toml::toml};
use bridgelab_harness::report::{Outcome, RunReport};
use support::processes::wait_until;
use support::running::Running;
use support::user::User;
use support::{bridgelab, is_root, lan_scenario, program, root, skip};

/// Nobody has this address.
const NEVER: &str = r#"
[[checks]]
id = "never"
from = "host"
within = "120s"
ping = { to = "192.168.1.99" }
"#;
const HOLDS: &str = r#"
[[checks]]
id = "router"
from = "host"
ping = { to = "192.168.1.1" }
"#;

/// Adds to a command the run of a scenario with these checks, and all reports.
fn command(user: &User, program: &mut Command, checks: &str) {
    let scenario = lan_scenario(&user.path("lan"), checks);
    program
        .args(["run", "--guests", "ghost"])
        .arg(scenario)
        .arg("--evidence")
        .arg(user.path("evidence"))
        .arg("--junit")
        .arg(user.path("junit.xml"))
        .env("BRIDGELAB_ROOT", root());
    user.run(program);
}

/// The folder of evidence, of which there is only one.
fn evidence(user: &User) -> std::path::PathBuf {
    let mut folders = fs::read_dir(user.path("evidence")).expect("evidence");
    let folder = folders.next().expect("a run's").expect("readable").path();
    assert_eq!(folders.count(), 0, "of one run");
    folder
}

/// The line of the JUnit report about the run's suite.
fn suite(user: &User) -> String {
    let xml = fs::read_to_string(user.path("junit.xml")).expect("a JUnit report");
    let suite = xml.lines().find(|line| line.contains("<testsuite "));
    suite.expect("a suite").to_owned()
}

#[test]
fn a_signal_ends_a_run_with_verdict_and_evidence_and_all_reports() {
    for (name, code, problem) in [
        ("-INT", 130, "run.interrupted"),
        ("-TERM", 143, "run.terminated"),
        ("-HUP", 129, "run.hung-up"),
    ] {
        let user = User::new();
        let mut run = Command::new(program());
        command(&user, &mut run, NEVER);
        let mut run = Running::start(&mut run);
        if !run.reached("checking") {
            return;
        }
        run.signal(name);
        // timeout(1) and service managers send their signal twice, and mean one.
        run.signal(name);
        let ended = run.ends();
        assert_eq!(ended.code(), Some(code), "{name}: {}", ended.told());
        assert!(!ended.progress.contains("killing"), "{}", ended.told());
        let verdict = &ended.stdout;
        let signal = format!("SIG{} ended the run during the checks", &name[1..]);
        assert!(verdict.starts_with("lan: cancelled"), "{verdict}");
        assert!(verdict.contains(&signal), "{verdict}");
        let report = user.report(verdict);
        assert_eq!(report.outcome, Outcome::Cancelled);
        assert_eq!(report.problem.expect("a reason").code, problem);
        let suite = suite(&user);
        assert!(suite.contains("tests=\"2\""), "{suite}");
        assert!(suite.contains("errors=\"1\""), "{suite}");
        let folder = evidence(&user);
        for file in ["cancelled", "verdict.txt", "report.json", "plan.txt"] {
            assert!(folder.join(file).exists(), "no {file} of {name}");
        }
        assert!(folder.join("machines/host/addresses.txt").exists());
    }
}

#[test]
fn whoever_ignores_a_hangup_is_believed() {
    let user = User::new();
    // Ignore SIGHUP, as nohup(1) has it when it starts a program.
    let mut run = Command::new("sh");
    run.args(["-c", "trap '' HUP; exec \"$@\"", "sh", program()]);
    command(&user, &mut run, &NEVER.replace("120s", "2s"));
    let mut run = Running::start(&mut run);
    if !run.reached("checking") {
        return;
    }
    run.signal("-HUP");
    let ended = run.ends();
    assert_eq!(ended.code(), Some(1), "{}", ended.told());
}

/// The signal comes while the machine is examined, which takes a while, or an image is built, which takes minutes.
#[test]
fn a_signal_before_anything_began_is_reported_as_well() {
    let user = User::new();
    let begun = user.path("begun");
    let script = format!("touch '{}'\nexec sleep 60", begun.display());
    user.program("qemu-system-x86_64", &script);
    let mut run = bridgelab(&["run", "two-guests", "--accel", "tcg"]);
    run.arg("--evidence").arg(user.path("evidence"));
    run.arg("--junit").arg(user.path("junit.xml"));
    user.run(&mut run);
    let run = Running::start(&mut run);
    wait_until("the machine is looked at", || match begun.exists() {
        true => Ok(()),
        false => Err("not yet".to_owned()),
    });
    run.signal("-TERM");
    let ended = run.ends();
    let told = ended.told();
    assert_eq!(ended.signal(), None, "{told}");
    assert_eq!(ended.code(), Some(143), "{told}");
    let report = user.report(&told);
    assert_eq!(report.outcome, Outcome::Cancelled);
    let suite = suite(&user);
    assert!(suite.contains("errors=\"1\""), "{suite}");
}

/// Runs `words` through the shell with stdout redirected to `target`. Returns exit code and stderr.
fn into(target: &str, words: &[&str]) -> (Option<i32>, String) {
    let script = format!("\"$0\" \"$@\" {target}");
    let mut shell = Command::new("bash");
    shell
        .args(["-c", &script, program()])
        .args(words)
        .env("BRIDGELAB_ROOT", root());
    let output = shell.output().expect("bash runs");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), error)
}

#[test]
fn what_is_not_written_to_stdout_is_told_and_a_closed_pipe_is_nobodys_error() {
    let calls: [&[&str]; 5] = [
        &["list"],
        &["list", "--json"],
        &["schema"],
        &["plan", "simple-network"],
        &["check", "simple-network"],
    ];
    for words in calls {
        let (code, error) = into(">/dev/full", words);
        assert_eq!(code, Some(4), "{words:?}: {error}");
        assert!(error.contains("write to stdout: No space left"), "{error}");
        let (code, error) = into("| head -c 1 >/dev/null; exit ${PIPESTATUS[0]}", words);
        assert_eq!((code, error.as_str()), (Some(0), ""), "{words:?}");
    }
}

/// The fault is found before anything is built: there is no progress.
#[test]
fn targets_that_cannot_be_written_are_told_before_anything_is_built() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("file"), "").expect("a file");
    for (option, target, why) in [
        ("--json", path(""), "it is a folder"),
        ("--junit", path("none/report.xml"), "mkdir -p"),
        ("--evidence", path("file"), "--evidence DIR"),
        (
            "--junit",
            "/proc/report.xml".to_owned(),
            "cannot be written",
        ),
    ] {
        let words = ["run", "two-guests", "--guests", "ghost", option, &target];
        let (code, _, error) = support::output(&words);
        assert_eq!(code, Some(2), "{error}");
        let told = format!("`{option} {target}`");
        assert!(error.contains(&told) && error.contains(why), "{error}");
        assert!(!error.contains("building"), "{error}");
    }
}

/// The network is as it should be, but nobody could see that afterwards.
#[test]
fn a_run_whose_evidence_is_not_whole_has_not_passed() {
    if !is_root() {
        return skip("only root can mount a small file system");
    }
    let user = User::new();
    for size in ["300k", "10m"] {
        let mut run = Command::new("unshare");
        let script = "mount -t tmpfs -o size=$0 tmpfs \"$FOLDER\" && exec \"$@\"";
        run.args(["--mount", "--propagation", "private", "sh", "-c", script]);
        run.args([size, program()])
            .env("FOLDER", user.path("evidence"));
        fs::create_dir_all(user.path("evidence")).expect("a folder");
        command(&user, &mut run, HOLDS);
        let output = run.output().expect("unshare runs");
        let told = support::told(&output);
        let report = user.report(&told);
        match (report.outcome, report.problem) {
            (Outcome::Skipped, _) => return skip(&told),
            (Outcome::Broken, Some(problem)) => {
                assert_eq!(
                    (size, problem.code.as_str()),
                    ("300k", "evidence.not-whole")
                );
                assert_eq!(output.status.code(), Some(4));
                assert!(told.contains("No space left on device"), "{told}");
                assert!(suite(&user).contains("errors=\"1\""), "{told}");
            }
            (outcome, _) => {
                assert_eq!((size, outcome), ("10m", Outcome::Passed), "{told}");
                assert_eq!(output.status.code(), Some(0));
            }
        }
    }
}

#[test]
fn json_and_junit_are_whole_on_stdout() {
    let user = User::new();
    let scenario = lan_scenario(&user.path("lan"), HOLDS);
    let run = |option: &str| {
        let mut run = bridgelab(&["run", "--guests", "ghost", option, "-", "--evidence"]);
        run.arg(user.path("evidence")).arg(&scenario);
        user.environment(&mut run);
        run.output().expect("the program under test starts")
    };
    let json = run("--json");
    if json.status.code() == Some(3) {
        return skip(&support::told(&json));
    }
    let report: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON alone");
    assert_eq!(report["runs"][0]["outcome"], "passed");
    let file = user.path("told.json");
    fs::write(&file, &json.stdout).expect("a file");
    let words = ["report", &file.to_string_lossy()];
    assert_eq!(into("| grep -q 'lan: passed'", &words).0, Some(0));
    assert_eq!(into(">/dev/full", &words).0, Some(4));
    let junit = run("--junit");
    let xml = String::from_utf8_lossy(&junit.stdout);
    assert!(xml.starts_with("<?xml"), "{xml}");
    assert!(xml.trim_end().ends_with("</testsuites>"), "{xml}");
}

/// The scenario's own folder is gone, as a test's scenario always is.
#[test]
fn a_run_is_done_again_from_its_evidence_alone() {
    let user = User::new();
    let mut run = Command::new(program());
    command(&user, &mut run, HOLDS);
    run.args(["--set", "vcpu=2"]);
    let output = run.output().expect("the program under test starts");
    let told = support::told(&output);
    let first = user.report(&told);
    if first.outcome == Outcome::Skipped {
        return skip(&told);
    }
    assert_eq!(first.outcome, Outcome::Passed, "{told}");
    fs::remove_dir_all(user.path("lan")).expect("its folder");
    let evidence = first.evidence.clone().expect("a folder");
    let mut again = bridgelab(&["rerun"]);
    again
        .arg(&evidence)
        .arg("--evidence")
        .arg(user.path("second"));
    user.run(&mut again);
    let output = again.output().expect("the program under test starts");
    let told = support::told(&output);
    let second = user.report(&told);
    assert_eq!(second.outcome, Outcome::Passed, "{told}");
    assert_eq!(second.title(), first.title());
    assert_eq!(second.checks.len(), first.checks.len());
    assert_eq!(second.accelerator, "ghost");
    let options = second.reproduce.split_once(" run ").expect("a command").1;
    assert!(options.contains("--set vcpu=2 --guests ghost"), "{options}");
    let file = fs::read_to_string(evidence.join("rerun.json")).expect("what it was");
    assert!(
        file.contains("vcpu=2") && file.contains(program()),
        "{file}"
    );
    let (code, _, error) = support::output(&["rerun", "/proc"]);
    assert_eq!(code, Some(2), "{error}");
}

/// What a test asks of its lab is repeated as well.
#[tokio::test]
async fn a_lab_of_a_test_is_done_again_after_the_test() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = Scenario::new("the base topology alone");
    let hold = Hold::built(&scenario).expect("it can be written").ghosts();
    let Some(lab) = support::held(hold, folder.path()).await else {
        return;
    };
    let ping = toml! { ping = { to = "192.168.1.1" } };
    let desktop = lab.vantage("desktop").expect("a machine");
    assert!(desktop.check("asked", ping).await.expect("a look").passed());
    let report = lab.finish().await.expect("a report");
    let words = report.reproduce.strip_prefix("bridgelab rerun ");
    let json = folder.path().join("again.json");
    let mut again = bridgelab(&["rerun", words.expect("the evidence"), "--json"]);
    again
        .arg(&json)
        .arg("--evidence")
        .arg(folder.path().join("again"));
    let output = again.output().expect("the program under test starts");
    let told = support::told(&output);
    let run = support::only_run(&json);
    assert_eq!(run.outcome, Outcome::Passed, "{told}");
    let ids: Vec<&str> = run.checks.iter().map(|check| check.id.as_str()).collect();
    assert_eq!(ids, ["asked"]);
}

/// The command has the options that were asked for, also where nothing was started.
#[test]
fn what_was_asked_for_is_in_the_command_that_does_it_again() {
    let user = User::new();
    user.program("qemu-system-x86_64", "exit 1");
    let mut run = bridgelab(&["run", "two-guests", "--accel", "tcg", "--cold"]);
    run.arg("--evidence").arg(user.path("evidence"));
    user.run(&mut run);
    let output = run.output().expect("the program under test starts");
    let told = support::told(&output);
    let report = user.report(&told);
    assert_eq!(report.outcome, Outcome::Skipped, "{told}");
    assert!(
        report.reproduce.contains(" --cold --accel tcg"),
        "{report:?}"
    );
}

/// Runs a shell's script, and then a run with ghosts of the page's two guests. Returns the report and what was printed.
fn run_after(user: &User, script: &str, scenario: &Path) -> (RunReport, String) {
    let mut run = Command::new("bash");
    let script = format!("{script} \"$0\" \"$@\"");
    run.args(["-c", &script, program(), "run", "--guests", "ghost"]);
    run.arg(scenario).arg("--require-all=false");
    run.arg("--evidence").arg(user.path("evidence"));
    run.env("BRIDGELAB_ROOT", root());
    user.run(&mut run);
    let output = run.output().expect("bash runs");
    let told = support::told(&output);
    (user.report(&told), told)
}

/// Daemons run as users of their own and can read what the lab wrote for them; the evidence stays as private as the umask
/// wants.
#[test]
fn a_lab_does_not_inherit_the_modes_of_files() {
    for (umask, mode) in [("027", 0o750), ("077", 0o700)] {
        let user = User::new();
        let scenario = root().join("scenarios/two-guests");
        let (run, told) = run_after(&user, &format!("umask {umask};"), &scenario);
        if run.outcome == Outcome::Skipped {
            return skip(&told);
        }
        assert_eq!(run.outcome, Outcome::Passed, "{told}");
        let folder = fs::metadata(evidence(&user)).expect("a folder");
        assert_eq!(folder.permissions().mode() & 0o777, mode);
    }
}

#[test]
fn few_descriptors_are_enough_or_are_named_with_the_way_to_more() {
    let user = User::new();
    let scenario = root().join("scenarios/two-guests");
    let (run, told) = run_after(&user, "ulimit -Sn 64;", &scenario);
    if run.outcome == Outcome::Skipped {
        return skip(&told);
    }
    assert_eq!(
        run.outcome,
        Outcome::Passed,
        "the soft limit is raised: {told}"
    );
    let (run, told) = run_after(&user, "ulimit -n 64;", &scenario);
    assert_eq!(run.outcome, Outcome::Broken, "{told}");
    let help = run.problem.and_then(|problem| problem.help);
    assert!(
        help.is_some_and(|help| help.contains("ulimit -n")),
        "{told}"
    );
}

#[test]
fn a_name_as_long_as_a_file_system_takes_is_a_name() {
    let user = User::new();
    let folder = user.path(&"n".repeat(250));
    let scenario = lan_scenario(&folder, HOLDS);
    let (run, told) = run_after(&user, "", &scenario);
    if run.outcome == Outcome::Skipped {
        return skip(&told);
    }
    assert_eq!(run.outcome, Outcome::Passed, "{told}");
    assert_eq!(run.scenario.len(), 250);
}

/// In `unshare -Ur` there is root and no other user.
#[test]
fn a_namespace_with_one_id_is_a_host_that_cannot() {
    let user = User::new();
    let scenario = root().join("scenarios/two-guests");
    let (run, told) = run_after(&user, "unshare -Ur", &scenario);
    assert_eq!(run.outcome, Outcome::Skipped, "{told}");
    let problem = run.problem.expect("a reason");
    assert_eq!(problem.code, "host.few-ids", "{told}");
    assert!(problem.help.is_some_and(|help| help.contains("map-auto")));
}

/// `plan.txt` and `commands.txt` have the steps that were carried out, and no others.
#[test]
fn the_evidence_has_the_steps_that_were_done() {
    let user = User::new();
    let step =
        "\n[[steps]]\nid = \"cut\"\nlink_down = { on = \"desktop\", interface = \"eth0\" }\n";
    let scenario = lan_scenario(&user.path("lan"), &format!("{HOLDS}{step}"));
    let (run, told) = run_after(&user, "", &scenario);
    if run.outcome == Outcome::Skipped {
        return skip(&told);
    }
    assert_eq!(run.outcome, Outcome::Passed, "{told}");
    let commands = fs::read_to_string(evidence(&user).join("commands.txt"));
    let commands = commands.expect("what was done");
    assert!(
        commands.contains("# step cut: done\nip -n desktop link set eth0 down"),
        "{commands}"
    );
}
