//! The steering channel of a real guest, with as many commands as the longest scenario has: each gets its answer.

use std::fs;

use support::{bridgelab, passed, set_up};

/// Commands, one after the other. A command without an answer takes the check's two minutes.
const COMMANDS: usize = 400;

const GUEST: &str = r#"
version = 1
summary = "commands in a guest"

[guests.test1]
vcpu = 2
"#;

/// Found in runs of `simple-network` with two processors. Another reader of the port beside sshd (or sshd itself, by the
/// second entry of its list of ports) took a buffer out of the driver's queue before its interrupt had run, and sshd was never
/// woken. One of some three hundred commands met this.
#[test]
fn no_command_is_forgotten_in_a_guest_with_two_processors() {
    set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let checks = (0..COMMANDS).map(|n| {
        format!("\n[[checks]]\nid = \"command-{n}\"\nfrom = \"test1\"\nwithin = \"2m\"\ncommand = {{ run = [\"true\"] }}\n")
    });
    let scenario = folder.path().join("commands.toml");
    fs::write(&scenario, GUEST.to_owned() + &checks.collect::<String>()).expect("a scenario");
    let mut command = bridgelab(&["run"]);
    command.arg(&scenario).arg("--evidence");
    command.arg(folder.path().join("evidence"));
    let Some(run) = passed(&mut command, folder.path()) else {
        return;
    };
    assert_eq!(run.checks.len(), COMMANDS);
    for check in &run.checks {
        assert_eq!(check.attempts, 1, "{check:?}");
    }
}
