//! The steering channel of a real guest, used as much as the longest scenario does: no command waits for its answer.

#[expect(dead_code, reason = "every test binary uses its part")]
mod support;

use std::fs;

use bridgelab_harness::report::Outcome;
use support::{bridgelab, only_run, set_up, skip};

/// Commands one after the other; an answer that does not come costs a minute each time.
const COMMANDS: usize = 400;

const GUEST: &str = r#"
version = 1
summary = "commands in a guest"

[guests.test1]
vcpu = 2
"#;

/// Found in runs of `simple-network` with two processors: the guest's program looked at the port beside sshd, took a
/// buffer out of the driver's queue before that one's interrupt had run, and sshd was never woken. One of some three
/// hundred commands met it.
#[test]
fn no_command_is_forgotten_in_a_guest_with_two_processors() {
    set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let checks = (0..COMMANDS).map(|n| {
        format!("\n[[checks]]\nid = \"command-{n}\"\nfrom = \"test1\"\nwithin = \"2m\"\ncommand = {{ run = [\"true\"] }}\n")
    });
    let scenario = folder.path().join("commands.toml");
    fs::write(&scenario, GUEST.to_owned() + &checks.collect::<String>()).expect("a scenario");
    let json = folder.path().join("report.json");
    let output = bridgelab(&["run"])
        .arg(&scenario)
        .arg("--json")
        .arg(&json)
        .arg("--evidence")
        .arg(folder.path().join("evidence"))
        .output()
        .expect("the program under test starts");
    let said = String::from_utf8_lossy(&output.stderr);
    let run = only_run(&json);
    if run.outcome == Outcome::Skipped {
        return skip(&format!("{:?}", run.problem));
    }
    assert_eq!(run.outcome, Outcome::Passed, "{said}");
    assert_eq!(run.checks.len(), COMMANDS);
    for check in &run.checks {
        assert_eq!(check.attempts, 1, "{}: {said}", check.id);
    }
}
