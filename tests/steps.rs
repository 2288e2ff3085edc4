//! Steps, done in real namespaces: the page's host with its real networkd, and ghosts in the place of guests. No image,
//! no QEMU, and no root where user namespaces and subordinate ids are at hand.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

#[expect(dead_code, reason = "every test binary uses its part")]
mod support;

use std::fs;
use std::path::Path;

use bridgelab_harness::report::{
    CheckOutcome, NOT_SHOWN, Outcome, Report, RunReport, StepOutcome, StepReport,
};
use support::{bridgelab, lan_scenario, root, skip};

/// A guest as the page has it, with its unit files beside the host's.
const GUEST: &str = r#"
[guests.test1]
units = "guest"
interfaces = [{ type = "tap", id = "vm-test1", mac = "02:00:00:00:00:01" }]
"#;

/// Runs the page's host with this text after it; `None`, said aloud, when this host cannot do it.
fn run(text: &str) -> Option<RunReport> {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let guest = folder.path().join("guest");
    fs::create_dir(&guest).expect("a folder");
    let unit = "scenarios/simple-network/guest/20-lan.network";
    fs::copy(root().join(unit), guest.join("20-lan.network")).expect("a copy");
    let scenario = lan_scenario(folder.path(), text);
    run_file(folder.path(), &scenario, &[])
}

fn run_file(folder: &Path, scenario: &Path, words: &[&str]) -> Option<RunReport> {
    let mut command = bridgelab(&["run"]);
    command.arg(scenario).args(words);
    command.args(["--guests", "ghost", "--evidence"]);
    command.arg(folder.join("evidence"));
    command.arg("--json").arg(folder.join("report.json"));
    let output = command.output().expect("the program under test starts");
    let verdict = String::from_utf8_lossy(&output.stdout);
    let progress = String::from_utf8_lossy(&output.stderr);
    let text = fs::read_to_string(folder.join("report.json"));
    let text = text.unwrap_or_else(|error| panic!("no report ({error}): {verdict}\n{progress}"));
    let report: Report = serde_json::from_str(&text).expect("a report");
    let run = report.runs.into_iter().next().expect("one run");
    let code = run.problem.as_ref().map(|problem| problem.code.as_str());
    if run.outcome == Outcome::Skipped && code != Some(NOT_SHOWN) {
        skip(&verdict);
        return None;
    }
    eprintln!("{verdict}{progress}");
    assert!(run.leaks.is_empty(), "{verdict}");
    Some(run)
}

fn step<'a>(run: &'a RunReport, id: &str) -> &'a StepReport {
    let found = run.steps.iter().find(|step| step.id == id);
    found.unwrap_or_else(|| panic!("no step {id}: {:?}", run.steps))
}

fn passes(run: &RunReport) {
    assert_eq!(
        run.outcome,
        Outcome::Passed,
        "{:?} {:?}",
        run.differences,
        run.problem
    );
}

#[test]
fn a_restarted_guest_is_on_the_bridge_again() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let scenario = root().join("scenarios/guest-restart");
    let Some(run) = run_file(folder.path(), &scenario, &[]) else {
        return;
    };
    passes(&run);
    // In the scenario's order, and each after its step.
    let ids: Vec<&str> = run.checks.iter().map(|check| check.id.as_str()).collect();
    assert_eq!(ids[..3], ["tap-on-bridge", "desktop-ping-guest", "off-no-tap"]);
    let on = step(&run, "on");
    for check in run.checks.iter().filter(|check| check.id.starts_with("on-")) {
        assert!(check.at_ms >= on.at_ms + on.ms as i64, "{}", check.id);
    }
    // The new link has a capture of its own beside that of the first.
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
    assert_eq!(run.steps[1].id, "networkd-off", "before the step that it names");
    assert!(run.checks.iter().any(|check| check.got == "vm-test1 has no master"));
}

/// Links, sysctls and commands on a machine.
#[test]
fn a_link_goes_down_and_comes_up_again() {
    let Some(run) = run(r#"
[[checks]]
id = "before"
from = "host"
ping = { to = "192.168.1.1" }

[[steps]]
id = "down"
link_down = { on = "host", interface = "eno1" }

[[checks]]
id = "cut-off"
after = "down"
from = "host"
within = "1s"
fails = true
ping = { to = "192.168.1.1" }

[[steps]]
id = "up"
link_up = { on = "host", interface = "eno1" }

[[checks]]
id = "back"
after = "up"
from = "host"
ping = { to = "192.168.1.1" }

[[steps]]
id = "no-forward"
sysctl = { on = "router", key = "net.ipv4.ip_forward", value = "0" }

[[steps]]
id = "as-it-says"
run = { on = "router", command = ["grep", "-x", "0", "/proc/sys/net/ipv4/ip_forward"] }

[[checks]]
id = "no-internet"
after = "as-it-says"
from = "host"
within = "2s"
fails = true
ping = { to = "203.0.113.80" }
"#) else {
        return;
    };
    passes(&run);
    assert_eq!(step(&run, "down").command, "ip -n host link set eno1 down");
    assert_eq!(step(&run, "as-it-says").said, "0");
}

/// What networkd made goes; networkd makes it again when it is asked to, and puts the ports on it.
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
id = "by-hand"
add_bridge = {{ on = "host", name = "br0", ports = ["eno1"] }}

[[steps]]
id = "port"
wait_for = {{ from = "host", bridge_port = {{ interface = "eno1", bridge = "br0" }} }}

[[steps]]
id = "tap"
reload = {{ on = "host", interface = "vm-test1" }}

[[checks]]
id = "reached-again"
after = "tap"
from = "desktop"
ping = {{ to = "192.168.1.3" }}
"#
    );
    let Some(run) = run(&text) else { return };
    passes(&run);
    assert!(
        step(&run, "port").said.contains("forwarding"),
        "{:?}",
        run.steps
    );
}

/// A daemon is stopped, asked, and started again on what is there then.
#[test]
fn daemons_stop_and_start_again() {
    let Some(run) = run(r#"
[[checks]]
id = "dns"
from = "host"
dns = { name = "www.internet.test", record = "A", server = "192.168.1.1", expect = ["203.0.113.80"] }

[[steps]]
id = "no-dnsmasq"
stop_daemon = { on = "router", daemon = "dnsmasq" }

[[checks]]
id = "no-dns"
after = "no-dnsmasq"
from = "host"
within = "1s"
fails = true
dns = { name = "www.internet.test", record = "A", server = "192.168.1.1", expect = ["203.0.113.80"] }

[[steps]]
id = "dnsmasq"
start_daemon = { on = "router", daemon = "dnsmasq" }

[[steps]]
id = "dnsmasq-reload"
reload = { on = "router", daemon = "dnsmasq" }

[[checks]]
id = "dns-again"
after = "dnsmasq-reload"
from = "host"
dns = { name = "www.internet.test", record = "A", server = "192.168.1.1", expect = ["203.0.113.80"] }

[[steps]]
id = "no-http"
stop_daemon = { on = "internet", daemon = "http" }

[[checks]]
id = "refused"
after = "no-http"
from = "host"
within = "1s"
fails = true
tcp = { to = "203.0.113.80", port = 80 }

[[steps]]
id = "http"
start_daemon = { on = "internet", daemon = "http" }

[[checks]]
id = "http-again"
after = "http"
from = "host"
http = { to = "203.0.113.80", expect = "hello" }
"#) else {
        return;
    };
    passes(&run);
}

/// networkd's own files, on the host and in the ghost, and its state after each reload.
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

/// A NIC goes and comes back; one that the guest never had comes, too.
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

/// Who hears an announcement corrects what it knows: once the wrong way, and after a flush the right way again.
#[test]
fn an_announcement_moves_an_address() {
    let Some(run) = run(r#"
[[steps]]
id = "know-desktop"
wait_for = { from = "host", ping = { to = "192.168.1.20" } }

[[steps]]
id = "lie"
send = { on = "router", interface = "lan0", announce = "192.168.1.20", mac = "02:00:00:00:00:66" }

[[steps]]
id = "believed"
run = { on = "host", command = ["sh", "-c", "ip neigh show 192.168.1.20 | grep 02:00:00:00:00:66"] }

[[steps]]
id = "forget"
flush = { on = "host", neighbours = true, interface = "br0" }

[[steps]]
id = "forget-ports"
flush = { on = "host", fdb = "br0" }

[[checks]]
id = "asked-again"
after = "forget-ports"
from = "host"
ping = { to = "192.168.1.20" }

[[steps]]
id = "bytes"
send = { on = "desktop", interface = "eth0", count = 3, hex = "ffffffffffff 020000000077 88b5 00000000" }

[[steps]]
id = "learned"
run = { on = "host", command = ["sh", "-c", "bridge fdb show br br0 | grep 02:00:00:00:00:77"] }
"#) else {
        return;
    };
    passes(&run);
    assert_eq!(step(&run, "lie").said, "42 bytes");
}

#[test]
fn a_refusal_that_nobody_expects_leaves_no_verdict() {
    let Some(run) = run(r#"
[[checks]]
id = "before"
from = "host"
ping = { to = "192.168.1.1" }

[[steps]]
id = "tolerated"
may_fail = true
run = { on = "host", command = ["false"] }

[[steps]]
id = "unexpected"
delete_link = { on = "host", interface = "lo" }

[[steps]]
id = "never"
run = { on = "host", command = ["true"] }
"#) else {
        return;
    };
    assert_eq!(run.outcome, Outcome::Broken);
    let problem = run.problem.as_ref().expect("a problem");
    assert_eq!(problem.code, "step.refused");
    assert!(
        problem.chain[0].contains("ip -n host link delete lo"),
        "{problem:?}"
    );
    assert!(problem.chain[0].contains("Operation not supported"), "{problem:?}");
    let ids: Vec<&str> = run.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["tolerated", "unexpected"]);
    assert_eq!(run.checks.len(), 1, "what was seen before is kept");
}

#[test]
fn an_expected_refusal_that_does_not_come_is_a_difference() {
    let Some(run) = run(r#"
[[steps]]
id = "harmless"
refused = "Operation not permitted"
run = { on = "host", command = ["true"] }

[[steps]]
id = "otherwise"
refused = "Operation not permitted"
run = { on = "host", command = ["ip", "link", "delete", "nobody"] }

[[checks]]
id = "after"
after = "otherwise"
from = "host"
ping = { to = "192.168.1.1" }
"#) else {
        return;
    };
    assert_eq!(run.outcome, Outcome::Failed);
    assert_eq!(run.differences.len(), 2, "{:?}", run.differences);
    assert!(run.differences[0].contains("must be refused"));
    assert!(run.differences[1].contains("not in the named way"));
    assert_eq!(run.checks[0].outcome, CheckOutcome::Passed);
}

/// A ghost has this machine's programs: what they do there shows nothing, and so does everything after.
#[test]
fn what_a_ghost_cannot_do_is_skipped_by_name_with_all_that_follows() {
    let text = format!(
        r#"{GUEST}
[[checks]]
id = "before"
from = "test1"
ping = {{ to = "192.168.1.1" }}

[[steps]]
id = "docker"
run = {{ on = "test1", command = ["systemctl", "restart", "docker"] }}

[[steps]]
id = "then"
link_down = {{ on = "host", interface = "eno1" }}

[[checks]]
id = "after"
after = "then"
from = "host"
ping = {{ to = "192.168.1.1" }}
"#
    );
    let Some(run) = run(&text) else { return };
    passes(&run);
    let docker = step(&run, "docker");
    assert_eq!(docker.outcome, StepOutcome::Skipped);
    assert!(docker.said.contains("test1 is a ghost"), "{}", docker.said);
    assert_eq!(step(&run, "then").outcome, StepOutcome::Skipped);
    let after = run.checks.iter().find(|check| check.id == "after");
    let after = after.expect("the check");
    assert_eq!(after.outcome, CheckOutcome::Skipped);
    assert!(after.got.contains("step docker"), "{}", after.got);
}

/// Where the kernel has netem, the link suffers; where not, the run is skipped with its name and never passed.
#[test]
fn a_link_is_impaired_where_the_kernel_can() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let text = r#"
[[steps]]
id = "dead"
impair = { on = "router", interface = "lan0", loss = 100 }

[[checks]]
id = "nothing-comes"
after = "dead"
from = "host"
within = "2s"
fails = true
ping = { to = "192.168.1.1" }

[[steps]]
id = "well"
unimpair = { on = "router", interface = "lan0" }

[[checks]]
id = "all-comes"
after = "well"
from = "host"
ping = { to = "192.168.1.1" }
"#;
    let scenario = lan_scenario(folder.path(), text);
    let output = bridgelab(&["run", "--guests", "ghost", "--json", "-", "--evidence"])
        .arg(folder.path().join("evidence"))
        .arg(&scenario)
        .output()
        .expect("the program under test starts");
    let report: Report = serde_json::from_slice(&output.stdout).expect("a report");
    let run = &report.runs[0];
    if run.outcome == Outcome::Skipped {
        let problem = run.problem.as_ref().expect("a reason");
        skip(&problem.chain.join(": "));
        assert_eq!(problem.code, "host.unmet");
        return;
    }
    passes(run);
}
