//! How the tests of one binary share the machine and write down their times: tried with this binary itself, as a child.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::process::Command;
use std::time::Duration;

use support::root;
use support::turn::{TIMES, alone, beside_others};

/// Name, begin and end of each test that a call of this binary ran.
fn times_of(arguments: &[&str]) -> Vec<(String, u64, u64)> {
    beside_others();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("times.tsv");
    let output = Command::new(std::env::current_exe().expect("this binary"))
        .args(arguments)
        .env(TIMES, &file)
        .output();
    let output = output.expect("this binary starts");
    assert!(output.status.success(), "{}", support::told(&output));
    let text = fs::read_to_string(file).expect("times");
    let rows = text.lines().map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        assert_eq!((columns.len(), columns[0]), (4, "unprivileged"), "{text}");
        let time = |column: &str| column.parse().expect("milliseconds");
        (columns[1].to_owned(), time(columns[2]), time(columns[3]))
    });
    rows.collect()
}

#[test]
fn a_test_leaves_its_name_with_when_it_began_and_ended() {
    let times = times_of(&["--exact", "cli::help_tells_the_exit_codes"]);
    assert_eq!(times.len(), 1, "{times:?}");
    assert_eq!(times[0].0, "cli::help_tells_the_exit_codes");
    assert!(times[0].1 <= times[0].2, "{times:?}");
}

#[test]
fn one_that_is_alone_begins_after_the_others_and_ends_before_them() {
    let times = times_of(&["--ignored", "--test-threads", "3", "turns::trial_"]);
    let (alone, others): (Vec<_>, Vec<_>) = times
        .iter()
        .partition(|time| time.0.ends_with("trial_alone"));
    assert_eq!((alone.len(), others.len()), (1, 2), "{times:?}");
    for other in others {
        let apart = other.2 <= alone[0].1 || alone[0].2 <= other.1;
        assert!(apart, "{times:?}");
    }
}

/// Stays for longer than three threads take to begin.
fn stay() {
    let begun = std::time::Instant::now();
    let time = Duration::from_millis(300);
    while begun.elapsed() < time {
        std::thread::park_timeout(time);
    }
}

#[test]
#[ignore = "one of three that another test runs together"]
fn trial_alone() {
    alone();
    stay();
}

#[test]
#[ignore = "one of three that another test runs together"]
fn trial_beside() {
    beside_others();
    stay();
}

#[test]
#[ignore = "one of three that another test runs together"]
fn trial_beside_too() {
    beside_others();
    stay();
}

/// Under cargo-nextest each test is a process that knows nothing of others, so a list says which tests must run alone.
#[test]
fn nextest_knows_who_is_alone() {
    let list = fs::read_to_string(root().join(".config/nextest.toml")).expect("its configuration");
    let mut found = 0;
    for module in ["namespaces", "guests", ""] {
        let folder = root().join("tests/lab").join(module);
        for file in fs::read_dir(folder).expect("a folder").flatten() {
            let name = file.path().with_extension("");
            let name = name.file_name().expect("a name").to_string_lossy();
            let mut file = file.path();
            if file.is_dir() {
                file.push("mod.rs");
            }
            let text = fs::read_to_string(file).expect("a module");
            if text.contains("    alone();\n") {
                let path = format!("{module}::{name}::");
                let path = path.trim_start_matches("::");
                assert!(list.contains(&format!("test(/^{path}/)")), "{path}");
                found += 1;
            }
        }
    }
    assert!(found > 1, "{found}");
}
