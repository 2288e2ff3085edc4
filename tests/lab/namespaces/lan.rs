//! The page's host on its LAN, without a guest: real namespaces, a real bridge, the real systemd-networkd; as root
//! and as an ordinary user.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use support::{bridgelab, is_root, lan_scenario, run_as_nobody, set_up, skip};

const CHECKS: &str = r#"
[[checks]]
id = "eno1-on-bridge"
from = "host"
bridge_port = { interface = "eno1", bridge = "br0" }

[[checks]]
id = "online"
from = "host"
wait_online = { interface = "br0" }

[[checks]]
id = "ra-seen"
from = "host"
router_advert = { interface = "eno1", prefix = "2001:db8::/64", rdnss = ["2001:db8::1"] }

[[checks]]
id = "ra-accepted"
from = "host"
ra_accepted = { interface = "br0", prefix = "2001:db8::/64" }

[[checks]]
id = "dns"
from = "host"
dns = { name = "www.internet.test", record = "AAAA", server = "192.168.1.1", expect = ["2001:db8:ffff::80"] }

[[checks]]
id = "http"
from = "host"
http = { to = "2001:db8:ffff::80", expect = "hello from the internet" }

[[checks]]
id = "ping-back"
from = "internet"
ping = { to = "192.168.1.2" }
"#;

/// Links of the namespace that the test itself runs in.
fn own_links() -> String {
    let output = Command::new("ip")
        .args(["-o", "link"])
        .output()
        .expect("ip runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn passes(output: &Output, evidence: &Path) {
    let verdict = String::from_utf8_lossy(&output.stdout);
    let progress = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(3) {
        skip(&verdict);
        return;
    }
    assert_eq!(output.status.code(), Some(0), "{verdict}\n{progress}");
    assert!(verdict.contains("passed (7 of 7 checks hold)"), "{verdict}");
    // The path of the evidence is the last line, and the folder has what a reader wants.
    let last = verdict.lines().last().expect("a last line");
    let folder = Path::new(last.trim().strip_prefix("evidence: ").expect("a path"));
    assert!(folder.starts_with(evidence), "{last}");
    for file in [
        "started",
        "passed",
        "report.json",
        "plan.txt",
        "machines/host/networkd.log",
        "machines/host/addresses.txt",
        "machines/router/dnsmasq.log",
        "captures/host-eno1.pcapng",
    ] {
        assert!(
            folder.join(file).is_file(),
            "{file} is missing in {}",
            folder.display()
        );
    }
    // networkctl itself was asked, through the machine's own bus.
    let told = fs::read_to_string(folder.join("machines/host/networkctl.txt")).expect("a file");
    for line in [
        "Network File: /run/systemd/network/10-lan-bridge.network",
        "State: routable (configured)",
    ] {
        assert!(told.contains(line), "no `{line}` in\n{told}");
    }
}

#[test]
fn the_page_s_host_works_and_our_own_namespace_is_left_alone() {
    set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let scenario = lan_scenario(folder.path(), CHECKS);
    let evidence = folder
        .path()
        .canonicalize()
        .expect("a path")
        .join("evidence");
    let before = own_links();
    let output = bridgelab(&["run"])
        .arg(&scenario)
        .arg("--evidence")
        .arg(&evidence)
        .env_remove("BRIDGELAB_SETUP")
        .output()
        .expect("the program under test starts");
    passes(&output, &evidence);
    assert_eq!(
        own_links(),
        before,
        "links of the caller's own namespace changed"
    );
}

/// A host with only `DHCP=ipv4`, and the router's dnsmasq. The range has one address, so the lease is known. In the variant it
/// is another address, so that a check that always holds would be found out.
const DHCP: &str = r#"
version = 1
summary = "a host with a lease"

[machines.host]
networkd = "host"

[machines.router.dnsmasq]
dhcp = ["192.168.1.100", "192.168.1.100"]

[[checks]]
id = "link"
from = "host"
networkctl = { interface = "eno1", setup = "configured", operational = "routable" }

[[checks]]
id = "dns"
from = "host"
networkctl = { interface = "eno1", dns = ["192.168.1.1"], online = "online" }

[[checks]]
id = "lease"
from = "host"
address = { interface = "eno1", address = "192.168.1.100/24" }

[[checks]]
id = "route"
from = "host"
route = { to = "0.0.0.0/0", via = "192.168.1.1", proto = "dhcp" }

[[checks]]
id = "beyond"
from = "host"
ping = { to = "203.0.113.80" }

[variants.other-range]
must_fail = ["lease"]
seen = { lease = "there is 192.168.1.150/24 on eno1" }

[variants.other-server]
must_fail = ["dns"]
seen = { dns = "DNS 192.168.1.9 9.9.9.9" }

[variants.other-server.machines.router.dnsmasq]
dhcp_options = { dns-server = ["192.168.1.9", "9.9.9.9"] }

[variants.other-range.machines.router.dnsmasq]
dhcp = ["192.168.1.150", "192.168.1.150"]
"#;

#[test]
fn a_host_gets_its_address_route_and_dns_server_by_dhcp() {
    set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let host = folder.path().join("host");
    fs::create_dir(&host).expect("a folder");
    let unit = "[Match]\nName=eno1\n\n[Network]\nDHCP=ipv4\nIPv6AcceptRA=no\n";
    fs::write(host.join("10-eno1.network"), unit).expect("a unit file");
    let scenario = folder.path().join("dhcp.toml");
    fs::write(&scenario, DHCP).expect("a scenario");
    let evidence = folder.path().join("evidence");
    let output = bridgelab(&["run", "--all-variants"])
        .arg(&scenario)
        .arg("--evidence")
        .arg(&evidence)
        .env_remove("BRIDGELAB_SETUP")
        .output()
        .expect("the program under test starts");
    let verdict = String::from_utf8_lossy(&output.stdout);
    if output.status.code() == Some(3) {
        return skip(&verdict);
    }
    assert_eq!(output.status.code(), Some(0), "{verdict}");
    let folders: Vec<&str> = verdict
        .lines()
        .filter_map(|line| line.trim().strip_prefix("evidence: "))
        .collect();
    assert_eq!(folders.len(), 3, "{verdict}");
    // Verdicts come as the runs end, in an order that nobody knows.
    let of = |form: &str| {
        let of_form = |folder: &&str| {
            let name = Path::new(folder).file_name().and_then(|name| name.to_str());
            let rest = name.and_then(|name| name.strip_prefix(form));
            rest.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
        };
        let mut found = folders.iter().copied().filter(of_form);
        match (found.next(), found.next()) {
            (Some(folder), None) => folder,
            _ => panic!("not one folder of `{form}` in {verdict}"),
        }
    };
    for (form, address) in [
        ("dhcp-", "192.168.1.100"),
        ("dhcp-other-range-", "192.168.1.150"),
    ] {
        let folder = of(form);
        let read = |file| fs::read_to_string(Path::new(folder).join(file)).expect("a file");
        let log = read("machines/router/dnsmasq.log");
        assert!(log.contains(&format!("DHCPACK(lan0) {address} ")), "{log}");
        let told = read("machines/host/networkctl.txt");
        let eno1 = told.split("● ").find(|link| link.contains(": eno1"));
        let eno1 = eno1.expect("networkctl knows the link");
        for line in [
            format!("Address: {address} (DHCP4 via 192.168.1.1)"),
            "DNS: 192.168.1.1".to_owned(),
        ] {
            assert!(eno1.contains(&line), "no `{line}` in\n{told}");
        }
    }
}

/// An ordinary user's own run is the test above, so this one becomes `nobody`.
#[test]
fn the_same_works_for_an_ordinary_user() {
    set_up();
    if !is_root() {
        return skip("only root can become another user; this user's own run is the other test");
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    let scenario = lan_scenario(folder.path(), CHECKS);
    let output = run_as_nobody(folder.path(), &scenario);
    let evidence = folder
        .path()
        .canonicalize()
        .expect("a path")
        .join("evidence");
    passes(&output, &evidence);
}
