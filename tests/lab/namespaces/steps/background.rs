//! Commands that run in the background while checks are looked at.

use std::fs;
use std::path::Path;
use std::process::Output;

use bridgelab_harness::report::{Outcome, RunReport, StepOutcome};

use super::{GUEST, passes, run, run_file, step};
use support::processes::wait_until;
use support::{bridgelab, lan_scenario, ran, root};

fn run_in(folder: &Path, text: &str) -> Option<(RunReport, Output)> {
    let scenario = lan_scenario(folder, text);
    let mut command = bridgelab(&["run"]);
    command.arg(scenario).arg("--evidence");
    command.arg(folder.join("evidence"));
    ran(&mut command, folder)
}

/// The output of a step's command, from the evidence.
fn said(run: &RunReport, step: &str) -> String {
    let evidence = run.evidence.as_ref().expect("a folder");
    let file = evidence.join(format!("background/{step}.txt"));
    fs::read_to_string(file).expect("what it said")
}

/// Waits until no process of this computer has these words in its command line.
fn gone(words: &str) {
    wait_until("all of it to be gone", || {
        let mut pgrep = std::process::Command::new("pgrep");
        let found = pgrep.args(["-f", words]).output().expect("pgrep runs");
        match found.status.success() {
            true => Err(String::from_utf8_lossy(&found.stdout).into_owned()),
            false => Ok(()),
        }
    });
}

/// A step ends one command, the run's end the other. Neither is left running, and the evidence has the output of both.
#[test]
fn a_command_goes_on_until_it_is_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some((run, output)) = run_in(
        folder.path(),
        r#"
[[steps]]
id = "load"
run = { on = "desktop", command = ["ping", "-i", "0.2", "192.168.1.1"], background = true }

[[steps]]
id = "server"
run = { on = "router", command = ["sh", "-c", "sleep 98771 & echo it is here; wait"], background = true }

[[checks]]
id = "under-load"
after = "server"
from = "host"
ping = { to = "192.168.1.1" }

[[checks]]
id = "it-runs"
after = "server"
from = "desktop"
process = { name = "ping" }

[[checks]]
id = "it-is-answered"
after = "server"
from = "desktop"
packet = { interface = "eth0", filter = "icmp and src 192.168.1.1", count = 2 }

[[steps]]
id = "load-over"
kill = { run = "load" }

[[checks]]
id = "it-is-over"
after = "load-over"
from = "desktop"
process = { name = "ping", absent = true }

[[checks]]
id = "the-other-runs"
after = "load-over"
from = "router"
process = { name = "sleep" }
"#,
    ) else {
        return;
    };
    passes(&run);
    assert_eq!(run.left_running, []);
    let load = step(&run, "load");
    let line = "ip netns exec desktop ping -i 0.2 192.168.1.1 &";
    assert_eq!((load.action.as_str(), load.command.as_str()), ("run", line));
    for id in ["load", "server"] {
        let told = &step(&run, id).said;
        assert!(told.starts_with("ended by the lab after"), "{told}");
    }
    assert_eq!(step(&run, "load-over").command, "kill %load");
    let load = said(&run, "load");
    assert!(
        load.starts_with(&format!("# {line}\n# ended by the lab after ")),
        "{load}"
    );
    // ping got SIGTERM before SIGKILL, so that it wrote its output.
    assert!(load.contains("bytes from 192.168.1.1"), "{load}");
    assert!(said(&run, "server").contains("\nit is here\n"));
    assert!(!String::from_utf8_lossy(&output.stdout).contains("left running"));
    gone("sleep 9877[1]");
}

/// The command's status does not matter: checks would be judged without the command.
#[test]
fn one_that_ends_by_itself_leaves_no_verdict() {
    for (line, how) in [
        (
            "echo not today >&2; sleep 0.3; exit 3",
            "with exit status 3",
        ),
        ("echo not today; sleep 0.3", "with exit status 0"),
        ("echo not today; sleep 0.3; kill -9 $$", "by a signal"),
    ] {
        let text = format!(
            r#"
[[steps]]
id = "load"
run = {{ on = "desktop", command = ["sh", "-c", "{line}"], background = true }}

[[checks]]
id = "never"
after = "load"
from = "host"
within = "60s"
ping = {{ to = "192.168.1.99" }}
"#
        );
        let folder = tempfile::tempdir().expect("a folder");
        let Some((run, output)) = run_in(folder.path(), &text) else {
            return;
        };
        assert_eq!(
            (run.outcome, output.status.code()),
            (Outcome::Broken, Some(4))
        );
        let problem = run.problem.as_ref().expect("a problem");
        assert_eq!(problem.code, "step.background-ended");
        let told = &problem.chain[0];
        for words in ["step `load`", "`desktop`", how, "it said: not today"] {
            assert!(told.contains(words), "no {words} in {told}");
        }
        let help = problem.help.as_deref().expect("what mends it");
        assert!(
            help.contains("kill = { run = \"load\" }") && help.contains("may_fail"),
            "{help}"
        );
        assert!(run.ms < 40_000, "it is told at once");
        let told = &step(&run, "load").said;
        assert!(
            told.contains("ended by itself") && told.contains(how),
            "{told}"
        );
        let evidence = said(&run, "load");
        assert!(
            evidence.contains(how) && evidence.contains("not today"),
            "{evidence}"
        );
    }
}

/// The command ends after the last look at anything else: the last check is over a moment later.
#[test]
fn one_that_ends_at_once_is_seen_when_all_is_over() {
    let Some(run) = run(r#"
[[steps]]
id = "load"
run = { on = "desktop", command = ["true"], background = true }

[[steps]]
id = "wait"
wait_for = { from = "desktop", process = { name = "true", absent = true } }
"#)
    else {
        return;
    };
    assert_eq!(run.outcome, Outcome::Broken);
    assert_eq!(
        run.problem.expect("a problem").code,
        "step.background-ended"
    );
}

#[test]
fn one_that_may_end_by_itself_says_how_it_did() {
    let Some(run) = run(r#"
[[steps]]
id = "short"
may_fail = true
run = { on = "desktop", command = ["timeout", "0.1", "sleep", "9"], background = true }

[[steps]]
id = "is-gone"
wait_for = { from = "desktop", process = { name = "timeout", absent = true } }

[[steps]]
id = "over"
kill = { run = "short" }

[[steps]]
id = "no-program"
refused = "No such file or directory"
run = { on = "desktop", command = ["/nowhere/load"], background = true }
"#)
    else {
        return;
    };
    passes(&run);
    let told = &step(&run, "short").said;
    assert!(
        told.contains("by itself") && told.contains("exit status 124"),
        "{told}"
    );
    assert!(
        step(&run, "over").said.contains("exit status 124"),
        "{:?}",
        run.steps
    );
    assert_eq!(step(&run, "no-program").outcome, StepOutcome::Refused);
}

/// The command ignores SIGTERM, and what it has started is in sessions of its own.
#[test]
fn one_that_does_not_want_to_end_is_killed_with_all_that_it_has_started() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some((run, _)) = run_in(
        folder.path(),
        r#"
[[steps]]
id = "load"
run = { on = "desktop", command = ["sh", "-c", "trap '' TERM; setsid sleep 98773 & setsid sh -c 'sleep 98773 & wait' & while :; do sleep 98773; done"], background = true }

[[steps]]
id = "over"
kill = { run = "load" }

[[checks]]
id = "nothing-sleeps"
after = "over"
from = "desktop"
process = { name = "sleep", absent = true }
"#,
    ) else {
        return;
    };
    passes(&run);
    assert_eq!(run.left_running, []);
    gone("sleep 9877[3]");
}

/// In a ghost, commands run in a cell of its namespace, which ends when the ghost is stopped.
#[test]
fn in_a_ghost_it_is_the_same() {
    let text = format!(
        r#"{GUEST}
[[checks]]
id = "before"
from = "test1"
ping = {{ to = "192.168.1.1" }}

[[steps]]
id = "load"
run = {{ on = "test1", command = ["ping", "-i", "0.2", "192.168.1.1"], background = true }}

[[checks]]
id = "under-load"
after = "load"
from = "desktop"
ping = {{ to = "192.168.1.3" }}

[[checks]]
id = "it-is-answered"
after = "load"
from = "test1"
packet = {{ interface = "vm-test1", filter = "icmp and src 192.168.1.1", count = 2 }}

[[steps]]
id = "over"
kill = {{ run = "load" }}

[[steps]]
id = "restart"
restart = {{ guest = "test1" }}

[[steps]]
id = "is-up"
wait_for = {{ from = "test1", ping = {{ to = "192.168.1.1" }} }}

[[steps]]
id = "again"
run = {{ on = "test1", command = ["ping", "-i", "0.2", "192.168.1.1"], background = true }}

[[checks]]
id = "under-load-again"
after = "again"
from = "desktop"
ping = {{ to = "192.168.1.3" }}
"#
    );
    let folder = tempfile::tempdir().expect("a folder");
    let guest = folder.path().join("guest");
    fs::create_dir(&guest).expect("a folder");
    let unit = "scenarios/simple-network/guest/20-lan.network";
    fs::copy(root().join(unit), guest.join("20-lan.network")).expect("a copy");
    let scenario = lan_scenario(folder.path(), &text);
    let Some(run) = run_file(folder.path(), &scenario, &[]) else {
        return;
    };
    passes(&run);
    assert_eq!(run.left_running, []);
    let load = said(&run, "load");
    assert!(load.contains("bytes from 192.168.1.1"), "{load}");
    assert!(step(&run, "again").said.starts_with("ended by the lab"));
}
