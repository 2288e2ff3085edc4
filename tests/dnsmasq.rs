//! What a router's dnsmasq says: names that fail, prefixes with their flags, and DHCP options; looked at on the wire
//! and in dnsmasq's own log.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

#[expect(dead_code, reason = "every test binary uses its part")]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::lab::{has, passed, read, run, written};
use support::set_up;

/// The fault of the form is what the name's check meets. A query is given three seconds.
const NAMES: &str = r#"
version = 1
summary = "one name fails, another does not"

[[checks]]
id = "www"
from = "desktop"
within = "4s"
dns = { name = "www.internet.test", record = "A", server = "192.168.1.1", expect = ["203.0.113.80"] }

[[checks]]
id = "router"
from = "desktop"
dns = { name = "router.lan.test", record = "AAAA", server = "192.168.1.1", expect = ["2001:db8::1"] }

[variants.nxdomain]
must_fail = ["www"]
machines.router.dnsmasq.faults = { "www.internet.test" = "nxdomain" }

[variants.servfail]
must_fail = ["www"]
machines.router.dnsmasq.faults = { "www.internet.test" = "servfail" }

[variants.refused]
must_fail = ["www"]
machines.router.dnsmasq.faults = { "www.internet.test" = "refused" }

[variants.no-answer]
must_fail = ["www"]
machines.router.dnsmasq.faults = { "www.internet.test" = "no-answer" }

[variants.too-late]
must_fail = ["www"]
machines.router.dnsmasq.faults = { "www.internet.test" = "20s" }

[variants.late]
machines.router.dnsmasq.faults = { "www.internet.test" = "800ms", "router.lan.test" = "10ms" }
"#;

/// The folder of the form of that name: a scenario's, or that of one of its variants, `SCENARIO-VARIANT`. Which comes
/// first is no matter of the file: the program names them in the order in which their runs end.
fn of<'f>(folders: &'f [PathBuf], form: &str) -> &'f Path {
    let named = |folder: &&PathBuf| {
        let name = folder.file_name().expect("a name").to_string_lossy();
        // Followed by when it was and by whom.
        name.rsplitn(3, '-').nth(2) == Some(form)
    };
    folders.iter().find(named).expect("evidence of the form")
}

/// The times in the report's answers: what `late` held is not what a prompt server would have said.
fn answered_after(folder: &Path, check: &str) -> u64 {
    let report = read(folder, "report.json");
    let at = report
        .find(&format!("\"id\": \"{check}\""))
        .expect("the check");
    let after = report[at..].split_once("\"ms\": ").expect("its time").1;
    let end = after.find(|c: char| !c.is_ascii_digit());
    after[..end.expect("an end")].parse().expect("a number")
}

#[test]
fn a_name_fails_as_the_scenario_says() {
    set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let folder = folder.path().join("names");
    fs::create_dir(&folder).expect("a folder");
    let folders = passed(&run(&written(&folder, NAMES), &[]));
    if folders.is_empty() {
        return;
    }
    let log = |variant: &str| {
        read(
            of(&folders, &format!("names-{variant}")),
            "machines/router/dnsmasq.log",
        )
    };
    has(&log("nxdomain"), &["config www.internet.test is NXDOMAIN"]);
    let forwarded = "forwarded www.internet.test to 127.0.0.1#5300";
    has(&log("servfail"), &[forwarded, "reply error is SERVFAIL"]);
    has(&log("refused"), &["config error is REFUSED"]);
    for variant in ["no-answer", "too-late"] {
        let log = log(variant);
        has(&log, &[forwarded]);
        assert!(!log.contains("reply www.internet.test"), "{log}");
    }
    has(
        &log("late"),
        &[forwarded, "reply www.internet.test is 203.0.113.80"],
    );
    let late = answered_after(of(&folders, "names-late"), "www");
    assert!(late >= 800, "after {late} ms");
}

const ADVERTISED: &str = r#"
version = 1
summary = "two prefixes, flags, no DNS server"

[machines.router]
interfaces = [
  { name = "lan0", segment = "lan", addresses = ["192.168.1.1/24", "2001:db8::1/64", "fd00:1::1/64"] },
  { name = "wan0", segment = "wan", addresses = ["203.0.113.1/24", "2001:db8:ffff::1/64"] },
]

[machines.router.dnsmasq.ra]
prefixes = [{ prefix = "2001:db8::/64", valid_lifetime = "10m" }, { prefix = "fd00:1::/64", deprecated = true }]
rdnss = []
other = true

[[checks]]
id = "first"
from = "desktop"
within = "15s"
router_advert = { interface = "eth0", prefix = "2001:db8::/64", other = true }

[[checks]]
id = "second"
from = "desktop"
within = "15s"
router_advert = { interface = "eth0", prefix = "fd00:1::/64", other = true }

[variants.managed]
machines.router.dnsmasq.ra = { managed = true, prefixes = [
  { prefix = "2001:db8::/64", autonomous = false },
  { prefix = "fd00:1::/64", on_link = false },
] }

[[variants.managed.checks]]
id = "first"
router_advert = { managed = true, autonomous = false }

[[variants.managed.checks]]
id = "second"
router_advert = { managed = true }

[variants.none]
must_fail = ["first", "second"]
machines.router.dnsmasq.ra.enabled = false
"#;

/// What tcpdump makes of the advertisements on the desktop's link; `None` without tcpdump.
fn advertisements(folder: &Path) -> Option<String> {
    let output = Command::new("tcpdump")
        .args(["-vvnr"])
        .arg(folder.join("captures/desktop-eth0.pcapng"))
        .arg("icmp6 and ip6[40] == 134")
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[test]
fn prefixes_are_advertised_with_their_flags_and_lifetimes() {
    set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let folder = folder.path().join("advertised");
    fs::create_dir(&folder).expect("a folder");
    let folders = passed(&run(&written(&folder, ADVERTISED), &[]));
    if folders.is_empty() {
        return;
    }
    let Some(seen) = advertisements(of(&folders, "advertised")) else {
        return support::skip("there is no tcpdump");
    };
    has(
        &seen,
        &[
            "Flags [other stateful]",
            "2001:db8::/64, Flags [onlink, auto], valid time 600s, pref. time 600s",
            "fd00:1::/64, Flags [onlink, auto], valid time infinity, pref. time 0s",
        ],
    );
    assert!(!seen.contains("rdnss"), "{seen}");
    let seen = advertisements(of(&folders, "advertised-managed")).expect("tcpdump runs again");
    has(
        &seen,
        &[
            "Flags [managed, other stateful]",
            "2001:db8::/64, Flags [onlink], valid time 86400s",
            "fd00:1::/64, Flags [auto], valid time 86400s",
        ],
    );
    let seen = advertisements(of(&folders, "advertised-none")).expect("tcpdump runs again");
    assert_eq!(seen, "");
}

const LEASED: &str = r#"
version = 1
summary = "a host with a lease and its options"

[machines.host]
networkd = "host"

[machines.router.dnsmasq]
dhcp = ["192.168.1.100", "192.168.1.100"]
dhcp_options = { mtu = ["1400"], router = [], "121" = ["10.0.0.0/8", "192.168.1.9"] }

[[checks]]
id = "lease"
from = "host"
address = { interface = "eno1", address = "192.168.1.100/24" }

[[checks]]
id = "classless"
from = "host"
route = { to = "10.0.0.0/8", via = "192.168.1.9", proto = "dhcp" }

[[checks]]
id = "default"
from = "host"
within = "3s"
route = { to = "0.0.0.0/0", via = "192.168.1.1" }

[variants.no-router]
must_fail = ["default"]

[variants.with-router]
must_fail = ["classless"]
machines.router.dnsmasq.dhcp_options = { "121" = ["0.0.0.0/0", "192.168.1.1"] }
"#;

#[test]
fn a_lease_comes_with_the_scenario_s_options() {
    set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let folder = folder.path().join("leased");
    fs::create_dir_all(folder.join("host")).expect("a folder");
    let unit =
        "[Match]\nName=eno1\n\n[Network]\nDHCP=ipv4\nIPv6AcceptRA=no\n\n[DHCPv4]\nUseMTU=yes\n";
    fs::write(folder.join("host/10-eno1.network"), unit).expect("a unit file");
    for variant in ["no-router", "with-router"] {
        let scenario = written(&folder, LEASED);
        let evidence = folder.join("evidence");
        let output = support::bridgelab(&["run", "--variant", variant])
            .arg(&scenario)
            .arg("--evidence")
            .arg(&evidence)
            .env_remove("BRIDGELAB_SETUP")
            .output()
            .expect("the program under test starts");
        for folder in passed(&output) {
            let links = support::lab::link(&folder, "host", "eno1");
            has(&links, &["mtu 1400"]);
        }
    }
}
