//! Scenarios with ghost guests: the guest's own unit files, read by a real networkd behind a veth with the guest's MAC
//! address. No image, no QEMU, and no root where user namespaces and subordinate ids are at hand; so these tests run
//! without the feature `vm`.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use bridgelab_harness::report::{CheckOutcome, Outcome, RunReport};
use support::{bridgelab, is_root, program, ran, report, root, skip};

/// A run with ghosts in `folder`, which also has the cache, without any image.
fn command(folder: &Path, words: &[&str]) -> Command {
    let mut command = bridgelab(&["run"]);
    command
        .args(words)
        .args(["--guests", "ghost", "--evidence"])
        .arg(folder.join("evidence"))
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env_remove("BRIDGELAB_SETUP");
    command
}

/// Runs these words. Returns the report and what was printed; `None`, said aloud, when this host cannot run them.
fn run(folder: &Path, words: &[&str]) -> Option<(RunReport, Output)> {
    ran(&mut command(folder, words), folder)
}

/// Ids of checks with that outcome.
fn ids(run: &RunReport, outcome: CheckOutcome) -> Vec<&str> {
    let checks = run.checks.iter().filter(|check| check.outcome == outcome);
    checks.map(|check| check.id.as_str()).collect()
}

/// Checks of what a ghost has not got: servers and Docker.
const UNSHOWN: [&str; 9] = [
    "desktop-tcp-guest-v4",
    "desktop-ssh-guest-v4",
    "desktop-tcp-guest-v6",
    "desktop-ssh-guest-v6",
    "container-veth",
    "container-ping-router-v4",
    "container-ping-internet-v4",
    "container-dns-a",
    "container-http-v4",
];

fn is_green(run: &RunReport, output: &Output) {
    assert_eq!(run.outcome, Outcome::Passed, "{:?}", run.differences);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(ids(run, CheckOutcome::Skipped), UNSHOWN);
    assert_eq!(
        ids(run, CheckOutcome::Passed).len() + UNSHOWN.len(),
        run.checks.len()
    );
    let by = |id: &str| run.checks.iter().find(|check| check.id == id).expect(id);
    assert!(
        by("guest-dns-a")
            .got
            .contains("asked 192.168.1.1, networkd's DNS")
    );
    assert_eq!(by("container-veth").attempts, 0);
    assert!(by("container-veth").got.contains("no Docker"));
    let verdict = String::from_utf8_lossy(&output.stdout);
    assert!(
        verdict.contains("75 of 84 checks hold, 9 skipped"),
        "{verdict}"
    );
    // The report says what was skipped, and why.
    for hole in [
        "skipped: desktop-tcp-guest-v4, desktop-ssh-guest-v4,",
        "test1 is a ghost: it runs systemd-networkd and no servers",
        "skipped: container-veth, container-ping-router-v4,",
    ] {
        assert!(verdict.contains(hole), "{verdict}");
    }
}

#[test]
fn the_page_holds_with_its_own_unit_files_in_the_guest() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let Some((run, output)) = run(folder.path(), &["simple-network"]) else {
        return;
    };
    is_green(&run, &output);
    // The ghost has the very bytes of the unit file, and networkd's log names it.
    let evidence = run.evidence.expect("a folder").join("machines/test1");
    let log = fs::read_to_string(evidence.join("networkd.log")).expect("networkd's log");
    assert!(log.contains("20-lan.network"), "{log}");
    let links = fs::read_to_string(evidence.join("links.txt")).expect("the ghost's links");
    assert!(links.contains("02:00:00:00:00:01"), "{links}");
    assert!(
        !folder.path().join("cache/bridgelab/images").exists(),
        "no image was needed"
    );
}

#[test]
fn a_tap_that_the_host_leaves_alone_cuts_the_ghost_off() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let Some((run, _)) = run(
        folder.path(),
        &["simple-network", "--variant", "tap-outside-match"],
    ) else {
        return;
    };
    assert_eq!(run.outcome, Outcome::Passed, "{:?}", run.differences);
    assert_eq!(ids(&run, CheckOutcome::Skipped), UNSHOWN);
    let failed = ids(&run, CheckOutcome::Failed);
    for id in [
        "host-tap-on-bridge",
        "guest-ra-seen",
        "guest-http-v6",
        "router-ping-guest-v4",
    ] {
        assert!(failed.contains(&id), "{id}: {failed:?}");
    }
    // Every check that must fail was looked at, except those of servers and Docker.
    let must = run.checks.iter().filter(|check| check.must_fail).count();
    assert_eq!(failed.len(), must - 8);
}

#[test]
fn a_variant_whose_fault_needs_docker_is_skipped_and_never_passed() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut command = command(
        folder.path(),
        &["simple-network", "--variant", "no-19-docker"],
    );
    command.env("BRIDGELAB_STRICT", "1");
    let Some((run, output)) = ran(&mut command, folder.path()) else {
        return;
    };
    assert_eq!(run.outcome, Outcome::Skipped, "{:?}", run.differences);
    assert_eq!(output.status.code(), Some(3));
    let problem = run.problem.expect("a reason");
    assert!(problem.chain[1].contains("no Docker"), "{problem:?}");
}

/// Without any IPv6 on both sides, nothing has to wait for duplicate address detection.
#[test]
fn without_ipv6_there_is_nothing_to_wait_for() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let scenario = v4_scenario(folder.path());
    let Some((run, _)) = run(folder.path(), &[&scenario]) else {
        return;
    };
    assert_eq!(run.outcome, Outcome::Passed, "{:?}", run.differences);
    assert!(
        run.stages.iter().all(|stage| stage.name != "dad"),
        "{:?}",
        run.stages
    );
    assert!(ids(&run, CheckOutcome::Skipped).is_empty());
}

/// The unit file has a match that a veth answers differently from a guest's NIC, so a ghost would say something false.
#[test]
fn a_guest_that_matches_by_driver_is_not_judged_by_a_ghost() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let scenario = v4_scenario(folder.path());
    let unit = folder.path().join("guest/20-lan.network");
    let text = fs::read_to_string(&unit).expect("the unit");
    fs::write(&unit, text.replace("Type=ether", "Driver=virtio_net")).expect("another match");
    let Some((run, _)) = run(folder.path(), &[&scenario]) else {
        return;
    };
    assert_eq!(run.outcome, Outcome::Skipped);
    let problem = run.problem.expect("a reason");
    assert!(
        problem.chain[1].contains("Driver=virtio_net"),
        "{problem:?}"
    );
    assert!(run.checks.is_empty());
}

/// As root, this test becomes `nobody`, with subordinate ids of its own and without `/dev/net/tun`. For an ordinary user the
/// first test does the same.
#[test]
fn the_page_holds_for_an_ordinary_user() {
    if !is_root() {
        return skip("only root can become another user; this user's own run is the other test");
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    let home = folder.path();
    fs::copy(program(), home.join("bridgelab")).expect("a copy that nobody can reach");
    copy(
        &root().join("scenarios/simple-network"),
        &home.join("simple-network"),
    );
    let script = r#"
        set -e
        chmod -R a+rX "$FOLDER"
        chown -R 65534:65534 "$FOLDER"
        echo nobody:200000:65536 > "$FOLDER/subid"
        mount --bind "$FOLDER/subid" /etc/subuid
        mount --bind "$FOLDER/subid" /etc/subgid
        if [ -d /dev/net ]; then mount -t tmpfs -o mode=755 tmpfs /dev/net; fi
        exec setpriv --reuid=65534 --regid=65534 --clear-groups \
            env HOME="$FOLDER" "$FOLDER/bridgelab" run "$FOLDER/simple-network" --guests ghost \
            --evidence "$FOLDER/evidence" --json "$FOLDER/report.json"
    "#;
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", script])
        .env("FOLDER", home)
        .env_remove("BRIDGELAB_SETUP")
        .output()
        .expect("unshare runs");
    if !home.join("report.json").exists() {
        // Root of a container may not have the rights for it.
        return skip(&String::from_utf8_lossy(&output.stderr));
    }
    if let Some(run) = report(&home.join("report.json"), &output) {
        is_green(&run, &output);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("the scenario") {
        let entry = entry.expect("an entry").path();
        let target = to.join(entry.file_name().expect("a name"));
        if entry.is_dir() {
            copy(&entry, &target);
        } else {
            fs::copy(&entry, &target).expect("a copy");
        }
    }
}

/// The page's network without IPv6, copied into a folder. A benchmark uses it as well.
fn v4_scenario(folder: &Path) -> String {
    copy(&root().join("benches/without-ipv6"), folder);
    folder.to_string_lossy().into_owned()
}

/// What `bridgelab new` writes passes as it is, and its variant fails as it says.
#[test]
fn a_new_scenario_runs_green() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mine");
    let made = bridgelab(&["new"])
        .arg(&path)
        .output()
        .expect("the program starts");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let path = path.to_string_lossy().into_owned();
    for form in ["green", "tap-outside-match"] {
        let Some((run, _)) = run(folder.path(), &[&path, "--variant", form]) else {
            return;
        };
        assert_eq!(run.outcome, Outcome::Passed, "{form}");
        assert_eq!(run.checks.len(), 4);
    }
}

/// A veth hands on a checksum that nobody computed, as a TAP does for a NIC with offloads. A NIC without offloads gets no
/// veth. So each form either shows what it is for, or says that it cannot.
#[test]
fn checksums_at_a_tap_are_those_at_a_veth() {
    let folder = tempfile::tempdir().expect("a folder");
    for (form, failed) in [
        ("green", &[][..]),
        ("sender-leaves-them", &["good-on-tap", "none-bad-on-tap"]),
    ] {
        let Some((run, _)) = run(folder.path(), &["offload/checksum", "--variant", form]) else {
            return;
        };
        assert_eq!(
            run.outcome,
            Outcome::Passed,
            "{form}: {:?}",
            run.differences
        );
        assert_eq!(ids(&run, CheckOutcome::Skipped), [""; 0], "{form}");
        assert_eq!(ids(&run, CheckOutcome::Failed), failed, "{form}");
    }
    let Some((run, _)) = run(
        folder.path(),
        &["offload/checksum", "--variant", "guest-without"],
    ) else {
        return;
    };
    assert_eq!(run.outcome, Outcome::Skipped);
    let problem = run.problem.expect("a reason");
    let told = problem.chain.join("; ");
    assert!(told.contains("a NIC without offloads"), "{told}");
}

/// With `--require-all`, a run with holes does not pass.
#[test]
fn a_run_with_holes_fails_where_everything_is_required() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let junit = folder.path().join("junit.xml");
    let words = ["simple-network", "--require-all", "--junit"];
    let mut command = command(folder.path(), &words[..2]);
    command.arg(words[2]).arg(&junit);
    let Some((run, output)) = ran(&mut command, folder.path()) else {
        return;
    };
    assert_eq!(run.outcome, Outcome::Failed);
    assert_eq!(output.status.code(), Some(1));
    let verdict = String::from_utf8_lossy(&output.stdout);
    let told = "skipped, and everything is required (`--require-all`): container-veth";
    assert!(verdict.contains(told), "{verdict}");
    let junit = fs::read_to_string(junit).expect("a report");
    assert!(
        junit.contains("skipped=\"0\" errors=\"0\" failures=\"9\""),
        "{junit}"
    );
    // The default is the same where BRIDGELAB_STRICT=1 makes skips fail.
    let mut strict = self::command(folder.path(), &["two-guests"]);
    strict.env_remove("BRIDGELAB_REQUIRE_ALL");
    strict.env("BRIDGELAB_STRICT", "1");
    let (run, _) = ran(&mut strict, folder.path()).expect("as above");
    assert_eq!(run.outcome == Outcome::Failed, !run.holes.is_empty());
}

/// In the variant a step must be refused with the kernel's words; if it is not, the run fails.
#[test]
fn a_step_can_be_what_must_fail() {
    let text = r#"
version = 1
summary = "a link is set up"
base = "none"
segments.wire.kind = "cable"
machines.a.interfaces = [{ name = "eth0", segment = "wire" }]
machines.b.interfaces = [{ name = "eth0", segment = "wire" }]
steps = [{ id = "up", run = { on = "a", command = ["ip", "link", "set", "eth0", "up"] } }]
checks = [{ id = "is-up", after = "up", from = "a", link = { interface = "eth0", carrier = true } }]

[variants.other-name]
must_fail = ["up"]
seen = { up = "Cannot find" }
steps = [{ id = "up", run = { on = "a", command = ["ip", "link", "set", "eth1", "up"] } }]

[variants.not-refused]
must_fail = ["up"]
machines.b.forward = true
"#;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("step.toml");
    fs::write(&path, text).expect("a scenario");
    let path = path.to_string_lossy().into_owned();
    for (form, outcome, code) in [
        ("other-name", Outcome::Passed, 0),
        ("not-refused", Outcome::Failed, 1),
    ] {
        let Some((run, output)) = run(folder.path(), &[&path, "--variant", form]) else {
            return;
        };
        assert_eq!(run.outcome, outcome, "{form}: {:?}", run.differences);
        assert_eq!(output.status.code(), Some(code), "{form}");
    }
}

/// At least one of several checks must fail, whichever. If all hold, or one fails in another way than it must, the run fails.
#[test]
fn one_of_several_checks_must_fail() {
    let text = r#"
version = 1
summary = "two ways to say that b is there"
base = "none"
segments.wire.kind = "cable"
machines.a.interfaces = [{ name = "eth0", segment = "wire", addresses = ["10.0.0.1/24"] }]
machines.b.interfaces = [{ name = "eth0", segment = "wire", addresses = ["10.0.0.2/24"] }]

[[checks]]
id = "ping"
from = "a"
ping = { to = "10.0.0.2" }

[[checks]]
id = "mtu"
from = "b"
link = { interface = "eth0", mtu = 1500 }

[[checks]]
id = "own"
from = "b"
ping = { to = "127.0.0.1" }

[variants.one]
must_fail = [{ any_of = ["ping", "mtu"] }]
seen = { ping = "no reply", mtu = "1400" }
machines.b.interfaces = [{ name = "eth0", segment = "wire", addresses = ["10.0.0.3/24"] }]

[variants.both]
must_fail = [{ any_of = ["ping", "mtu"] }]
machines.b.interfaces = [{ name = "eth0", segment = "wire", addresses = ["10.0.0.3/24"], mtu = 1400 }]

[variants.neither]
must_fail = [{ any_of = ["ping", "mtu"] }]
machines.b.forward = true

[variants.otherwise]
must_fail = [{ any_of = ["ping", "mtu"] }]
seen = { mtu = "9000" }
machines.b.interfaces = [{ name = "eth0", segment = "wire", addresses = ["10.0.0.3/24"], mtu = 1400 }]
"#;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("any.toml");
    fs::write(&path, text).expect("a scenario");
    let path = path.to_string_lossy().into_owned();
    for (form, outcome, failed, told) in [
        (
            "one",
            Outcome::Passed,
            &["ping"][..],
            "passed (1 of 1 checks hold, 1 of 1 fail as they must)",
        ),
        (
            "both",
            Outcome::Passed,
            &["ping", "mtu"],
            "mtu fails, as at least one of ping, mtu must",
        ),
        (
            "neither",
            Outcome::Failed,
            &[],
            "at least one of `ping`, `mtu` must fail here, and all hold",
        ),
        (
            "otherwise",
            Outcome::Failed,
            &["ping", "mtu"],
            "`mtu` failed as it must, but not in the named way",
        ),
    ] {
        let junit = folder.path().join("junit.xml");
        let junit_at = junit.to_string_lossy();
        let words = [&path, "--variant", form, "--junit", &junit_at];
        let Some((run, output)) = run(folder.path(), &words) else {
            return;
        };
        assert_eq!(run.outcome, outcome, "{form}: {:?}", run.differences);
        assert_eq!(ids(&run, CheckOutcome::Failed), failed, "{form}");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains(told), "{form}: {said}");
        for check in &run.checks {
            let (any_of, id) = (&check.any_of, check.id.as_str());
            assert_eq!(
                any_of.len(),
                if id == "own" { 0 } else { 2 },
                "{form}: {id}"
            );
            assert!(!check.must_fail, "{form}: {id}");
        }
        let failures = fs::read_to_string(&junit).expect("JUnit");
        let failures = failures.matches("<failure").count();
        let expected = match form {
            "neither" => 2,
            "otherwise" => 1,
            _ => 0,
        };
        assert_eq!(failures, expected, "{form}");
    }
}

#[test]
fn the_evidence_has_the_vlans_of_bridge_ports() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some((run, _)) = run(folder.path(), &["bridge/vlans", "--variant", "asymmetric"]) else {
        return;
    };
    assert_eq!(run.outcome, Outcome::Passed, "{:?}", run.differences);
    let host = run.evidence.expect("a folder").join("machines/host");
    let vlans = fs::read_to_string(host.join("bridge-vlans.txt")).expect("the host's VLANs");
    let of_tap = vlans.split("vm-tiny1").nth(1).expect("the TAP");
    for line in ["10 Egress Untagged", "20 PVID"] {
        assert!(of_tap.contains(line), "{line}: {vlans}");
    }
}
