//! Macvtaps. With ghosts: macvlans in their place, in real namespaces. With MicroVMs: two labs at once whose macvtaps have the
//! same names, addresses and indexes.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use bridgelab_harness::report::{CheckOutcome, Outcome};
use support::lab::{has, link, passed};
use support::{bridgelab, is_root, ran, root, run_as_nobody, set_up, skip, told};

fn run(scenario: &str, evidence: &Path, words: &[&str]) -> Command {
    let mut command = bridgelab(&["run"]);
    command
        .args(words)
        .arg(root().join("scenarios/macvtap").join(scenario))
        .arg("--evidence")
        .arg(evidence)
        .env_remove("BRIDGELAB_SETUP")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn ghosts(scenario: &str) -> Output {
    set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let words = ["--all-variants", "--guests", "ghost"];
    let output = run(scenario, folder.path(), &words).output();
    let output = output.expect("the program under test starts");
    for folder in passed(&output) {
        // The macvlan is made on the ghost, and the host has nothing of it.
        let nic = link(&folder, "tiny1", "eth0");
        has(
            &nic,
            &["link/ether 02:00:00:00:00:01", "macvlan mode ", "mtu 1500"],
        );
    }
    output
}

#[test]
fn a_ghost_reaches_the_host_by_the_host_s_own_macvlan() {
    ghosts("host-to-guest");
}

#[test]
fn ghosts_on_one_link_reach_each_other_as_the_mode_has_it() {
    ghosts("modes");
}

/// Checks of the host's macvtap are skipped: the ghost has it, and the host has no link of that name.
#[test]
fn what_a_ghost_has_of_its_macvtap_is_skipped_on_the_host_by_name() {
    set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let from = root().join("scenarios/macvtap/host-to-guest/scenario.toml");
    let text = fs::read_to_string(from).expect("the scenario");
    let (lab, _) = text.split_once("[[checks]]").expect("checks");
    let kinds = [
        (
            "sysctl",
            "sysctl = { key = \"net.ipv6.conf.mv-tiny1.mtu\", value = \"9000\" }",
        ),
        (
            "address",
            "address = { interface = \"mv-tiny1\", prefix = \"192.168.1.0/24\", state = \"absent\" }",
        ),
        (
            "route",
            "route = { to = \"192.168.1.0/24\", dev = \"mv-tiny1\", absent = true }",
        ),
        (
            "neighbour",
            "neighbour = { interface = \"mv-tiny1\", address = \"192.168.1.3\", absent = true }",
        ),
        (
            "fdb",
            "fdb = { interface = \"mv-tiny1\", mac = \"02:00:00:00:00:01\", absent = true }",
        ),
        (
            "mdb",
            "mdb = { interface = \"mv-tiny1\", group = \"ff02::1\", absent = true }",
        ),
        (
            "vlan",
            "bridge_vlan = { interface = \"mv-tiny1\", vlan = 1, absent = true }",
        ),
        ("link", "link = { interface = \"mv-tiny1\", mtu = 9000 }"),
        (
            "no-link",
            "link = { interface = \"mv-tiny1\", absent = true }",
        ),
    ];
    let mut checks = String::new();
    for (id, kind) in kinds {
        for (id, red) in [(id.to_owned(), ""), (format!("{id}-red"), "fails = true\n")] {
            let check = format!("[[checks]]\nid = \"{id}\"\nfrom = \"host\"\n{red}{kind}\n\n");
            checks.push_str(&check);
        }
    }
    let reached =
        "[[checks]]\nid = \"reached\"\nfrom = \"host\"\nping = { to = \"192.168.1.3\" }\n";
    let scenario = folder.path().join("scenario.toml");
    fs::write(&scenario, format!("{lab}{checks}{reached}")).expect("a scenario");
    let mut run = bridgelab(&["run", "--guests", "ghost"]);
    run.arg(&scenario).arg("--evidence");
    run.arg(folder.path().join("evidence"));
    let Some((run, output)) = ran(run.env_remove("BRIDGELAB_SETUP"), folder.path()) else {
        return;
    };
    assert_eq!(run.outcome, Outcome::Passed, "{}", told(&output));
    for check in &run.checks {
        let (outcome, words) = match check.id.as_str() {
            "reached" => (CheckOutcome::Passed, "a reply from 192.168.1.3"),
            _ => (
                CheckOutcome::Skipped,
                "mv-tiny1 is a macvlan of the ghost here",
            ),
        };
        assert_eq!(check.outcome, outcome, "{}: {}", check.id, check.got);
        assert!(check.got.contains(words), "{}: {}", check.id, check.got);
    }
    assert_eq!(run.checks.len(), 2 * kinds.len() + 1);
}

/// Interface indexes are the same in both namespaces, and so are the names of device nodes: each lab must have opened its
/// own.
#[test]
fn two_labs_with_the_same_macvtap_do_not_take_each_other_s() {
    set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let both = ["one", "two"].map(|lab| {
        let evidence = folder.path().join(lab);
        run("host-to-guest", &evidence, &["--jobs", "2"]).spawn()
    });
    let both = both.map(|lab| lab.expect("the program under test starts"));
    let both = both.map(|lab| lab.wait_with_output().expect("it ends"));
    let found: Vec<String> = both
        .iter()
        .flat_map(passed)
        .map(|folder| link(&folder, "host", "mv-tiny1"))
        .collect();
    for text in &found {
        has(
            text,
            &[
                "link/ether 02:00:00:00:00:01",
                "macvtap mode bridge",
                "ALLMULTI",
            ],
        );
    }
}

/// No user namespace gives the right to make a device node.
#[test]
fn an_ordinary_user_is_told_by_name_what_macvtaps_need() {
    set_up();
    if !is_root() {
        return skip("only root can become another user");
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    let scenario = folder.path().join("scenario.toml");
    let from = root().join("scenarios/macvtap/hotplug/scenario.toml");
    std::fs::copy(from, &scenario).expect("a copy");
    let output = run_as_nobody(folder.path(), &scenario);
    let verdict = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{verdict}");
    // Without subordinate ids, the run is skipped before it asks for anything else.
    if verdict.contains("subordinate-ids") {
        return skip(&verdict);
    }
    has(&verdict, &["skipped", "device-nodes"]);
}
