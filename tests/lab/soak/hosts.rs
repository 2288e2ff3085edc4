//! Trials on unusual hosts: other umasks, and disks with little room.

use std::fs;
use std::process::Command;

use bridgelab_harness::report::Report;
use fastrand::Rng;

use super::ended::{Trial, Trialled, folder};
use support::{program, root};

const UMASKS: [&str; 5] = ["000", "022", "027", "077", "0777"];

/// A shell that runs this line, in which `"$@"` is the command of a run.
fn shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line, "sh", program(), "run", "tiny-guest"]);
    command.env("BRIDGELAB_ROOT", root());
    command.args(["--guests", "ghost", "--evidence"]);
    command
}

/// Under any umask, a run passes as always.
pub(crate) fn umask(rng: &mut Rng) -> Trial {
    let folder = folder();
    let mask = UMASKS[rng.usize(..UMASKS.len())];
    let mut command = shell(&format!("umask {mask}; exec \"$@\""));
    command.arg(folder.path().join("evidence"));
    let ended = Trialled::start(command, folder).ends();
    Trial {
        what: format!("umask {mask}"),
        how: String::new(),
        ending: ended.is(&[0], None),
        left: ended.left,
    }
}

/// A run whose evidence finds no room has not passed; where there is room, the report is whole.
pub(crate) fn full_disk(rng: &mut Rng) -> Trial {
    let folder = folder();
    let evidence = folder.path().join("evidence");
    // From no room at all to enough for everything.
    let kib = rng.u32(4..2000);
    // Only the run sees this disk, so the report is copied to where the test can read it.
    let mut command = shell(&format!(
        "mount -t tmpfs -o size={kib}k tmpfs \"$EVIDENCE\" && \"$@\"; status=$?; cp \"$EVIDENCE\"/*/report.json \"$COPY\"; \
         exit $status"
    ));
    command.arg(&evidence);
    let kept = tempfile::tempdir().expect("a temporary directory");
    let copy = kept.path().join("report.json");
    let mut inside = Command::new("unshare");
    inside.args(["--mount", "--propagation", "private"]);
    inside.arg(command.get_program()).args(command.get_args());
    inside.env("BRIDGELAB_ROOT", root());
    inside.env("EVIDENCE", &evidence).env("COPY", &copy);
    let ended = Trialled::start(inside, folder).ends();
    // With so little room, the fault was found before anything was built.
    let refused = ended.told.contains("error: `--evidence") && ended.told.contains("No space left");
    let codes: &[i32] = if refused { &[2] } else { &[0, 4] };
    let mut ending = ended.is(codes, None);
    let passed = ended.status.is_some_and(|status| status.code() == Some(0));
    let report = fs::read(&copy).unwrap_or_default();
    if passed && serde_json::from_slice::<Report>(&report).is_err() {
        ending = Err(format!("passed, and no whole report: {}", ended.told));
    }
    Trial {
        what: "a disk with little room for evidence".to_owned(),
        how: format!("{kib} KiB"),
        ending,
        left: ended.left,
    }
}
