//! Runs of a scenario that a test writes, and what they left in their evidence.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::{bridgelab, skip};

/// Writes the scenario's file into a folder of the test.
pub fn written(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("scenario.toml");
    fs::write(&path, text).expect("a scenario");
    path
}

/// The folders of evidence that a run names; empty where this host cannot run it.
pub fn passed(output: &Output) -> Vec<PathBuf> {
    let verdict = String::from_utf8_lossy(&output.stdout);
    let progress = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(3) {
        skip(&verdict);
        return Vec::new();
    }
    assert_eq!(output.status.code(), Some(0), "{verdict}\n{progress}");
    let named = verdict.lines();
    let named = named.filter_map(|line| line.trim().strip_prefix("evidence: "));
    let folders: Vec<PathBuf> = named.map(PathBuf::from).collect();
    assert!(!folders.is_empty(), "{verdict}");
    folders
}

/// Runs every form of a scenario, with its evidence beside it.
pub fn run(scenario: &Path, more: &[&str]) -> Output {
    let evidence = scenario.parent().expect("a folder").join("evidence");
    bridgelab(&["run", "--all-variants"])
        .args(more)
        .arg(scenario)
        .arg("--evidence")
        .arg(evidence)
        .env_remove("BRIDGELAB_SETUP")
        .output()
        .expect("the program under test starts")
}

/// A file of evidence, or the error as text where it cannot be read.
pub fn read(folder: &Path, file: &str) -> String {
    let path = folder.join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| format!("{}: {error}", path.display()))
}

/// What `ip -d link` says about one link, with single spaces between the words.
pub fn link(folder: &Path, machine: &str, name: &str) -> String {
    let text = read(folder, &format!("machines/{machine}/links.txt"));
    let mut found = String::new();
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with(|c: char| c.is_ascii_digit()) {
            let title = line.split_whitespace().nth(1).unwrap_or_default();
            let title = title.trim_end_matches(':');
            inside = title == name || title.starts_with(&format!("{name}@"));
        }
        if inside {
            found.push_str(&line.split_whitespace().collect::<Vec<_>>().join(" "));
            found.push(' ');
        }
    }
    assert!(!found.is_empty(), "no {name} in\n{text}");
    found
}

/// Fails unless all of these words are there.
pub fn has(text: &str, words: &[&str]) {
    for words in words {
        assert!(text.contains(words), "no `{words}` in\n{text}");
    }
}
