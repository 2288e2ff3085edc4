//! One scenario on every VMM that is found here, in a VM with KVM where this machine has none.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::path::Path;

use bridgelab_harness::scenario::HypervisorKind;
use support::processes::{MARK, wait_until_gone};
use support::{bridgelab, passed, set_up, skip};

/// Runs the smallest guest of all on this VMM: every check of it must hold, from inside and from outside.
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

/// The one that a package registry has.
const MADE_BY_CARGO: &str = "alioth";

#[test]
fn alioth_runs_the_smallest_guest() {
    let alioth = HypervisorKind::named(MADE_BY_CARGO).expect("a row");
    if is_on_path(alioth.program) {
        passes(alioth);
    } else {
        skip("there is no `alioth` on PATH: `cargo install alioth-cli --locked`");
    }
}

/// No package of Debian brings any of these, so nobody can be asked to have them.
#[test]
fn the_others_do_where_they_are_found() {
    let known = [HypervisorKind::default().name, MADE_BY_CARGO];
    for kind in HypervisorKind::all().filter(|kind| !known.contains(&kind.name)) {
        if is_on_path(kind.program) {
            passes(kind);
        } else {
            eprintln!("not run: there is no `{}` on PATH", kind.program);
        }
    }
}
