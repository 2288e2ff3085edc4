//! Hosts that are made by `ip` and `bridge` instead of networkd. Every key is built in real namespaces and read back from the
//! kernel, as root and as an ordinary user.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::{Path, PathBuf};

use support::lab::{has, link, passed, read, run, written};
use support::{is_root, run_as_nobody, set_up, skip};

/// Two hosts on two LANs. `host` has a bridge of each kind. `host2` has one with the kernel's defaults, and a veth like a
/// routed TAP.
const HOSTS: &str = r#"
version = 1
summary = "two hosts made by ip and bridge"

[segments.backbone]
kind = "switch"
mtu = 9000
multicast_snooping = true

[machines.host]
interfaces = [
  { name = "eno1", segment = "lan", master = "br0" },
  { name = "eno2", segment = "backbone", mtu = 9000, master = "br1" },
]
routes = [
  { to = "0.0.0.0/0", via = "192.168.1.1" },
  { to = "10.9.0.0/16", dev = "br1", metric = 50 },
  { to = "172.16.0.0/12", via = "10.77.0.1", dev = "br1", onlink = true },
  { to = "fd77::/64", via = "fe80::1", dev = "br1" },
]
sysctls = { "net.ipv4.conf.br1.forwarding" = "1", "net.ipv6.conf.eno2.accept_ra" = "0" }

[machines.host.bridges.br0]
mac = "02:00:00:00:00:b0"
ageing_time = "10s"
addresses = ["192.168.1.2/24", "2001:db8::a/64"]

[machines.host.bridges.br1]
addresses = ["10.0.0.1/24"]
mtu = 9000
stp = true
priority = 4096
forward_delay = "2s"
hello_time = "1s"
max_age = "6s"
multicast_snooping = true
multicast_querier = true
ports = { eno2 = { isolated = true, hairpin = true, learning = false, cost = 7, priority = 9 } }

[machines.host2]
interfaces = [
  { name = "eno1", segment = "lan", master = "br0" },
  { name = "eno2", segment = "backbone", mtu = 9000, addresses = ["10.0.0.2/24"] },
]
sysctls = { "net.ipv6.conf.eno1.disable_ipv6" = "0" }

[machines.host2.bridges.br0]
addresses = ["192.168.1.7/24"]

[[checks]]
id = "lan-to-host"
from = "desktop"
ping = { to = "192.168.1.2" }

[[checks]]
id = "lan-to-host-v6"
from = "desktop"
ping = { to = "2001:db8::a" }

[[checks]]
id = "host-to-host"
from = "host2"
ping = { to = "192.168.1.2" }

[[checks]]
id = "backbone"
from = "host2"
ping = { to = "10.0.0.1" }

[[checks]]
id = "beyond"
from = "host"
ping = { to = "203.0.113.80" }

[[checks]]
id = "port"
from = "host"
bridge_port = { interface = "eno2", bridge = "br1" }
"#;

/// Compares the links with the scenario, in the words of `ip -d link`.
fn hosts_are_as_written(folder: &Path) {
    has(
        &link(folder, "host", "br0"),
        &[
            "link/ether 02:00:00:00:00:b0",
            "mtu 1500",
            "ageing_time 1000 ",
            "stp_state 0",
            "mcast_snooping 1",
        ],
    );
    has(
        &link(folder, "host", "br1"),
        &[
            "mtu 9000",
            "forward_delay 200 ",
            "hello_time 100 ",
            "max_age 600 ",
            "stp_state 1 ",
            "priority 4096 ",
            "mcast_snooping 1 ",
            "mcast_querier 1 ",
        ],
    );
    has(
        &link(folder, "host", "eno2"),
        &[
            "master br1",
            "state forwarding",
            "isolated on",
            "hairpin on",
            "learning off",
            "cost 7 ",
            "priority 9 ",
        ],
    );
    has(
        &link(folder, "host", "eno1"),
        &["master br0", "isolated off", "hairpin off"],
    );
    let switch = link(folder, "lab.fabric", "backbone");
    has(&switch, &["mtu 9000", "mcast_snooping 1 "]);
    has(
        &link(folder, "lab.fabric", "lan"),
        &["mtu 1500", "mcast_snooping 0 "],
    );

    let routes = read(folder, "machines/host/routes.txt");
    has(
        &routes,
        &[
            "default via 192.168.1.1 dev br0",
            "10.9.0.0/16 dev br1 proto static scope link metric 50",
            "172.16.0.0/12 via 10.77.0.1 dev br1 proto static onlink",
            "fd77::/64 via fe80::1 dev br1 proto static",
        ],
    );
    // A bridge's port has no IPv6 unless the scenario says so.
    let addresses = read(folder, "machines/host/addresses.txt");
    assert!(
        of_link(&addresses, "eno1").all(|line| !line.contains("inet6")),
        "{addresses}"
    );
    has(&addresses, &["inet6 2001:db8::a/64"]);
    let addresses = read(folder, "machines/host2/addresses.txt");
    assert!(
        of_link(&addresses, "eno1").any(|line| line.contains("inet6")),
        "{addresses}"
    );
    let sysctls = read(folder, "sysctls-set.txt");
    has(
        &sysctls,
        &[
            "host net.ipv4.conf.br1.forwarding = 1",
            "host net.ipv6.conf.eno2.accept_ra = 0",
            "host net.ipv6.conf.eno1.disable_ipv6 = 1",
            "host2 net.ipv6.conf.eno1.disable_ipv6 = 0",
        ],
    );
    // The host under test has the kernel's duplicate address detection; machines that stand for the world have none.
    assert!(
        !sysctls.contains("host net.ipv6.conf.all.accept_dad"),
        "{sysctls}"
    );
    has(&sysctls, &["desktop net.ipv6.conf.all.accept_dad = 0"]);
}

fn of_link<'t>(text: &'t str, name: &str) -> impl Iterator<Item = &'t str> {
    let title = format!(": {name}@");
    let lines = text.lines().skip_while(move |line| !line.contains(&title));
    let first = lines.clone().take(1);
    let rest = lines.skip(1);
    first.chain(rest.take_while(|line| line.starts_with(' ')))
}

#[test]
fn hosts_made_by_ip_and_bridge_are_as_written() {
    set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let output = run(&written(folder.path(), HOSTS), &[]);
    for folder in passed(&output) {
        hosts_are_as_written(&folder);
    }
}

#[test]
fn an_ordinary_user_makes_the_same_hosts() {
    set_up();
    if !is_root() {
        return skip("only root can become another user; this user's own run is the other test");
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    let scenario = written(folder.path(), HOSTS);
    let output = run_as_nobody(folder.path(), &scenario);
    for folder in passed(&output) {
        hosts_are_as_written(&folder);
    }
}

/// microvm.nix's page "A routed network setup", the host made by `ip`: no bridge, a route to each guest's TAP. `vm3` is a
/// guest on the bridge of another host.
const ROUTED: &str = r#"
version = 1
summary = "guests that are routed to, and one on a bridge"

[machines.router]
routes = [{ to = "10.0.0.0/24", via = "192.168.1.2" }, { to = "fec0::/64", via = "2001:db8::a" }]

[machines.host]
interfaces = [{ name = "eno1", segment = "lan", addresses = ["192.168.1.2/24", "2001:db8::a/64"] }]
routes = [{ to = "0.0.0.0/0", via = "192.168.1.1" }, { to = "::/0", via = "2001:db8::1" }]
forward = true

[machines.host2]
interfaces = [{ name = "eno1", segment = "lan", master = "br0" }]
bridges.br0 = { ports = { vm3 = { isolated = true } } }

[guests.vm1]
units = "vm1"

[[guests.vm1.interfaces]]
type = "tap"
id = "vm1"
mac = "02:00:00:00:00:01"
host_addresses = ["10.0.0.0/32", "fec0::/128"]
host_routes = [{ to = "10.0.0.1/32" }, { to = "fec0::1/128" }]

[guests.vm2]
units = "vm2"

[[guests.vm2.interfaces]]
type = "tap"
id = "vm2"
mac = "02:00:00:00:00:02"
host_mtu = 1400
host_addresses = ["10.0.0.0/32", "fec0::/128"]
host_routes = [{ to = "10.0.0.2/32" }, { to = "fec0::2/128" }]

[guests.vm3]
on = "host2"
units = "vm3"
interfaces = [{ type = "tap", id = "vm3", mac = "02:00:00:00:00:03", master = "br0" }]

[[checks]]
id = "guest-to-guest"
from = "vm1"
ping = { to = "10.0.0.2" }

[[checks]]
id = "guest-to-guest-v6"
from = "vm1"
ping = { to = "fec0::2" }

[[checks]]
id = "guest-to-lan"
from = "vm1"
ping = { to = "192.168.1.20" }

[[checks]]
id = "lan-to-guest-v6"
from = "desktop"
ping = { to = "fec0::1" }

[[checks]]
id = "configured"
from = "vm1"
networkctl = { interface = "vm1", setup = "configured" }

[[checks]]
id = "bridged"
from = "vm3"
ping = { to = "192.168.1.20" }

[[checks]]
id = "bridged-to-routed"
from = "vm3"
ping = { to = "10.0.0.1" }

[[checks]]
id = "port"
from = "host2"
bridge_port = { interface = "vm3", bridge = "br0" }

[variants.no-host-route]
must_fail = ["guest-to-guest", "guest-to-lan", "bridged-to-routed"]

[[variants.no-host-route.guests.vm1.interfaces]]
type = "tap"
id = "vm1"
mac = "02:00:00:00:00:01"
host_addresses = ["10.0.0.0/32", "fec0::/128"]
host_routes = [{ to = "fec0::1/128" }]

[variants.tap-down]
must_fail = ["bridged", "bridged-to-routed", "port"]
guests.vm3.interfaces = [{ type = "tap", id = "vm3", mac = "02:00:00:00:00:03", master = "br0", up = false }]
"#;

/// The page's unit file for guest `index`.
fn routed_unit(index: u8) -> String {
    format!(
        "[Match]\nMACAddress=02:00:00:00:00:0{index}\n\n[Network]\nAddress=10.0.0.{index}/32\n\
         Address=fec0::{index}/128\nIPv6AcceptRA=no\n\n\
         [Route]\nDestination=0.0.0.0/0\nGateway=10.0.0.0\nGatewayOnLink=true\n\n\
         [Route]\nDestination=::/0\nGateway=fec0::\nGatewayOnLink=true\n"
    )
}

fn routed(folder: &Path) -> PathBuf {
    let bridged = "[Match]\nType=ether\n\n[Network]\nAddress=192.168.1.3/24\nGateway=192.168.1.1\n";
    for (name, unit) in [
        ("vm1", routed_unit(1)),
        ("vm2", routed_unit(2)),
        ("vm3", bridged.to_owned()),
    ] {
        let units = folder.join(name);
        fs::create_dir(&units).expect("a folder");
        fs::write(units.join("10-eth.network"), unit).expect("a unit file");
    }
    written(folder, ROUTED)
}

#[test]
fn guests_are_routed_to_without_a_bridge() {
    set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let output = run(&routed(folder.path()), &["--guests", "ghost"]);
    let folders = passed(&output);
    let Some(green) = folders.first() else { return };
    has(&link(green, "host", "vm2"), &["mtu 1400"]);
    has(&link(green, "host2", "vm3"), &["master br0", "isolated on"]);
    let routes = read(green, "machines/host/routes.txt");
    has(
        &routes,
        &[
            "10.0.0.1 dev vm1 proto static scope link",
            "fec0::1 dev vm1 proto static",
        ],
    );
}
