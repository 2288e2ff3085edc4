//! The state of a lab, as the evidence of its run has it.

use std::fs;
use std::path::{Path, PathBuf};

use bridgelab_harness::report::RunReport;

use super::state::Read;

/// What machines and guests said of their state, and the command lines of programs that serve: their configuration is their state.
pub(super) fn read(run: &RunReport) -> Read {
    let mut found = Read::new();
    let Some(evidence) = &run.evidence else {
        return found;
    };
    for group in ["machines", "guests"] {
        for place in entries(&evidence.join(group)) {
            for file in entries(&place) {
                let name = file
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                if is_state(&name)
                    && let Ok(text) = fs::read_to_string(&file)
                {
                    let shown = file.strip_prefix(evidence).unwrap_or(&file);
                    found.insert(shown.display().to_string(), text);
                }
            }
        }
    }
    let sysctls = fs::read_to_string(evidence.join("sysctls-set.txt")).unwrap_or_default();
    found.insert("sysctls-set.txt".to_owned(), sysctls);
    let plan = fs::read_to_string(evidence.join("plan.txt")).unwrap_or_default();
    let serves = ["dnsmasq", "qemu", "http", "docker"];
    let programs = plan
        .lines()
        .filter(|line| serves.iter().any(|program| line.contains(program)));
    found.insert(
        "plan.txt".to_owned(),
        programs.collect::<Vec<_>>().join("\n"),
    );
    found
}

/// Whether a file of the evidence has a state, and no log.
fn is_state(name: &str) -> bool {
    let states = [
        "links",
        "addresses",
        "routes",
        "bridge-ports",
        "bridge-vlans",
        "sysctl-net",
        "networkctl",
        "firewall",
        "nics",
    ];
    name.strip_suffix(".txt")
        .is_some_and(|name| states.contains(&name))
}

/// What is in a folder, by name.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = found.map(|entry| entry.path()).collect();
    found.sort();
    found
}
