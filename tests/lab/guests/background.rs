//! Commands of steps in real guests that run in the background, or are left running.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::Path;
use std::process::Output;

use bridgelab_harness::report::{Outcome, RunReport};
use support::{bridgelab, ran};

const TINY: &str = r#"
version = 1
summary = "a guest with something to do"
base = "none"

[machines.host]

[guests.tiny1]
image = "tiny"
interfaces = [{ type = "tap", id = "vm-tiny1", mac = "02:00:00:00:00:01", addresses = ["192.0.2.1/24"], host_addresses = ["192.0.2.2/24"] }]
"#;

fn run(folder: &Path, steps: &str) -> Option<(RunReport, Output)> {
    let scenario = folder.join("scenario.toml");
    fs::write(&scenario, format!("{TINY}{steps}")).expect("a scenario");
    let mut command = bridgelab(&["run"]);
    command.arg(scenario).arg("--evidence");
    command.arg(folder.join("evidence"));
    ran(&mut command, folder)
}

fn said<'a>(run: &'a RunReport, id: &str) -> &'a str {
    let step = run.steps.iter().find(|step| step.id == id);
    &step.expect("the step").said
}

/// One command is ended by a step and one with the run. A third is left running by a step that ended long before.
#[test]
fn in_a_guest_commands_go_on_until_they_are_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some((run, output)) = run(
        folder.path(),
        r#"
[[steps]]
id = "load"
run = { on = "tiny1", command = ["ping", "192.0.2.2"], background = true }

[[steps]]
id = "until-the-end"
run = { on = "tiny1", command = ["sh", "-c", "trap '' TERM; setsid sleep 98791 & echo here; while :; do sleep 98791; done"], background = true }

[[steps]]
id = "no-program"
refused = "/nowhere/load: not found"
run = { on = "tiny1", command = ["/nowhere/load"], background = true }

[[steps]]
id = "left"
run = { on = "tiny1", command = ["sh", "-c", "sleep 98792 >/dev/null 2>&1 &"] }

[[checks]]
id = "under-load"
after = "left"
from = "host"
ping = { to = "192.0.2.1" }

[[checks]]
id = "it-pings"
after = "left"
from = "tiny1"
process = { name = "ping" }

[[checks]]
id = "it-is-answered"
after = "left"
from = "tiny1"
packet = { interface = "vm-tiny1", filter = "icmp and src 192.0.2.2", count = 2 }

[[steps]]
id = "load-over"
kill = { run = "load" }

[[checks]]
id = "no-more"
after = "load-over"
from = "tiny1"
process = { name = "ping", absent = true }
"#,
    ) else {
        return;
    };
    assert_eq!(
        run.outcome,
        Outcome::Passed,
        "{:?} {:?}",
        run.problem,
        run.differences
    );
    for id in ["load", "until-the-end"] {
        let said = said(&run, id);
        assert!(said.starts_with("ended by the lab after"), "{said}");
    }
    // The commands in the background were ended with all that they had started.
    let left: Vec<_> = run
        .left_running
        .iter()
        .map(|one| (&*one.machine, &*one.command))
        .collect();
    assert_eq!(left, [("tiny1", "sleep 98792")]);
    let verdict = String::from_utf8_lossy(&output.stdout);
    assert!(
        verdict.contains("left running: sleep 98792 (process "),
        "{verdict}"
    );
    let evidence = run.evidence.as_ref().expect("a folder").join("background");
    let read = |file: &str| fs::read_to_string(evidence.join(file)).expect("what it said");
    let load = read("load.txt");
    assert!(
        load.starts_with("# ping 192.0.2.2 &  # in guest tiny1\n"),
        "{load}"
    );
    assert!(load.contains("64 bytes from 192.0.2.2"), "{load}");
    assert!(read("until-the-end.txt").contains("\nhere\n"));
}

#[test]
fn one_that_ends_by_itself_in_a_guest_leaves_no_verdict() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some((run, _)) = run(
        folder.path(),
        r#"
[[steps]]
id = "may-end"
may_fail = true
run = { on = "tiny1", command = ["false"], background = true }

[[steps]]
id = "load"
run = { on = "tiny1", command = ["ping", "-c", "1", "192.0.2.2"], background = true }

[[checks]]
id = "no-ping-any-more"
after = "load"
from = "tiny1"
process = { name = "ping", absent = true }

[[steps]]
id = "never"
run = { on = "tiny1", command = ["true"] }
"#,
    ) else {
        return;
    };
    assert_eq!(run.outcome, Outcome::Broken);
    let problem = run.problem.as_ref().expect("a problem");
    assert_eq!(problem.code, "step.background-ended");
    let told = &problem.chain[0];
    for words in [
        "step `load`",
        "`tiny1`",
        "with exit status 0",
        "1 packets received",
    ] {
        assert!(told.contains(words), "no {words} in {told}");
    }
    let ids: Vec<&str> = run.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["may-end", "load"]);
    assert!(
        said(&run, "may-end").contains("by itself"),
        "{:?}",
        run.steps
    );
}
