//! The search for the cause of checks that do not hold: what it asks, that it leaves nothing behind, and that it changes no
//! verdict.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::{Path, PathBuf};

use bridgelab_harness::report::{Outcome, RunReport};
use support::lab::written;
use support::{bridgelab, ran, set_up};

/// Two machines on a switch, and a form in which the second has another address.
const TWO: &str = r#"
version = 1
summary = "two machines on a switch"
base = "none"
segments.wire.kind = "switch"
machines.a.interfaces = [{ name = "eth0", segment = "wire", addresses = ["10.0.0.1/24"] }]
machines.b.interfaces = [{ name = "eth0", segment = "wire", addresses = ["10.0.0.2/24"] }]

[[checks]]
id = "ping"
from = "a"
within = "1s"
ping = { to = "10.0.0.2" }

[variants.moved]
must_fail = ["ping"]
machines.b.interfaces = [{ name = "eth0", segment = "wire", addresses = ["10.0.0.3/24"] }]
"#;

fn run(scenario: &Path, more: &[&str], folder: &Path) -> Option<RunReport> {
    set_up();
    let mut run = bridgelab(&["run", "--guests", "ghost"]);
    run.arg(scenario).args(more);
    run.arg("--evidence").arg(folder.join("evidence"));
    ran(&mut run, folder).map(|(run, _)| run)
}

fn is_diagnosed(run: &RunReport) -> bool {
    run.stages.iter().any(|stage| stage.name == "diagnosis")
}

/// The answer to a question in the evidence.
fn fact(run: &RunReport, name: &str, question: &str) -> String {
    let evidence = run.evidence.as_ref().expect("a folder");
    let file: PathBuf = evidence.join("diagnosis/facts").join(name).join(question);
    fs::read_to_string(file).expect("an answer")
}

#[test]
fn a_cause_is_sought_where_a_check_fails_and_nowhere_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = written(folder.path(), TWO);
    let Some(green) = run(&scenario, &[], folder.path()) else {
        return;
    };
    assert_eq!(green.outcome, Outcome::Passed);
    assert!(!is_diagnosed(&green), "{:?}", green.stages);
    let evidence = green.evidence.as_ref().expect("a folder");
    assert!(!evidence.join("diagnosis").exists());

    let red = run(&scenario, &["--variant", "moved"], folder.path()).expect("a run");
    assert_eq!(red.outcome, Outcome::Passed);
    assert!(is_diagnosed(&red), "{:?}", red.stages);
    assert!(fact(&red, "b", "addresses").contains("\"local\":\"10.0.0.3\""));
    assert!(!fact(&red, "a", "addresses").contains("10.0.0.3"));
    let sysctls = fact(&red, "a", "sysctls");
    assert!(sysctls.contains("ipv4/ip_forward:0\n"), "{sysctls}");

    let without = ["--variant", "moved", "--no-diagnosis"];
    let without = run(&scenario, &without, folder.path()).expect("a run");
    assert!(!is_diagnosed(&without));
    assert_eq!(without.outcome, red.outcome);
    assert_eq!(without.differences, red.differences);
}
