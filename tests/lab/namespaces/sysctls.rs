//! A guest's sysctls: each is set, or the run ends and names it. A ghost has the same ones as a MicroVM.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::Path;

use bridgelab_harness::report::{Outcome, RunReport};
use support::{bridgelab, ran};

/// A host and a guest of an image, on a cable of their own. The guest's sysctls are the end of the text.
const ALONE: &str = r#"
version = 1
summary = "a guest with sysctls"
base = "none"
machines.host = {}

[guests.test1]
image = "tiny"
interfaces = [{ type = "tap", id = "vm-test1", mac = "02:00:00:00:00:01", addresses = ["192.0.2.1/24"] }]

[[checks]]
id = "address"
from = "test1"
address = { interface = "vm-test1", address = "192.0.2.1/24" }

[guests.test1.sysctls]
"#;

/// Runs the scenario with these sysctls. Returns also what was set on machines and guests, each on a line. `None`: this host
/// cannot run it.
fn run(folder: &Path, guests: &str, sysctls: &str) -> Option<(RunReport, Option<i32>, String)> {
    support::set_up();
    let file = folder.join("alone.toml");
    fs::write(&file, format!("{ALONE}{sysctls}")).expect("a scenario");
    let mut command = bridgelab(&["run", "--guests", guests, "--evidence"]);
    command.arg(folder.join("evidence")).arg(&file);
    let (run, output) = ran(&mut command, folder)?;
    let evidence = run.evidence.clone().expect("evidence");
    let set = fs::read_to_string(evidence.join("sysctls-set.txt")).expect("what was set");
    Some((run, output.status.code(), set))
}

/// Whether a line of the guest's ends with these words, whatever its NIC is called.
fn has(set: &str, words: &str) -> bool {
    set.lines()
        .any(|line| line.starts_with("test1 ") && line.ends_with(words))
}

/// Sysctls of one NIC, of every later NIC, and of no NIC.
const GOOD: &str = r#"
"net.ipv6.conf.vm-test1.enhanced_dad" = "0"
"net.ipv6.conf.default.dad_transmits" = "3"
"net.ipv6.conf.all.forwarding" = "1"
"net.ipv4.ip_default_ttl" = "61"
"#;

fn all_are_set(guests: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let Some((run, _, set)) = run(folder.path(), guests, GOOD) else {
        return;
    };
    assert_eq!(run.outcome, Outcome::Passed, "{:?}", run.problem);
    for words in [
        ".enhanced_dad = 0",
        "default.dad_transmits = 3",
        "all.forwarding = 1",
        "ip_default_ttl = 61",
    ] {
        assert!(has(&set, words), "no `{words}` in\n{set}");
    }
}

fn a_bad_one_is_told(guests: &str) {
    for (key, value, why) in [
        ("net.ipv6.conf.nosuchnic.enhanced_dad", "0", "No such file"),
        ("net.ipv6.conf.vm-test1.nosuchkey", "0", "No such file"),
        (
            "net.ipv6.conf.vm-test1.accept_dad",
            "much",
            "Invalid argument",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let Some((run, code, _)) = run(folder.path(), guests, &format!("\"{key}\" = \"{value}\""))
        else {
            return;
        };
        assert_eq!(run.outcome, Outcome::Broken, "{key}");
        assert_eq!(code, Some(4), "{key}");
        let problem = format!("{:?}", run.problem.expect("a reason"));
        let last = key.rsplit('.').next().expect("a part");
        for word in [last, value, why, "test1"] {
            assert!(problem.contains(word), "no `{word}` in {problem}");
        }
        if guests == "vm" {
            return; // a boot takes long, and they are told alike
        }
    }
}

#[test]
fn a_ghost_has_them() {
    all_are_set("ghost");
}

#[test]
fn a_ghost_tells_what_it_cannot_set() {
    a_bad_one_is_told("ghost");
}

#[test]
fn a_microvm_has_them() {
    all_are_set("vm");
}

#[test]
fn a_microvm_tells_what_it_cannot_set() {
    a_bad_one_is_told("vm");
}
