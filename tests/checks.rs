//! Every kind of check, and every time of one, seen to hold and seen to fail, on a real LAN of namespaces: root or not,
//! without a guest.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

#[expect(dead_code, reason = "every test binary uses its part")]
mod support;

use std::fs;
use std::process::Command;

use bridgelab_harness::report::CheckOutcome::{self, Failed, Passed};
use bridgelab_harness::report::{CheckReport, Outcome, Report};
use support::{bridgelab, lan_scenario, set_up, skip};

/// A check, how it must end, and words that what it saw must contain.
struct Case {
    id: &'static str,
    outcome: CheckOutcome,
    words: &'static str,
    text: &'static str,
}

const fn case(
    id: &'static str,
    outcome: CheckOutcome,
    words: &'static str,
    text: &'static str,
) -> Case {
    Case {
        id,
        outcome,
        words,
        text,
    }
}

/// What the checks name: a MAC address, and bridges with nothing on them.
const MACHINES: &str = r#"
[machines.desktop]
interfaces = [
  { name = "eth0", segment = "lan", mac = "02:00:00:00:00:20", addresses = ["192.168.1.20/24", "2001:db8::20/64"] },
]

"#;

/// Runs the page's host with these checks and compares each. `None`, said aloud, when this host cannot.
fn judge(cases: &[Case]) -> Option<Vec<CheckReport>> {
    set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let checks: String = cases
        .iter()
        .map(|case| format!("[[checks]]\nid = \"{}\"\n{}\n\n", case.id, case.text))
        .collect();
    let scenario = lan_scenario(folder.path(), &format!("{MACHINES}{checks}"));
    let json = folder.path().join("report.json");
    let output = bridgelab(&["run"])
        .arg(&scenario)
        .arg("--evidence")
        .arg(folder.path().join("evidence"))
        .arg("--json")
        .arg(&json)
        .env_remove("BRIDGELAB_SETUP")
        .output()
        .expect("the program under test starts");
    let verdict = String::from_utf8_lossy(&output.stdout);
    let progress = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(3) {
        skip(&verdict);
        return None;
    }
    let text = fs::read_to_string(&json);
    let text = text.unwrap_or_else(|error| panic!("no report ({error}): {verdict}\n{progress}"));
    let report: Report = serde_json::from_str(&text).expect("a report");
    let run = report.runs.into_iter().next().expect("one run");
    assert!(
        matches!(run.outcome, Outcome::Passed | Outcome::Failed),
        "{verdict}\n{progress}"
    );
    let mut wrong = Vec::new();
    for (case, check) in cases.iter().zip(&run.checks) {
        assert_eq!(case.id, check.id);
        eprintln!("{}: {:?}: {}", check.id, check.outcome, check.got);
        if check.outcome != case.outcome || !check.got.contains(case.words) {
            wrong.push(format!(
                "{}: wanted {:?} with \"{}\", got {:?}: {}",
                case.id, case.outcome, case.words, check.outcome, check.got
            ));
        }
    }
    assert_eq!(cases.len(), run.checks.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Some(run.checks)
}

#[test]
fn times_are_kept() {
    let cases = [
        case(
            "steady",
            Passed,
            "192.168.1.20/24 on eth0, from ",
            "from = \"desktop\"\nholds_for = \"700ms\"\naddress = { address = \"192.168.1.20/24\" }",
        ),
        // networkd's own address is tentative for a second and more (RFC 4862); the desktop's was there before.
        case(
            "late",
            Passed,
            "2001:db8::a/64 on br0, and not yet at ",
            "from = \"host\"\nfails_until = \"300ms\"\naddress = { address = \"2001:db8::a/64\" }",
        ),
        case(
            "too-early",
            Failed,
            "before 0.3 s: 192.168.1.20/24 on eth0",
            "from = \"desktop\"\nfails_until = \"300ms\"\naddress = { address = \"192.168.1.20/24\" }",
        ),
        case(
            "never",
            Passed,
            "no reply from 192.168.1.99",
            "from = \"desktop\"\nwithin = \"1s\"\nfails = true\nping = { to = \"192.168.1.99\" }",
        ),
        case(
            "never-and-yet",
            Failed,
            "it holds at 0.0 s: a reply from 192.168.1.1",
            "from = \"desktop\"\nfails = true\nping = { to = \"192.168.1.1\" }",
        ),
    ];
    let Some(checks) = judge(&cases) else { return };
    let by = |id: &str| checks.iter().find(|check| check.id == id).expect(id);
    assert!(by("steady").ms >= 700 && by("steady").attempts >= 3);
    assert!(by("never").ms >= 1000);
    // Missing or tentative, then there.
    let seen = &by("late").seen;
    assert_eq!(seen.first().and_then(|seen| seen.holds), Some(false));
    assert_eq!(seen.last().and_then(|seen| seen.holds), Some(true));
    assert_eq!(
        by("never").expected,
        "never, for 1s: a reply from 192.168.1.99"
    );
}

/// For a check that must fail here: no longer than it takes to see that.
const SHORT: &str = "within = \"700ms\"\n";

/// A check from a machine, in one line; a red one looks for a short time only.
fn looks(from: &str, outcome: CheckOutcome, kind: &str) -> &'static str {
    let time = if outcome == Failed { SHORT } else { "" };
    format!("from = \"{from}\"\n{time}{kind}").leak()
}

/// `id outcome words | from kind`, for the many.
fn table(rows: &[(&'static str, CheckOutcome, &'static str, &str, &str)]) -> Vec<Case> {
    rows.iter()
        .map(|&(id, outcome, words, from, kind)| {
            case(id, outcome, words, looks(from, outcome, kind))
        })
        .collect()
}

#[test]
fn links_addresses_and_routes_are_seen_right_and_wrong() {
    let cases = table(&[
        (
            "port",
            Passed,
            "eno1: kind veth, master br0, carrier on, operstate up, state forwarding, mtu 1500, UP",
            "host",
            "link = { interface = \"eno1\", kind = \"veth\", master = \"br0\", carrier = true, operstate = \"up\", state = \"forwarding\", mtu = 1500, flags = [\"UP\"] }",
        ),
        (
            "port-of-nothing",
            Failed,
            "eno1: master br0",
            "host",
            "link = { interface = \"eno1\", nomaster = true }",
        ),
        (
            "mac",
            Passed,
            "mac 02:00:00:00:00:20",
            "desktop",
            "link = { interface = \"eth0\", mac = \"02:00:00:00:00:20\", nomaster = true }",
        ),
        (
            "no-link",
            Passed,
            "there is no vm-test9",
            "host",
            "link = { interface = \"vm-test9\", absent = true }",
        ),
        (
            "no-bridge",
            Failed,
            "there is br0, a bridge",
            "host",
            "link = { interface = \"br0\", absent = true }",
        ),
        (
            "port-without-address",
            Passed,
            "there is no 0.0.0.0/0",
            "host",
            "address = { interface = \"eno1\", prefix = \"0.0.0.0/0\", state = \"absent\" }",
        ),
        (
            "bridge-without-address",
            Failed,
            "192.168.1.2/24 on br0",
            "host",
            "address = { interface = \"br0\", prefix = \"192.168.1.0/24\", state = \"absent\" }",
        ),
        // The router's own address, taken by another: only one that looks before it takes can notice.
        (
            "take-the-router-s-address",
            Passed,
            "dadfailed",
            "host",
            "command = { run = [\"sh\", \"-c\", \"ip addr show dev br0 to 2001:db8::1 | grep dadfailed || ip addr replace 2001:db8::1/64 dev br0\"], stdout = \"dadfailed\" }",
        ),
        (
            "dadfailed",
            Passed,
            "2001:db8::1/64 on br0 is dadfailed",
            "host",
            "address = { interface = \"br0\", address = \"2001:db8::1/64\", state = \"dadfailed\" }",
        ),
        (
            "not-dadfailed",
            Failed,
            "192.168.1.20/24 on eth0",
            "desktop",
            "address = { address = \"192.168.1.20/24\", state = \"dadfailed\" }",
        ),
        (
            "default-route",
            Passed,
            "default via 192.168.1.1 dev br0 proto static",
            "host",
            "route = { to = \"0.0.0.0/0\", via = \"192.168.1.1\", dev = \"br0\" }",
        ),
        (
            "default-route-by-the-port",
            Failed,
            "dev br0",
            "host",
            "route = { to = \"0.0.0.0/0\", dev = \"eno1\" }",
        ),
        (
            "no-route",
            Passed,
            "no route to 10.0.0.0/8",
            "host",
            "route = { to = \"10.0.0.0/8\", absent = true }",
        ),
        (
            "no-default-route",
            Failed,
            "default via 192.168.1.1 dev eth0",
            "desktop",
            "route = { to = \"0.0.0.0/0\", absent = true }",
        ),
        (
            "forwards",
            Passed,
            "net.ipv4.ip_forward = 1",
            "router",
            "sysctl = { key = \"net.ipv4.ip_forward\", value = \"1\" }",
        ),
        (
            "does-not-forward",
            Failed,
            "net.ipv4.ip_forward = 0",
            "desktop",
            "sysctl = { key = \"net.ipv4.ip_forward\", value = \"1\" }",
        ),
        (
            "no-sysctl",
            Failed,
            "there is no net.ipv4.nothing",
            "desktop",
            "sysctl = { key = \"net.ipv4.nothing\", value = \"1\" }",
        ),
    ]);
    judge(&cases);
}

#[test]
fn bridges_and_neighbours_are_seen_right_and_wrong() {
    let cases = table(&[
        (
            "traffic",
            Passed,
            "a reply",
            "desktop",
            "ping = { to = \"192.168.1.2\" }",
        ),
        (
            "neighbour",
            Passed,
            "192.168.1.20 dev br0 at 02:00:00:00:00:20",
            "host",
            "neighbour = { interface = \"br0\", address = \"192.168.1.20\", mac = \"02:00:00:00:00:20\" }",
        ),
        (
            "neighbour-elsewhere",
            Failed,
            "192.168.1.20",
            "host",
            "neighbour = { address = \"192.168.1.20\", mac = \"02:00:00:00:00:21\" }",
        ),
        (
            "no-neighbour",
            Passed,
            "no entry for 192.168.1.98",
            "host",
            "neighbour = { address = \"192.168.1.98\", absent = true }",
        ),
        (
            "learnt",
            Passed,
            "02:00:00:00:00:20 is behind eno1 of br0, learnt",
            "host",
            "fdb = { mac = \"02:00:00:00:00:20\", interface = \"eno1\", bridge = \"br0\" }",
        ),
        (
            "not-learnt",
            Failed,
            "no bridge knows 02:00:00:00:00:21",
            "host",
            "fdb = { mac = \"02:00:00:00:00:21\" }",
        ),
        (
            "never-learnt",
            Passed,
            "no bridge knows",
            "host",
            "fdb = { mac = \"02:00:00:00:00:21\", absent = true }",
        ),
        // The solicited-node group of 2001:db8::a (RFC 4291), which br0 itself has joined.
        (
            "group",
            Passed,
            "ff02::1:ff00:a has members behind br0 of br0",
            "host",
            "mdb = { group = \"ff02::1:ff00:a\", interface = \"br0\", bridge = \"br0\" }",
        ),
        (
            "no-group",
            Failed,
            "no bridge knows members of 239.9.9.9",
            "host",
            "mdb = { group = \"239.9.9.9\" }",
        ),
        (
            "no-vlan",
            Passed,
            "",
            "host",
            "bridge_vlan = { interface = \"eno1\", vlan = 20, absent = true }",
        ),
        (
            "vlan",
            Failed,
            "eno1",
            "host",
            "bridge_vlan = { interface = \"eno1\", vlan = 20 }",
        ),
    ]);
    judge(&cases);
}

#[test]
fn traffic_is_seen_right_and_wrong() {
    let cases = table(&[
        (
            "pings",
            Passed,
            "0 of 3 requests to 192.168.1.1 lost (0%)",
            "desktop",
            "ping = { to = \"192.168.1.1\", count = 3, interval = \"50ms\", size = 1472, df = true, source = \"192.168.1.20\" }",
        ),
        (
            "too-large",
            Failed,
            "no reply from 192.168.1.1: Message too long",
            "desktop",
            "ping = { to = \"192.168.1.1\", size = 1473, df = true }",
        ),
        (
            "fragments",
            Passed,
            "a reply from 2001:db8::1",
            "desktop",
            "ping = { to = \"2001:db8::1\", size = 3000 }",
        ),
        (
            "all-lost",
            Passed,
            "2 of 2 requests to 192.168.1.99 lost (100%)",
            "desktop",
            "ping = { to = \"192.168.1.99\", count = 2, interval = \"50ms\", loss = [100, 100] }",
        ),
        (
            "none-lost",
            Failed,
            "0 of 2 requests to 192.168.1.1 lost (0%)",
            "desktop",
            "ping = { to = \"192.168.1.1\", count = 2, interval = \"50ms\", loss = [50, 100] }",
        ),
        (
            "foreign-source",
            Failed,
            "Cannot assign requested address",
            "desktop",
            "ping = { to = \"192.168.1.1\", source = \"192.168.1.21\" }",
        ),
        (
            "bytes",
            Passed,
            "all 3000000 bytes",
            "desktop",
            "http = { to = \"203.0.113.80\", bytes = 3000000 }",
        ),
        (
            "no-bytes",
            Failed,
            "no connection to 192.168.1.1 port 80",
            "desktop",
            "http = { to = \"192.168.1.1\", bytes = 1000 }",
        ),
        (
            "refused",
            Passed,
            "no address for www.nowhere.test: REFUSED",
            "desktop",
            "dns = { name = \"www.nowhere.test\", record = \"A\", server = \"192.168.1.1\", rcode = \"REFUSED\" }",
        ),
        (
            "not-nxdomain",
            Failed,
            "no address for www.nowhere.test: REFUSED",
            "desktop",
            "dns = { name = \"www.nowhere.test\", record = \"A\", server = \"192.168.1.1\", rcode = \"NXDOMAIN\" }",
        ),
        (
            "no-server",
            Passed,
            "no address for www.internet.test",
            "desktop",
            "dns = { name = \"www.internet.test\", record = \"A\", server = \"192.168.1.2\", rcode = \"none\" }",
        ),
        (
            "a-server",
            Failed,
            "www.internet.test is 203.0.113.80",
            "desktop",
            "dns = { name = \"www.internet.test\", record = \"A\", server = \"192.168.1.1\", rcode = \"none\" }",
        ),
        (
            "advertisements",
            Passed,
            "on the wire of eno1 match",
            "host",
            "packet = { interface = \"eno1\", filter = \"icmp6 and ip6[40] == 134\" }",
        ),
        (
            "no-vlans",
            Failed,
            "no packet on the wire of eno1 match",
            "host",
            "packet = { interface = \"eno1\", filter = \"vlan 5\" }",
        ),
        (
            "pings-on-the-wire",
            Passed,
            "on the wire of eth0 match `icmp[icmptype] == icmp-echo and dst host 192.168.1.1`",
            "desktop",
            "packet = { interface = \"eth0\", filter = \"icmp[icmptype] == icmp-echo and dst host 192.168.1.1\", count = 5 }",
        ),
        // What was on the wire long ago counts no more.
        (
            "nothing-lately",
            Passed,
            "no packet on the wire of eno1",
            "host",
            "fails = true\nwithin = \"1s\"\npacket = { interface = \"eno1\", filter = \"icmp6 and ip6[40] == 133\", last = \"1ms\" }",
        ),
        (
            "none-since-then",
            Passed,
            "no packet on the wire of eth0",
            "desktop",
            "packet = { interface = \"eth0\", filter = \"tcp port 9\", since = \"check\", count = [0, 0] }",
        ),
    ]);
    judge(&cases);
}

#[test]
fn what_runs_and_what_is_counted_is_seen_right_and_wrong() {
    let mut rows = vec![
        (
            "says",
            Passed,
            "status 0; Linux",
            "desktop",
            "command = { run = [\"uname\", \"-s\"], stdout = \"Linux\" }",
        ),
        (
            "says-otherwise",
            Failed,
            "status 0; Linux",
            "desktop",
            "command = { run = [\"uname\", \"-s\"], stdout = \"Plan 9\" }",
        ),
        (
            "ends-badly",
            Passed,
            "status 3",
            "desktop",
            "command = { run = [\"sh\", \"-c\", \"exit 3\"], status = 3 }",
        ),
        (
            "networkd",
            Passed,
            "systemd-networkd runs as user ",
            "host",
            "process = { name = \"systemd-networkd\" }",
        ),
        (
            "networkd-of-another",
            Failed,
            "systemd-networkd runs as user ",
            "host",
            "process = { name = \"systemd-networkd\", user = \"nobody\" }",
        ),
        (
            "no-networkd",
            Failed,
            "systemd-networkd runs as user ",
            "host",
            "process = { name = \"systemd-networkd\", absent = true }",
        ),
        // It runs on another machine.
        (
            "no-dnsmasq",
            Passed,
            "no dnsmasq runs",
            "host",
            "process = { name = \"dnsmasq\", absent = true }",
        ),
    ];
    if Command::new("nft").arg("-v").output().is_ok() {
        rows.extend([
            (
                "rule",
                Passed,
                "status 0",
                "router",
                "command = { run = [\"nft\", \"add table inet lab; add chain inet lab out { type filter hook output priority 0; }; add rule inet lab out ip daddr 192.168.1.20 counter accept\"] }",
            ),
            ("answers", Passed, "a reply", "desktop", "holds_for = \"1s\"\nping = { to = \"192.168.1.1\" }"),
            (
                "counted",
                Passed,
                "packets counted by `ip daddr 192.168.1.20 accept`",
                "router",
                "counter = { table = \"inet lab\", chain = \"out\", rule = \"192.168.1.20\" }",
            ),
            (
                "not-counted",
                Failed,
                "no ",
                "router",
                "counter = { table = \"inet lab\", chain = \"out\", rule = \"drop\" }",
            ),
            (
                "no-chain",
                Failed,
                "there is no chain out in table inet lab",
                "desktop",
                "counter = { table = \"inet lab\", chain = \"out\" }",
            ),
        ]);
    } else {
        eprintln!("counters are left out: there is no nft");
    }
    let mut cases = table(&rows);
    // It holds in every other second.
    cases.push(case(
        "flaps",
        Failed,
        "but no more at",
        "from = \"desktop\"\nholds_for = \"3s\"\ncommand = { run = [\"sh\", \"-c\", \"exit $(($(date +%s) % 2))\"] }",
    ));
    judge(&cases);
}
