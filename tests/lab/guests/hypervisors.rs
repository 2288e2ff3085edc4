//! One scenario on every VMM of this machine; in a VM with KVM where the machine has none.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::path::Path;
use std::process::Command;

use bridgelab_harness::scenario::HypervisorKind;
use support::processes::{MARK, wait_until_gone};
use support::{bridgelab, lacks, passed, set_up, told, turn};

/// Runs the smallest guest on this VMM: all its checks must hold, from inside and from outside.
fn passes(kind: HypervisorKind) {
    set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mark = folder.path().to_string_lossy().into_owned();
    let mut command = bridgelab(&["run", "tiny-guest", "--lab", "auto"]);
    command
        .args(["--hypervisor", kind.row().name])
        .env("XDG_STATE_HOME", folder.path())
        .env(MARK, &mark)
        .env_remove("BRIDGELAB_SETUP")
        .env_remove("BRIDGELAB_LAB");
    let Some(run) = passed(&mut command, folder.path()) else {
        return;
    };
    let version = run.versions.get(&format!("vmm.{kind}"));
    assert!(version.is_some(), "{:?}", run.versions);
    assert_eq!(run.guests[0].machine, kind.name);
    wait_until_gone(&mark);
}

fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .any(|folder: std::path::PathBuf| folder.join(Path::new(program)).is_file())
}

/// Runs the scenario on each of these VMMs that is found here.
fn found_ones_pass(kinds: impl Iterator<Item = HypervisorKind>) {
    let mut absent = Vec::new();
    for kind in kinds {
        if is_on_path(kind.program) {
            passes(kind);
        } else {
            absent.push(kind.program);
        }
    }
    lacks(&absent);
}

/// The VMM that cargo builds: `cargo install alioth-cli --locked`.
const MADE_BY_CARGO: &str = "alioth";

#[test]
fn alioth_runs_the_smallest_guest() {
    let alioth = HypervisorKind::named(MADE_BY_CARGO).expect("a row");
    found_ones_pass([alioth].into_iter());
}

/// The VMMs that no package of Debian has.
fn others() -> impl Iterator<Item = HypervisorKind> {
    let known = [HypervisorKind::default().name, MADE_BY_CARGO];
    HypervisorKind::all().filter(move |kind| !known.contains(&kind.name))
}

#[test]
fn the_others_do_where_they_are_found() {
    turn::beside_others();
    found_ones_pass(others());
}

/// A VMM that was not tried is named, and fails where nothing may be skipped, unless it is said that this VMM need not be here.
#[test]
fn one_that_is_not_here_is_named_and_fails_where_nothing_may_be_skipped() {
    turn::beside_others();
    let all: Vec<&str> = others().map(|kind| kind.program).collect();
    let (first, rest) = all.split_first().expect("some");
    for (strict, without, passes, named) in [
        ("0", String::new(), true, &all[..]),
        ("1", String::new(), false, &all[..]),
        ("1", (*first).to_owned(), false, rest),
        ("1", all.join(" "), true, &all[..]),
    ] {
        let output = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", "--nocapture"])
            .arg("guests::hypervisors::the_others_do_where_they_are_found")
            .env("PATH", "")
            .env("BRIDGELAB_STRICT", strict)
            .env("BRIDGELAB_WITHOUT", without)
            .output()
            .expect("this binary starts");
        let told = told(&output);
        assert!(told.contains("running 1 test"), "{told}");
        assert_eq!(output.status.success(), passes, "{told}");
        let line = told.lines().rfind(|line| line.contains("not run, "));
        let line = line.expect("what was not run");
        for program in named {
            assert!(line.contains(program), "no `{program}` in {line}");
        }
        assert!(named.len() == all.len() || !line.contains(first), "{line}");
    }
}
