//! `bridgelab bench` measures what it says, and ends in good order. No test here asks how long anything took.
//!
//! Namespaces only: no image, no QEMU, and no root where user namespaces and subordinate ids are at hand.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use support::processes::{MARK, marked, signal, wait_until, wait_until_gone};
use support::running::Running;
use support::{bridgelab, skip};

fn bench(folder: &Path, words: &[&str]) -> Command {
    let mut command = bridgelab(&["bench"]);
    command
        .args(words)
        .env("TMPDIR", folder)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env_remove("BRIDGELAB_STRICT");
    command
}

/// The benchmarks that were written; `None`, said aloud, when this host cannot run one of them.
fn benches(output: &Output) -> Option<Vec<Value>> {
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let record: Value = serde_json::from_str(&stdout)
        .unwrap_or_else(|error| panic!("no record ({error}): {stdout}\n{stderr}"));
    assert_eq!(record["schema"], 1);
    let machine = &record["machine"];
    assert!(machine["cores"].as_u64() > Some(0), "{machine}");
    assert!(machine["memory_mib"].as_u64() > Some(0), "{machine}");
    assert!(machine["kernel"].is_string(), "{machine}");
    let benches = record["benches"].as_array().expect("benchmarks").clone();
    for subject in benches.iter().flat_map(|bench| list(&bench["subjects"])) {
        assert!(subject["failed"].is_null(), "{subject}");
        if subject["name"] != "patchbay" && !subject["skipped"].is_null() {
            skip(&subject["skipped"].to_string());
            return None;
        }
    }
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    Some(benches)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A figure's subjects, each with as many values as there were rounds.
fn measured<'a>(bench: &'a Value, what: &str) -> Vec<&'a str> {
    let mut figures = list(&bench["figures"]).iter();
    let figure = figures.find(|figure| figure["what"] == what);
    let figure = figure.unwrap_or_else(|| panic!("nobody measured `{what}`: {bench}"));
    let cells = list(&figure["cells"]).iter().map(|cell| {
        let values: Vec<f64> = list(&cell["values"])
            .iter()
            .filter_map(Value::as_f64)
            .collect();
        assert_eq!(Some(values.len() as u64), bench["rounds"].as_u64());
        assert!(values.iter().all(|value| *value > 0.0), "{cell}");
        cell["subject"].as_str().expect("a name")
    });
    cells.collect()
}

#[test]
fn topologies_are_built_by_all_and_the_tables_take_their_places() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let document = folder.path().join("performance.md");
    fs::write(&document, "# Performance\n\nProse.\n").expect("a document");
    let words = [
        "topology-sizes",
        "page-topology",
        "--rounds",
        "2",
        "--sizes",
        "1,3",
        "--json",
        "-",
    ];
    for _ in 0..2 {
        let mut command = bench(folder.path(), &words);
        let output = command.arg("--markdown").arg(&document).output();
        let output = output.expect("the program under test starts");
        let Some(benches) = benches(&output) else {
            return;
        };
        assert_eq!(
            benches[0]["name"], "page-topology",
            "the quick one comes first"
        );
        for what in ["up", "down"] {
            assert_eq!(measured(&benches[0], what), ["bridgelab", "ip"]);
        }
        for what in ["1 up", "1 down", "3 up", "3 down"] {
            assert_eq!(measured(&benches[1], what), ["bridgelab", "ip -batch"]);
        }
        let peer = &benches[1]["subjects"][2];
        assert_eq!(peer["skipped"], "`--patchbay` builds and measures it");
    }
    let text = fs::read_to_string(&document).expect("the document");
    assert!(text.starts_with("# Performance\n\nProse.\n"), "{text}");
    for name in ["page-topology", "topology-sizes"] {
        assert_eq!(text.matches(&format!("## {name}\n")).count(), 1, "{text}");
    }
    assert!(text.contains("ip -batch / bridgelab"), "{text}");
}

#[test]
fn a_verdict_with_ghosts_is_divided_at_the_end_of_duplicate_address_detection() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let output = bench(folder.path(), &["ghosts", "--rounds", "1", "--json", "-"])
        .output()
        .expect("the program under test starts");
    let Some(benches) = benches(&output) else {
        return;
    };
    for what in [
        "to the end of the last DAD (the floor)",
        "from there to the verdict",
    ] {
        assert_eq!(measured(&benches[0], what), ["simple-network"]);
    }
    let both = ["simple-network", "without IPv6"];
    assert_eq!(measured(&benches[0], "the whole command"), both);
}

/// Both columns are there where the caller can choose. A command in a cell costs as much as one without a cell, and more.
#[test]
fn bounds_are_measured_beside_none() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let words = ["confinement", "--rounds", "1", "--json", "-"];
    let output = bench(folder.path(), &words).output();
    let output = output.expect("the program under test starts");
    let Some(benches) = benches(&output) else {
        return;
    };
    let columns: &[&str] = match support::is_root() {
        true => &["own user namespace", "the caller's"],
        false => &["own user namespace"],
    };
    for what in ["into the namespaces", "up", "`true` in its cell"] {
        assert_eq!(measured(&benches[0], what), columns);
    }
}

#[test]
fn asked_to_end_it_does_so_in_good_order_and_leaves_nothing() {
    for (signal, code, word) in [
        ("-INT", 130, "interrupted"),
        ("-TERM", 143, "terminated"),
        ("-HUP", 129, "hung up"),
    ] {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let bench = begun(folder.path());
        bench.signal(signal);
        let ended = bench.ends();
        assert_eq!(ended.code(), Some(code), "{signal}: {}", ended.told());
        let last = format!("{word}: nothing was written");
        let says = ended.progress.lines().any(|line| line == last);
        assert!(says, "{}", ended.told());
        assert_eq!(left(folder.path()), [""; 0]);
    }
}

/// The processes that it measures end by the same signal, and before it gets its own.
#[test]
fn a_signal_to_every_process_of_it_ends_it_by_that_signal() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let bench = begun(folder.path());
    let mut all = marked(&folder.path().to_string_lossy());
    all.sort_by_key(|process| process.pid.parse().unwrap_or(0_u32));
    all.reverse();
    signal("-TERM", &all);
    let ended = bench.ends();
    assert_eq!(ended.code(), Some(143), "{}", ended.told());
    wait_until_gone(&folder.path().to_string_lossy());
    assert_eq!(left(folder.path()), [""; 0]);
}

/// The call was killed and cannot tidy up, and yet nothing may be left.
#[test]
fn killed_it_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let bench = begun(folder.path());
    assert_ne!(left(folder.path()), [""; 0], "it has its folder");
    bench.signal("-KILL");
    bench.ends();
    wait_until("its folder is gone", || match left(folder.path()) {
        none if none.is_empty() => Ok(()),
        some => Err(some.join(", ")),
    });
    wait_until_gone(&folder.path().to_string_lossy());
}

/// Starts a call and waits until it measures.
fn begun(folder: &Path) -> Running {
    let mut command = bench(folder, &["page-topology", "--rounds", "60000"]);
    let mut running = Running::start(command.env(MARK, folder));
    assert!(running.reached("round 1 of 60000, "), "it begins");
    running
}

/// Names in the folder for temporary files.
fn left(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder").flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name != "cache").collect()
}

/// The memory that is measured is the guests', and nothing of the kept lab is left.
#[test]
fn small_guests_answer_and_are_weighed() {
    support::set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let words = [
        "tiny-guests",
        "--rounds",
        "1",
        "--sizes",
        "2",
        "--json",
        "-",
    ];
    let mut command = bench(folder.path(), &words);
    // Take the image from the cache of all tests.
    let output = command.env_remove("XDG_CACHE_HOME").output();
    let output = output.expect("the program under test starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let record: Value = serde_json::from_slice(&output.stdout).expect("a record");
    let bench = &record["benches"][0];
    let subjects = list(&bench["subjects"]);
    assert!(
        subjects.iter().all(|subject| subject["failed"].is_null()),
        "{stderr}"
    );
    let cold = subjects.iter().find(|subject| subject["name"] == "cold");
    let cold = cold.expect("a column");
    if !cold["skipped"].is_null() {
        return skip(&cold["skipped"].to_string());
    }
    for what in [
        "2 until all answer",
        "2 memory",
        "2 peak at most",
        "2 memory for each",
    ] {
        assert!(measured(bench, what).contains(&"cold"), "{bench}");
    }
    let left = fs::read_dir(folder.path()).expect("the folder").flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}
