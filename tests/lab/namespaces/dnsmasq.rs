//! What a router's dnsmasq says: names that fail, prefixes with their flags, and DHCP options. Seen on the wire and in
//! dnsmasq's own log.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::lab::{has, passed, read, run, written};
use support::set_up;

/// A name that fails in each variant as the variant says, and its check meets that. A query is given three seconds.
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

/// The evidence of a form, whose folder is named after the scenario or `SCENARIO-VARIANT`. The program names the folders in
/// the order in which the runs end, so the order says nothing about the form.
fn of<'f>(folders: &'f [PathBuf], form: &str) -> &'f Path {
    let named = |folder: &&PathBuf| {
        let name = folder.file_name().expect("a name").to_string_lossy();
        // The time and the process id follow the name.
        name.rsplitn(3, '-').nth(2) == Some(form)
    };
    folders.iter().find(named).expect("evidence of the form")
}

/// Milliseconds after which a check had an answer: one that `late` holds back comes later than that of a prompt server.
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

/// How tcpdump describes the advertisements on the desktop's link; `None` without tcpdump.
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
dhcp_options = { mtu = ["1400"], "121" = ["10.0.0.0/8", "192.168.1.9"] }

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
machines.router.dnsmasq.dhcp_options.router = []

[variants.with-router]
must_fail = ["classless"]
machines.router.dnsmasq.dhcp_options = { router = [], "121" = ["0.0.0.0/0", "192.168.1.1"] }
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

/// Several addresses for one name, and so many that an answer takes more than dnsmasq sends in a datagram (1232 bytes).
fn records() -> String {
    let v4: Vec<String> = (1..=80).map(|n| format!("\"10.0.0.{n}\"")).collect();
    let v6: Vec<String> = (1..=50).map(|n| format!("\"2001:db8:1::{n:x}\"")).collect();
    let (v4, v6) = (v4.join(", "), v6.join(", "));
    let mut text = format!(
        r#"
version = 1
summary = "names with several addresses"

[machines.router.dnsmasq.records]
"two.test" = ["192.0.2.1", "2001:db8::1", "192.0.2.2", "2001:db8::2"]
"many.test" = [{v4}, {v6}]
"#
    );
    let expect = [
        ("two", "A", "\"192.0.2.2\", \"192.0.2.1\"".to_owned()),
        ("two", "AAAA", "\"2001:db8::1\", \"2001:db8::2\"".to_owned()),
        ("many", "A", v4),
        ("many", "AAAA", v6),
    ];
    for (name, record, addresses) in expect {
        let id = format!("{name}-{}", record.to_lowercase());
        text += &format!(
            r#"
[[checks]]
id = "{id}"
from = "desktop"
within = "8s"
dns = {{ name = "{name}.test", record = "{record}", server = "192.168.1.1", expect = [{addresses}] }}
"#
        );
    }
    text + r#"
[variants.late]
machines.router.dnsmasq.faults = { "two.test" = "100ms", "many.test" = "100ms" }

[variants.fewer]
must_fail = ["two-a", "many-aaaa"]
machines.router.dnsmasq.records = { "two.test" = ["192.0.2.1", "2001:db8::1", "2001:db8::2"] }

[[variants.fewer.checks]]
id = "many-aaaa"
dns = { expect = ["2001:db8:1::1", "2001:db8:1::2"] }

[variants.no-tcp]
must_fail = ["many-a", "many-aaaa"]
machines.router.nftables = "no-tcp.nft"
"#
}

/// A name may have many addresses, as those of a pool of servers, or addresses of both families.
#[test]
fn a_name_has_all_of_its_addresses() {
    set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let folder = folder.path().join("records");
    fs::create_dir(&folder).expect("a folder");
    let no_tcp = "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter\n\
                  \t\ttcp dport 53 reject with tcp reset\n\t}\n}\n";
    fs::write(folder.join("no-tcp.nft"), no_tcp).expect("a ruleset");
    let folders = passed(&run(&written(&folder, &records()), &[]));
    if folders.is_empty() {
        return;
    }
    let report = read(of(&folders, "records-no-tcp"), "report.json");
    has(
        &report,
        &["the answer is too long for UDP, and over TCP it failed: Connection refused"],
    );
}

/// A host that is the LAN's router itself, on a bridge that its networkd makes, beside a router without IPv6.
const ON_A_BRIDGE: &str = r#"
version = 1
summary = "dnsmasq on a bridge of networkd's"

[machines.host]
networkd = "host"

[machines.host.dnsmasq]
interface = "br0"
records = { "here.test" = ["192.168.1.2"] }
ra = { prefix = "2001:db8::/64" }

[machines.router]
interfaces = [
  { name = "lan0", segment = "lan", addresses = ["192.168.1.1/24"] },
  { name = "wan0", segment = "wan", addresses = ["203.0.113.1/24"] },
]
dnsmasq.ra.enabled = false

[[checks]]
id = "here-v4"
from = "desktop"
dns = { name = "here.test", record = "A", server = "192.168.1.2", expect = ["192.168.1.2"] }

[[checks]]
id = "here-v6"
from = "desktop"
dns = { name = "here.test", record = "A", server = "2001:db8::a", expect = ["192.168.1.2"] }

[[checks]]
id = "advertised"
from = "desktop"
# When an advertisement has gone out before anybody listened, dnsmasq sends the next one up to 20 s later (radv.c, new_timeout).
within = "60s"
router_advert = { interface = "eth0", prefix = "2001:db8::/64" }

[[checks]]
id = "router"
from = "desktop"
dns = { name = "router.lan.test", record = "A", server = "192.168.1.1", expect = ["192.168.1.1"] }
"#;

#[test]
fn dnsmasq_waits_for_an_interface_that_networkd_makes() {
    set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let checks = support::lan_scenario(folder.path(), "");
    fs::write(&checks, ON_A_BRIDGE).expect("a scenario");
    let folders = passed(&run(&checks, &[]));
    if let Some(folder) = folders.first() {
        let log = read(folder, "machines/host/dnsmasq.log");
        has(
            &log,
            &["interface br0 does not currently exist", "RTR-ADVERT(br0)"],
        );
    }
}
