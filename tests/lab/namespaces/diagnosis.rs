//! The search for the cause of checks that do not hold: what it asks, that it leaves nothing behind, and that it changes no
//! verdict.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bridgelab_harness::diagnosis::{Course, Station};
use bridgelab_harness::report::{Outcome, RunReport};
use support::lab::written;
use support::{bridgelab, ran, runs, set_up, told};

/// Two machines on a switch, and a form in which the second has another address.
const TWO: &str = r#"
version = 1
summary = "two machines on a switch"
base = "none"
segments.wire.kind = "switch"
machines.a.interfaces = [{ name = "eth0", segment = "wire", addresses = ["10.0.0.1/24"] }]
machines.b.interfaces = [{ name = "eth0", segment = "wire", addresses = ["10.0.0.2/24"] }]

[[checks]]
id = "ping"
from = "a"
within = "1s"
ping = { to = "10.0.0.2" }

[variants.moved]
must_fail = ["ping"]
machines.b.interfaces = [{ name = "eth0", segment = "wire", addresses = ["10.0.0.3/24"] }]
"#;

fn run(scenario: &Path, more: &[&str], folder: &Path) -> Option<RunReport> {
    set_up();
    let mut run = bridgelab(&["run", "--guests", "ghost"]);
    run.arg(scenario).args(more);
    run.arg("--evidence").arg(folder.join("evidence"));
    ran(&mut run, folder).map(|(run, _)| run)
}

fn is_diagnosed(run: &RunReport) -> bool {
    run.stages.iter().any(|stage| stage.name == "diagnosis")
}

/// The answer to a question in the evidence.
fn fact(run: &RunReport, name: &str, question: &str) -> String {
    let evidence = run.evidence.as_ref().expect("a folder");
    let file: PathBuf = evidence.join("diagnosis/facts").join(name).join(question);
    fs::read_to_string(file).expect("an answer")
}

#[test]
fn a_cause_is_sought_where_a_check_fails_and_nowhere_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = written(folder.path(), TWO);
    let Some(green) = run(&scenario, &[], folder.path()) else {
        return;
    };
    assert_eq!(green.outcome, Outcome::Passed);
    assert!(!is_diagnosed(&green), "{:?}", green.stages);
    let evidence = green.evidence.as_ref().expect("a folder");
    assert!(!evidence.join("diagnosis").exists());

    // What fails as it must is no riddle, unless somebody asks.
    let moved = |when: &str| {
        let more = ["--variant", "moved", "--diagnosis", when];
        run(&scenario, &more, folder.path()).expect("a run")
    };
    let red = moved("always");
    assert_eq!(red.outcome, Outcome::Passed);
    assert!(is_diagnosed(&red), "{:?}", red.stages);
    assert!(fact(&red, "b", "addresses").contains("\"local\":\"10.0.0.3\""));
    assert!(!fact(&red, "a", "addresses").contains("10.0.0.3"));
    let sysctls = fact(&red, "a", "sysctls");
    assert!(sysctls.contains("ipv4/ip_forward:0\n"), "{sysctls}");

    for when in ["unexpected", "never"] {
        let without = moved(when);
        assert!(!is_diagnosed(&without), "{when}");
        assert_eq!(without.outcome, red.outcome);
        assert_eq!(without.differences, red.differences);
    }

    // The same fault where nobody expects it.
    let text = TWO.replace(
        "[variants.moved]\nmust_fail = [\"ping\"]",
        "[variants.moved]",
    );
    let unmarked = written(folder.path(), &text);
    let when = |when: &str| {
        let more = ["--variant", "moved", "--diagnosis", when];
        run(&unmarked, &more, folder.path()).expect("a run")
    };
    assert!(is_diagnosed(&when("unexpected")));
    assert!(!is_diagnosed(&when("never")));
}

/// A machine of networkd: its unit file, and a check that has minutes to hold.
fn one_unit(folder: &Path, unit: &str) -> PathBuf {
    let text = "version = 1\nsummary = 'x'\n[machines.host]\nnetworkd = 'host'\n[[checks]]\nid = 'router'\nfrom = 'host'\n\
                within = '5m'\nping = { to = '192.168.1.1' }\n";
    fs::create_dir_all(folder.join("host")).expect("a folder");
    fs::write(folder.join("host/10-lan.network"), unit).expect("a unit");
    written(folder, text)
}

#[test]
fn what_cannot_hold_any_more_is_decided_before_its_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let unit = "[Match]\nName=eno2\n[Network]\nAddress=192.168.1.2/24\n";
    let scenario = one_unit(folder.path(), unit);
    let Some(run) = run(&scenario, &[], folder.path()) else {
        return;
    };
    assert_eq!(run.outcome, Outcome::Failed, "{:?}", run.problem);
    let check = &run.checks[0];
    let why = "; decided after ";
    let code = "the cause stays [unit.not_matched]";
    assert!(
        check.got.contains(why) && check.got.contains(code),
        "{}",
        check.got
    );
    assert!(check.ms < 300_000, "{} ms", check.ms);
    assert_eq!(run.diagnosis[0].checks, ["router"]);
}

/// A step mends what a check before it lacks: the machines are asked before the step.
#[test]
fn what_a_step_mends_is_explained_by_what_was_there_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let (green, _) = TWO.split_once("[variants").expect("a green form");
    let moved = green.replace("10.0.0.2/24", "10.0.0.3/24");
    let step = "[[steps]]\nid = 'moved'\nrun = { on = 'b', command = ['ip', 'address', 'add', '10.0.0.2/24', 'dev', 'eth0'] }\n";
    let scenario = written(folder.path(), &format!("{moved}\n{step}"));
    let Some(run) = run(&scenario, &[], folder.path()) else {
        return;
    };
    assert_eq!(run.outcome, Outcome::Failed, "{:?}", run.problem);
    let found = &run.diagnosis[0];
    assert_eq!(found.checks, ["ping"]);
    assert_eq!(found.code.name(), "neigh.unanswered", "{found:?}");
    let evidence = run.evidence.as_ref().expect("a folder");
    let before = evidence.join("diagnosis/facts-before-moved/b/addresses");
    let before = fs::read_to_string(before).expect("an answer");
    assert!(!before.contains("\"10.0.0.2\""), "{before}");
    // Nothing else failed, so that nobody was asked again.
    assert!(!evidence.join("diagnosis/facts").exists());
}

/// The same fault, and a command in the background that will mend it, of which no file tells.
#[test]
fn beside_a_command_in_the_background_nothing_is_decided_early() {
    let folder = tempfile::tempdir().expect("a folder");
    let unit = "[Match]\nName=eno2\n[Network]\nAddress=192.168.1.2/24\n";
    let scenario = one_unit(folder.path(), unit);
    let text = fs::read_to_string(&scenario).expect("a scenario");
    let late = "from = 'host'\nafter = 'late'\n";
    let step = "[[steps]]\nid = 'late'\nrun = { on = 'host', background = true, command = ['sh', '-c', \
                'sleep 5; ip link set eno1 up; exec ip address add 192.168.1.2/24 dev eno1'] }\nmay_fail = true\n";
    let text = text.replace("from = 'host'\n", late) + step;
    fs::write(&scenario, text).expect("a scenario");
    let Some(run) = run(&scenario, &[], folder.path()) else {
        return;
    };
    assert_eq!(run.outcome, Outcome::Passed, "{:?}", run.checks);
}

/// Two machines on both sides of a bridge, and in each form one fault.
const FAULTS: &str = r#"
version = 1
summary = "two machines on both sides of a bridge"
base = "none"
segments.left.kind = "cable"
segments.right.kind = "cable"

[machines.client]
interfaces = [{ name = "eth0", segment = "left", addresses = ["10.0.0.1/24", "10.9.9.9/32"] }]
routes = [{ to = "10.1.0.0/24", via = "10.0.0.2" }]

[machines.sw]
interfaces = [
  { name = "pc", segment = "left", master = "br0" },
  { name = "ps", segment = "right", master = "br0" },
]
bridges.br0 = {}

[machines.server]
interfaces = [{ name = "eth0", segment = "right", addresses = ["10.0.0.2/24", "10.1.0.1/32"] }]
routes = [{ to = "10.9.9.9/32", via = "10.0.0.1" }]
nftables = "open.nft"
sysctls = { "net.ipv4.conf.all.rp_filter" = "0", "net.ipv4.conf.eth0.rp_filter" = "0" }

[[checks]]
id = "near"
from = "client"
within = "3s"
ping = { to = "10.0.0.2" }

[[checks]]
id = "big"
from = "client"
within = "3s"
ping = { to = "10.0.0.2", size = 1372, df = true }

[[checks]]
id = "far"
from = "client"
within = "3s"
ping = { to = "10.1.0.1" }

[[checks]]
id = "back"
from = "client"
within = "3s"
ping = { to = "10.0.0.2", source = "10.9.9.9" }

[variants.isolated]
must_fail = ["near", "big", "far", "back"]
machines.sw.bridges.br0.ports = { pc = { isolated = true }, ps = { isolated = true } }

[variants.rule]
must_fail = ["near", "big", "far", "back"]
machines.server.nftables = "rule.nft"

[variants.policy]
must_fail = ["near", "big", "far", "back"]
machines.server.nftables = "policy.nft"

[variants.no-route-back]
must_fail = ["back"]
machines.server.routes = []

[variants.no-address]
must_fail = ["near", "big", "far", "back"]
machines.server.interfaces = [{ name = "eth0", segment = "right", addresses = ["10.0.0.7/24"] }]
machines.server.routes = []

[variants.short]
must_fail = ["big"]
machines.sw.interfaces = [
  { name = "pc", segment = "left", master = "br0" },
  { name = "ps", segment = "right", master = "br0", mtu = 1300 },
]

[variants.other-gateway]
must_fail = ["far"]
machines.client.routes = [{ to = "10.1.0.0/24", via = "10.0.0.3" }]
"#;

fn faults(folder: &Path) -> PathBuf {
    for (name, rules) in [
        ("open", "icmp type echo-reply accept"),
        ("rule", "icmp type echo-request drop comment \"no pings\""),
        ("policy", "policy drop; icmp type echo-reply accept"),
    ] {
        let text = format!(
            "table inet user {{\n  chain in {{\n    type filter hook input priority 0; {rules}\n  }}\n}}\n"
        );
        fs::write(folder.join(format!("{name}.nft")), text).expect("a ruleset");
    }
    written(folder, FAULTS)
}

/// The course of a check.
fn course(run: &RunReport, check: &str) -> Course {
    let evidence = run.evidence.as_ref().expect("a folder");
    let text = fs::read(evidence.join("diagnosis/courses.json")).expect("courses");
    let mut courses: BTreeMap<String, Course> = serde_json::from_slice(&text).expect("courses");
    courses.remove(check).expect("a course")
}

/// The last point of the request, the packet there, and what dropped it.
fn last(course: &Course) -> (String, &str, Option<&str>) {
    let seen = course.request.last().expect("it begins with its sender");
    (
        seen.point.to_string(),
        seen.packet.as_str(),
        seen.dropped_by.as_deref(),
    )
}

/// By the ways of a packet through a kernel: what stops it is between the last point at which it is seen and the next.
#[test]
fn a_packet_is_followed_to_the_point_where_it_stops() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = faults(folder.path());
    let run = |variant| {
        let more = ["--diagnosis", "always", "--variant", variant];
        run(&scenario, &more, folder.path())
    };
    let echo = "ICMP echo request to 10.0.0.2";
    let input = "server inet input eth0";
    for (variant, check, point, packet, dropped_by) in [
        (
            "rule",
            "near",
            input,
            echo,
            Some("inet user in: icmp type echo-request drop comment \"no pings\""),
        ),
        (
            "policy",
            "near",
            input,
            echo,
            Some("inet user in: policy drop"),
        ),
        // The server takes the request, and has nowhere to send the answer.
        ("no-route-back", "back", input, echo, None),
        // It hears the question for an address that it has not got.
        (
            "no-address",
            "near",
            "server arp input eth0",
            "ARP who has 10.0.0.2",
            None,
        ),
        (
            "other-gateway",
            "far",
            "server arp input eth0",
            "ARP who has 10.0.0.3",
            None,
        ),
        // The bridge would pass it, and the port cannot carry it.
        ("short", "big", "sw bridge postrouting ps", echo, None),
    ] {
        let Some(run) = run(variant) else { return };
        assert_eq!(
            run.outcome,
            Outcome::Passed,
            "{variant}: {:?}",
            run.differences
        );
        let course = course(&run, check);
        assert_eq!(
            last(&course),
            (point.to_owned(), packet, dropped_by),
            "{variant}: {course}"
        );
        assert_eq!(course.answer, [], "{variant}: {course}");
        assert_eq!(course.blind, [""; 0], "{variant}: {course}");
    }
    // Nothing passes between two isolated ports: the bridge takes the question in, hears it itself, and gives it to no port.
    let isolated = run("isolated").expect("a run");
    let course = course(&isolated, "near");
    let points: Vec<String> = course
        .request
        .iter()
        .map(|seen| seen.point.to_string())
        .collect();
    assert!(
        points.contains(&"sw bridge prerouting pc".to_owned()),
        "{course}"
    );
    let beyond = course.request.iter().find(|seen| {
        seen.point.machine == "server" || seen.point.station == Station::BridgeForward
    });
    assert_eq!(beyond, None, "{course}");
    assert_eq!(course.answer, [], "{course}");
}

#[test]
fn no_verdict_depends_on_the_search_for_a_cause() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = faults(folder.path());
    set_up();
    let verdicts = |more: &[&str]| {
        let json = folder.path().join("report.json");
        let mut run = bridgelab(&["run", "--guests", "ghost", "--all-variants", "--json"]);
        run.arg(&json).arg(&scenario).args(more);
        run.arg("--evidence").arg(folder.path().join("evidence"));
        let output = run.output().expect("the program under test starts");
        assert!(json.exists(), "{}", told(&output));
        let runs = runs(&json).into_iter();
        runs.map(|run| (run.title(), run.outcome, run.differences, run.leaks))
            .collect::<Vec<_>>()
    };
    let with = verdicts(&["--diagnosis", "always"]);
    assert_eq!(with.len(), 8);
    assert_eq!(with, verdicts(&["--diagnosis", "never"]));
}
