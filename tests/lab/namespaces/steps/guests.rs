//! Steps that stop, start and replug guests, and that change their bridge or files.

use std::fs;

use bridgelab_harness::report::StepOutcome;

use super::{GUEST, passes, run, run_file, step};
use support::root;

#[test]
fn a_restarted_guest_is_on_the_bridge_again() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let scenario = root().join("scenarios/guest-restart");
    let Some(run) = run_file(folder.path(), &scenario, &[]) else {
        return;
    };
    passes(&run);
    // Checks are in the scenario's order, each after its step.
    let ids: Vec<&str> = run.checks.iter().map(|check| check.id.as_str()).collect();
    assert_eq!(
        ids[..3],
        ["tap-on-bridge", "desktop-ping-guest", "off-no-tap"]
    );
    let on = step(&run, "on");
    for check in run
        .checks
        .iter()
        .filter(|check| check.id.starts_with("on-"))
    {
        assert!(check.at_ms >= on.at_ms + on.ms as i64, "{}", check.id);
    }
    // The new link has a capture of its own, beside that of the first link.
    let captures = run.evidence.expect("a folder").join("captures");
    for part in ["test1-vm-test1.pcapng", "test1-vm-test1-2.pcapng"] {
        let size = fs::metadata(captures.join(part)).expect(part).len();
        assert!(size > 500, "{part}: {size} bytes");
    }
}

#[test]
fn without_networkd_nobody_takes_the_new_tap() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let scenario = root().join("scenarios/guest-restart");
    let Some(run) = run_file(folder.path(), &scenario, &["--variant", "no-networkd"]) else {
        return;
    };
    passes(&run);
    assert_eq!(run.steps.len(), 3);
    assert_eq!(
        run.steps[1].id, "networkd-off",
        "before the step that it names"
    );
    assert!(
        run.checks
            .iter()
            .any(|check| check.got == "vm-test1 has no master")
    );
}

/// The bridge that networkd made is deleted under the guest. A networkd that starts anew makes it again and puts the ports on
/// it; `networkctl reload` does not (systemd 252), since no file has changed.
#[test]
fn a_bridge_is_deleted_under_its_guest_and_made_again() {
    let text = format!(
        r#"{GUEST}
[[checks]]
id = "before"
from = "desktop"
ping = {{ to = "192.168.1.3" }}

[[steps]]
id = "gone"
delete_link = {{ on = "host", interface = "br0" }}

[[checks]]
id = "cut-off"
after = "gone"
from = "desktop"
within = "2s"
fails = true
ping = {{ to = "192.168.1.3" }}

[[steps]]
id = "networkd-off"
stop_daemon = {{ on = "host", daemon = "networkd" }}

[[steps]]
id = "networkd-on"
start_daemon = {{ on = "host", daemon = "networkd" }}

[[steps]]
id = "uplink-is-port"
wait_for = {{ from = "host", bridge_port = {{ interface = "eno1", bridge = "br0" }} }}

[[checks]]
id = "reached-again"
after = "uplink-is-port"
from = "desktop"
ping = {{ to = "192.168.1.3" }}
"#
    );
    let Some(run) = run(&text) else { return };
    passes(&run);
    assert!(
        step(&run, "uplink-is-port").said.contains("forwarding"),
        "{:?}",
        run.steps
    );
}

/// Steps write and remove files of networkd's, on the host and in the ghost; its state is checked after each reload.
#[test]
fn unit_files_are_written_and_removed() {
    let text = format!(
        r#"{GUEST}
[[steps]]
id = "second-address"
write_unit = {{ on = "host", name = "10-lan-bridge.network", content = """
[Match]
Name=br0
[Network]
Address=192.168.1.2/24
Address=192.168.1.77/24
""" }}

[[steps]]
id = "reload"
reload = {{ on = "host" }}

[[checks]]
id = "second-address-there"
after = "reload"
from = "desktop"
ping = {{ to = "192.168.1.77" }}

[[steps]]
id = "guest-file"
write_unit = {{ on = "test1", file = "guest/20-lan.network", name = "15-lan.network" }}

[[steps]]
id = "guest-old-file-away"
remove_unit = {{ on = "test1", name = "20-lan.network" }}

[[steps]]
id = "guest-reload"
reload = {{ on = "test1" }}

[[steps]]
id = "guest-reconfigure"
reload = {{ on = "test1", interface = "vm-test1" }}

[[checks]]
id = "guest-still-there"
after = "guest-reconfigure"
from = "desktop"
ping = {{ to = "192.168.1.3" }}

[[steps]]
id = "gone-already"
refused = "No such file"
remove_unit = {{ on = "test1", name = "20-lan.network" }}
"#
    );
    let Some(run) = run(&text) else { return };
    passes(&run);
    let refused = step(&run, "gone-already");
    assert_eq!(refused.outcome, StepOutcome::Refused);
    assert!(step(&run, "guest-reconfigure").command.contains("vm-test1"));
}

/// A NIC is unplugged and plugged in again; another one is plugged in that the guest never had.
#[test]
fn nics_are_unplugged_and_plugged() {
    let text = format!(
        r#"{GUEST}
[[steps]]
id = "out"
unplug = {{ guest = "test1", interface = "vm-test1" }}

[[checks]]
id = "no-tap"
after = "out"
from = "host"
within = "1s"
fails = true
bridge_port = {{ interface = "vm-test1", bridge = "br0" }}

[[steps]]
id = "in"
plug = {{ guest = "test1", interface = "vm-test1" }}

[[checks]]
id = "again"
after = "in"
from = "desktop"
ping = {{ to = "192.168.1.3" }}

[[steps]]
id = "another"
plug = {{ guest = "test1", interface = "vm-test1b", mac = "02:00:00:00:01:01" }}

[[checks]]
id = "another-on-bridge"
after = "another"
from = "host"
bridge_port = {{ interface = "vm-test1b", bridge = "br0" }}

[[checks]]
id = "another-has-the-address-too"
after = "another"
from = "test1"
address = {{ interface = "vm-test1b", address = "192.168.1.3/24" }}

[[steps]]
id = "restart"
restart = {{ guest = "test1" }}

[[checks]]
id = "another-is-gone"
after = "restart"
from = "host"
within = "1s"
fails = true
bridge_port = {{ interface = "vm-test1b", bridge = "br0" }}
"#
    );
    let Some(run) = run(&text) else { return };
    passes(&run);
}

/// As with microvm.nix's services, the TAP is made when its guest starts; until then the machine has none.
#[test]
fn a_guest_s_tap_comes_with_its_start_where_it_is_said() {
    let guest = GUEST.replace("mac =", "at_start = true, mac =");
    let text = format!(
        r#"{guest}
start = "step"

[[checks]]
id = "no-tap-yet"
from = "host"
link = {{ interface = "vm-test1", absent = true }}

[[steps]]
id = "on"
start = {{ guest = "test1" }}

[[checks]]
id = "tap-on-bridge"
after = "on"
from = "host"
bridge_port = {{ interface = "vm-test1", bridge = "br0" }}

[[checks]]
id = "reached"
after = "on"
from = "desktop"
ping = {{ to = "192.168.1.3" }}

[[steps]]
id = "off"
stop = {{ guest = "test1" }}

[[checks]]
id = "no-tap-again"
after = "off"
from = "host"
link = {{ interface = "vm-test1", absent = true }}
"#
    );
    let Some(told) = run(&text) else { return };
    passes(&told);
    // Without `at_start` the TAP is there from the beginning, so the first check fails.
    let Some(told) = run(&text.replace("at_start = true, ", "")) else {
        return;
    };
    let wrong: Vec<&str> = told
        .checks
        .iter()
        .filter(|check| check.is_wrong())
        .map(|check| check.id.as_str())
        .collect();
    assert_eq!(wrong, ["no-tap-yet"], "{:?}", told.differences);
}
