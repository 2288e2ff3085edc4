//! `bridgelab mutate` on a scenario in which it is known beforehand what becomes of which mutant.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use support::processes::{MARK, wait_until, wait_until_gone};
use support::running::Running;
use support::{bridgelab, output};

/// A host whose link networkd sets up, beside another machine.
const SCENARIO: &str = r#"version = 1
summary = "a link by networkd"
base = "none"
[segments.wire]
kind = "cable"
[machines.peer]
interfaces = [{ name = "eth0", segment = "wire", addresses = ["10.0.0.1/24"] }]
[machines.host]
networkd = "host"
interfaces = [{ name = "eth0", segment = "wire" }]
[[checks]]
id = "ping"
from = "host"
ping = { to = "10.0.0.1" }
[[checks]]
id = "configured"
from = "host"
networkctl = { interface = "eth0", setup = "configured" }
"#;

/// No check looks at the second address, and `DHCP=no` is the default.
const UNIT: &str = "[Match]\nName=eth0\n\n[Network]\nLinkLocalAddressing=no\nAddress=10.0.0.2/24\nAddress=10.9.9.9/32\nDHCP=no\n";

fn write(folder: &Path, scenario: &str) -> String {
    let host = folder.join("host");
    fs::create_dir_all(&host).expect("a folder");
    fs::write(host.join("10-eth0.network"), UNIT).expect("a unit file");
    let path = folder.join("scenario.toml");
    fs::write(&path, scenario).expect("a scenario");
    path.to_string_lossy().into_owned()
}

#[test]
fn each_verdict_is_given_where_it_must_be() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = write(&folder.path().join("one"), SCENARIO);
    let json = folder.path().join("report.json");
    let (code, text, told) = output(&[
        "mutate",
        &path,
        "--all",
        "--operators",
        "unit.delete-line,bridge,machine.prefix,scenario.delete-key",
        "--json",
        &json.to_string_lossy(),
    ]);
    if code == Some(3) {
        support::skip(&told);
        return;
    }
    assert_eq!(code, Some(0), "{told}");
    let report: Value = serde_json::from_slice(&fs::read(&json).expect("a report")).expect("JSON");
    let scenario = &report["scenarios"][0];
    let mutants = scenario["mutants"].as_array().expect("mutants");
    let verdicts: BTreeMap<&str, &str> = mutants
        .iter()
        .map(|one| {
            (
                one["id"].as_str().unwrap_or_default(),
                one["verdict"].as_str().unwrap_or_default(),
            )
        })
        .collect();
    for (id, verdict) in [
        ("unit.delete-line@host/10-eth0.network:6:1", "caught"),
        ("unit.delete-line@host/10-eth0.network:7:1", "missed"),
        ("unit.delete-line@host/10-eth0.network:8:1", "equivalent"),
        // A cable has two ends.
        ("scenario.delete-key@scenario.toml:5:1", "refused"),
    ] {
        assert_eq!(
            verdicts.get(id).copied(),
            Some(verdict),
            "{verdicts:#?}\n{told}\n{text}"
        );
    }
    let find = |id: &str| {
        mutants
            .iter()
            .find(|one| one["id"] == id)
            .expect("a mutant")
    };
    let caught = find("unit.delete-line@host/10-eth0.network:6:1");
    assert_eq!(caught["failed"][0], "ping");
    assert_eq!(caught["before"], "Address=10.0.0.2/24");
    let missed = find("unit.delete-line@host/10-eth0.network:7:1");
    let state = missed["state"].to_string();
    assert!(
        state.contains("- machines/host/addresses.txt") && state.contains("10.9.9.9/32"),
        "{state}"
    );
    // Both lines that nobody misses are told, and that one of them changes nothing.
    let unseen: Vec<(u64, bool)> = scenario["unseen"]
        .as_array()
        .expect("lines")
        .iter()
        .filter(|one| one["file"] == "host/10-eth0.network")
        .map(|one| {
            (
                one["line"].as_u64().unwrap_or_default(),
                one["changes_state"] == true,
            )
        })
        .collect();
    assert_eq!(unseen, [(7, true), (8, false)]);
    assert!(
        text.contains("host/10-eth0.network:7 Address=10.9.9.9/32: no check misses it"),
        "{text}"
    );
    assert!(
        told.contains("caught: unit.delete-line@host/10-eth0.network:6:1"),
        "{told}"
    );
}

/// A scenario that is not green says nothing of its mutants.
#[test]
fn what_is_not_green_is_not_mutated() {
    let folder = tempfile::tempdir().expect("a folder");
    let red = SCENARIO.replace(
        "to = \"10.0.0.1\" }",
        "to = \"10.0.0.9\" }\nwithin = \"1s\"",
    );
    let path = write(&folder.path().join("one"), &red);
    let (code, text, told) = output(&["mutate", &path, "--count", "3"]);
    if code == Some(3) {
        support::skip(&told);
        return;
    }
    assert_eq!((code, text.as_str()), (Some(1), ""), "{told}");
    assert!(
        told.contains("is not green") && told.contains("ping does not hold"),
        "{told}"
    );
}

/// Starts a call that is not over soon, and waits until a mutant has its verdict; `None`, said aloud: this host cannot run labs.
fn begun(folder: &Path, temporary: &Path) -> Option<Running> {
    let path = write(&folder.join("one"), SCENARIO);
    fs::create_dir_all(temporary).expect("a folder");
    let mut command = bridgelab(&["mutate", &path, "--all", "--jobs", "1"]);
    let command = command.env("TMPDIR", temporary).env(MARK, folder);
    let mut running = Running::start(command);
    running.reached("[1 of ").then_some(running)
}

fn wait_until_empty(folder: &Path) {
    wait_until("the copies are gone", || {
        let left = fs::read_dir(folder).expect("the folder").flatten();
        let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
        match left.is_empty() {
            true => Ok(()),
            false => Err(format!("{left:?}")),
        }
    });
}

/// What was measured until then is told by whoever is interrupted, and nothing is left, also by whoever is killed.
#[test]
fn an_end_before_the_end_is_in_good_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let temporary = folder.path().join("tmp");
    let Some(running) = begun(folder.path(), &temporary) else {
        return;
    };
    running.signal("-INT");
    let ended = running.ends();
    let told = ended.told();
    assert_eq!(ended.code(), Some(130), "{told}");
    assert!(ended.stdout.contains(" not run"), "{told}");
    let known = |line: &str| line.contains("mutants: ") && !line.contains("mutants: not run");
    assert!(ended.stdout.lines().any(known), "{told}");
    wait_until_empty(&temporary);
    let Some(running) = begun(folder.path(), &temporary) else {
        return;
    };
    running.signal("-KILL");
    running.ends();
    wait_until_empty(&temporary);
    wait_until_gone(&folder.path().to_string_lossy());
}

/// A corpus of four: one that a check misses, one that none does, one that is stale, and one in which two things are broken.
const CORPUS: &str = r#"version = 1
seed = 1
[scenarios."SCENARIO"]
single = [
  { operator = "unit.delete-line", file = "host/10-eth0.network", line = 6, above = "LinkLocalAddressing=no", from = ["Address=10.0.0.2/24"], named = [4, 8] },
  { operator = "unit.delete-line", file = "host/10-eth0.network", line = 7, above = "Address=10.0.0.2/24", from = ["Address=10.9.9.9/32"], named = [4, 8] },
  { operator = "unit.delete-line", file = "host/10-eth0.network", line = 7, above = "Address=10.0.0.2/24", from = ["Address=10.8.8.8/32"], named = [4, 8] },
]
double = [
  [
    { operator = "unit.delete-line", file = "host/10-eth0.network", line = 6, above = "LinkLocalAddressing=no", from = ["Address=10.0.0.2/24"], named = [4, 8] },
    { operator = "machine.address", file = "scenario.toml", line = 7, above = "[machines.peer]", from = ['interfaces = [{ name = "eth0", segment = "wire", addresses = ["10.0.0.1/24"] }]'], to = ['interfaces = [{ name = "eth0", segment = "wire", addresses = ["10.0.0.9/24"] }]'], named = [7, 8] },
  ],
]
"#;

/// Without an address of its own network, the kernel of the host has no route for a ping: it never leaves the program.
#[test]
fn diagnoses_are_measured_by_a_corpus() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = write(&folder.path().join("one"), SCENARIO);
    let corpus = folder.path().join("corpus.toml");
    fs::write(&corpus, CORPUS.replace("SCENARIO", &path)).expect("a corpus");
    let words = ["bench", "diagnosis", "--rounds", "1", "--json", "-"];
    let corpus = corpus.to_string_lossy().into_owned();
    let (code, json, told) = output(&[&words[..], &["--corpus", &corpus]].concat());
    if told.contains("skipped") {
        support::skip(&told);
        return;
    }
    assert_eq!(code, Some(0), "{told}");
    let record: Value = serde_json::from_str(&json).expect("JSON");
    let mutants = record["mutants"].as_array().expect("mutants");
    let by_file = |things: u64, line: &str| {
        let found = mutants.iter().find(|one| {
            let id = one["id"].as_str().unwrap_or_default();
            one["things"] == things && id.contains(line)
        });
        found.expect("a mutant")
    };
    let caught = by_file(1, ":6");
    assert_eq!(caught["verdict"], "caught", "{json}");
    let truth = &caught["truth"];
    assert_eq!(truth["check"], "ping", "{json}");
    assert_eq!(truth["last"]["station"], "sender", "{json}");
    assert_eq!(truth["first"]["station"], "inet-output", "{json}");
    assert_eq!(by_file(1, ":7")["verdict"], "missed", "{json}");
    assert_eq!(by_file(2, " + ")["verdict"], "caught", "{json}");
    let stale = record["stale"].as_array().expect("a list");
    assert_eq!(stale.len(), 1, "{json}");
    assert!(
        told.contains("stale: ") && told.contains("`Address=10.8.8.8/32`"),
        "{told}"
    );
    let figures = &record["figures"];
    assert_eq!(figures["caught"]["hits"], 1, "{json}");
    assert_eq!(figures["caught"]["of"], 2, "{json}");
    assert_eq!(figures["green_runs"], 1, "{json}");
    assert_eq!(figures["green_diagnoses"], 0, "{json}");
}
