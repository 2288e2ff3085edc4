//! Rulesets of nftables and iptables on a host: NAT for an internal bridge, bridged frames that meet iptables, and files
//! that the tools refuse.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::{Path, PathBuf};

use support::lab::{has, passed, read, run, written};
use support::{set_up, skip};

/// microvm.nix's page "Advanced networking", the host made by `ip`: an internal bridge behind NAT.
const NAT: &str = r#"
version = 1
summary = "guests on an internal bridge, masqueraded by nftables"

[machines.host]
interfaces = [{ name = "eno1", segment = "lan", addresses = ["192.168.1.2/24", "2001:db8::a/64"] }]
bridges.microvm.addresses = ["10.0.0.1/24", "fd12:3456:789a::1/64"]
routes = [{ to = "0.0.0.0/0", via = "192.168.1.1" }, { to = "::/0", via = "2001:db8::1" }]
forward = true
nftables = "rules/nat.nft"

[guests.vm1]
units = "vm1"
interfaces = [{ type = "tap", id = "vm-1", mac = "02:00:00:00:00:01", master = "microvm" }]

[[checks]]
id = "to-host"
from = "vm1"
ping = { to = "10.0.0.1" }

[[checks]]
id = "to-lan"
from = "vm1"
ping = { to = "192.168.1.20" }

[[checks]]
id = "beyond"
from = "vm1"
http = { to = "203.0.113.80", expect = "hello from the internet" }

[[checks]]
id = "beyond-v6"
from = "vm1"
ping = { to = "2001:db8:ffff::80" }

[variants.other-interface]
must_fail = ["to-lan", "beyond", "beyond-v6"]
machines.host.nftables = "rules/other-interface.nft"

[variants.no-forwarding]
must_fail = ["to-lan", "beyond", "beyond-v6"]
machines.host.forward = false

[variants.iptables]
machines.host.nftables = "rules/empty.nft"
machines.host.iptables = "rules/nat.v4"
machines.host.ip6tables = "rules/nat.v6"
"#;

const NFT_NAT: &str = r#"
table inet nat {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    oifname "eno1" ip saddr 10.0.0.0/24 counter masquerade
    oifname "eno1" ip6 saddr fd12:3456:789a::/64 counter masquerade
  }
}
"#;

const IPTABLES_NAT: &str = "*nat\n-A POSTROUTING -s 10.0.0.0/24 -o eno1 -j MASQUERADE\nCOMMIT\n";

fn nat(folder: &Path) -> PathBuf {
    let folder = &folder.join("nat");
    fs::create_dir(folder).expect("a folder");
    let units = folder.join("vm1");
    fs::create_dir(&units).expect("a folder");
    let unit = "[Match]\nMACAddress=02:00:00:00:00:01\n\n[Network]\nAddress=10.0.0.2/24\n\
                Address=fd12:3456:789a::2/64\nGateway=10.0.0.1\nGateway=fd12:3456:789a::1\n";
    fs::write(units.join("10-eth.network"), unit).expect("a unit file");
    let rules = folder.join("rules");
    fs::create_dir(&rules).expect("a folder");
    for (name, text) in [
        ("nat.nft", NFT_NAT.to_owned()),
        ("other-interface.nft", NFT_NAT.replace("eno1", "eth0")),
        ("empty.nft", "flush ruleset\n".to_owned()),
        ("nat.v4", IPTABLES_NAT.to_owned()),
        (
            "nat.v6",
            IPTABLES_NAT.replace("10.0.0.0/24", "fd12:3456:789a::/64"),
        ),
    ] {
        fs::write(rules.join(name), text).expect("a ruleset");
    }
    written(folder, NAT)
}

/// Whether a rule of `firewall.txt` with these words has counted a packet.
fn counted(firewall: &str, rule: &str) -> bool {
    let lines = firewall.lines().filter(|line| line.contains(rule));
    let mut counts = lines.filter_map(|line| {
        let after = line.split_once("counter packets ").map(|(_, after)| after);
        // Read iptables-save -c too: `[packets:bytes] -A CHAIN ...`, and `:CHAIN POLICY [packets:bytes]`.
        let after = after.or_else(|| line.split_once('[').map(|(_, after)| after))?;
        let end = after.find(|c: char| !c.is_ascii_digit())?;
        after[..end].parse::<u64>().ok()
    });
    counts.any(|count| count > 0)
}

#[test]
fn an_internal_bridge_reaches_the_world_by_nat() {
    set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let output = run(&nat(folder.path()), &["--guests", "ghost"]);
    let folders = passed(&output);
    for (variant, rules, sees) in [
        ("nat-1", ["ip saddr 10.0.0.0/24", "ip6 saddr fd12"], true),
        (
            "other-interface",
            ["ip saddr 10.0.0.0/24", "ip6 saddr fd12"],
            false,
        ),
        (
            "iptables",
            ["-A POSTROUTING -s 10.0.0.0/24", "-A POSTROUTING -s fd12"],
            true,
        ),
    ] {
        let of_variant = |folder: &&PathBuf| folder.to_string_lossy().contains(variant);
        let found = folders.iter().find(of_variant);
        let Some(folder) = found else {
            assert!(
                folders.is_empty(),
                "no evidence of {variant} in {folders:?}"
            );
            return;
        };
        let firewall = read(folder, "machines/host/firewall.txt");
        for rule in rules {
            assert!(firewall.contains(rule), "no {rule} in\n{firewall}");
            assert_eq!(
                counted(&firewall, rule),
                sees,
                "{variant}: {rule}\n{firewall}"
            );
        }
        let loaded = if variant == "iptables" {
            "nat.v4"
        } else {
            "nat.nft"
        };
        if variant != "other-interface" {
            assert!(
                folder.join("machines/host").join(loaded).is_file(),
                "{loaded} is kept"
            );
        }
    }
}

#[test]
fn a_ruleset_that_its_tool_refuses_ends_the_run_with_the_tool_s_words() {
    set_up();
    for (key, name, text, said) in [
        (
            "nftables",
            "bad.nft",
            "table inet t {\n  chain c {\n    acept\n  }\n}\n",
            "bad.nft:3:",
        ),
        (
            "iptables",
            "bad.v4",
            "*filter\n-A INPUT -j NOWHERE\nCOMMIT\n",
            "bad.v4:",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a temporary directory");
        fs::write(folder.path().join(name), text).expect("a ruleset");
        let scenario = format!(
            "version = 1\nsummary = \"a bad ruleset\"\n\n[machines.host]\n{key} = \"{name}\"\n\n\
             [[checks]]\nid = \"up\"\nfrom = \"router\"\nping = {{ to = \"192.168.1.20\" }}\n"
        );
        let output = run(&written(folder.path(), &scenario), &[]);
        let verdict = String::from_utf8_lossy(&output.stdout);
        if output.status.code() == Some(3) {
            skip(&verdict);
            continue;
        }
        assert_eq!(output.status.code(), Some(4), "{verdict}");
        has(&verdict, &[said, "on machine `host`"]);
    }
}

/// What installing Docker did to guests on a bridge: bridged frames run through iptables, whose policy drops them.
const BRIDGED_FILTER: &str = r#"
version = 1
summary = "bridged frames and the policy of FORWARD"

[machines.host]
interfaces = [{ name = "eno1", segment = "lan", master = "br0" }]
bridges.br0 = {}
iptables = "drop.v4"

[guests.vm1]
units = "vm1"
interfaces = [{ type = "tap", id = "vm-1", mac = "02:00:00:00:00:01", master = "br0" }]

[[checks]]
id = "to-lan"
from = "vm1"
ping = { to = "192.168.1.20" }

[variants.br-netfilter]
must_fail = ["to-lan"]
seen = { to-lan = "no reply" }
machines.host.sysctls = { "net.bridge.bridge-nf-call-iptables" = "1" }
"#;

#[test]
fn bridged_frames_meet_iptables_only_by_br_netfilter() {
    set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let units = folder.path().join("vm1");
    fs::create_dir(&units).expect("a folder");
    let unit = "[Match]\nType=ether\n\n[Network]\nAddress=192.168.1.3/24\n";
    fs::write(units.join("10-eth.network"), unit).expect("a unit file");
    let drop = "*filter\n:FORWARD DROP [0:0]\nCOMMIT\n";
    fs::write(folder.path().join("drop.v4"), drop).expect("a ruleset");
    let scenario = written(folder.path(), BRIDGED_FILTER);
    let folders = passed(&run(&scenario, &["--guests", "ghost"]));
    for folder in folders {
        let filtered = folder.to_string_lossy().contains("br-netfilter");
        let firewall = read(&folder, "machines/host/firewall.txt");
        assert_eq!(counted(&firewall, ":FORWARD DROP"), filtered, "{firewall}");
    }
}

/// microvm.nix's page "Advanced networking" as it stands: networkd on the host is DHCP server and router of the internal
/// bridge. Its NAT, which NixOS makes of `networking.nat`, is a ruleset.
const ADVANCED: &str = r#"
version = 1
summary = "an internal bridge with networkd's DHCP server and router advertisements"

[machines.host]
networkd = "host"
forward = true
nftables = "nat.nft"

[guests.vm1]
units = "vm1"
interfaces = [{ type = "tap", id = "vm-1", mac = "02:00:00:00:00:01" }]

[[checks]]
id = "lease"
from = "vm1"
route = { to = "0.0.0.0/0", via = "10.0.0.1", proto = "dhcp" }

[[checks]]
id = "slaac"
from = "vm1"
ra_accepted = { prefix = "fd12:3456:789a::/64" }

[[checks]]
id = "beyond"
from = "vm1"
http = { to = "203.0.113.80", expect = "hello from the internet" }

[[checks]]
id = "beyond-v6"
from = "vm1"
ping = { to = "2001:db8:ffff::80" }

[variants.no-masquerade]
must_fail = ["beyond", "beyond-v6"]
machines.host.nftables = "empty.nft"

[variants.no-dhcp-server]
must_fail = ["lease", "beyond"]
machines.host.without_units = ["10-microvm.network"]

[[variants.no-dhcp-server.checks]]
id = "slaac"
fails = true

[[variants.no-dhcp-server.checks]]
id = "beyond-v6"
fails = true
"#;

const ADVANCED_HOST: [(&str, &str); 4] = [
    ("10-microvm.netdev", "[NetDev]\nKind=bridge\nName=microvm\n"),
    (
        "10-microvm.network",
        "[Match]\nName=microvm\n\n[Network]\nDHCPServer=yes\nIPv6SendRA=yes\n\
         Address=10.0.0.1/24\nAddress=fd12:3456:789a::1/64\n\n[IPv6Prefix]\nPrefix=fd12:3456:789a::/64\n",
    ),
    (
        "11-microvm.network",
        "[Match]\nName=vm-*\n\n[Network]\nBridge=microvm\n",
    ),
    (
        "12-eno1.network",
        "[Match]\nName=eno1\n\n[Network]\nAddress=192.168.1.2/24\nAddress=2001:db8::a/64\nGateway=192.168.1.1\n\
         Gateway=2001:db8::1\nIPv6AcceptRA=no\n",
    ),
];

#[test]
fn the_page_s_internal_bridge_works_with_networkd_as_dhcp_server() {
    set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let folder = folder.path();
    for (name, units) in [
        ("host", &ADVANCED_HOST[..]),
        (
            "vm1",
            &[(
                "20-lan.network",
                "[Match]\nType=ether\n\n[Network]\nDHCP=ipv4\nIPv6AcceptRA=yes\n",
            )][..],
        ),
    ] {
        fs::create_dir(folder.join(name)).expect("a folder");
        for (file, text) in units {
            fs::write(folder.join(name).join(file), text).expect("a unit file");
        }
    }
    fs::write(folder.join("nat.nft"), NFT_NAT).expect("a ruleset");
    fs::write(folder.join("empty.nft"), "flush ruleset\n").expect("a ruleset");
    passed(&run(&written(folder, ADVANCED), &["--guests", "ghost"]));
}
