//! Whole plans, as `bridgelab plan` prints them. The files in `snapshots/` were read line by line, and their `ip` lines were
//! run by hand. Needs no rights and no network.
#![expect(clippy::panic, reason = "helpers of tests fail as tests do")]
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::Path;

use bridgelab_harness::lab::show_plan;
use bridgelab_harness::plan::GuestKind;
use bridgelab_harness::scenario::load;

fn plan(path: &Path) -> String {
    support::turn::beside_others();
    let loaded = load(path).unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    let green = loaded.scenario(None).expect("the green form");
    let plan = show_plan(&green, GuestKind::Vm);
    assert_eq!(
        plan,
        show_plan(&green, GuestKind::Vm),
        "two plans of one scenario differ"
    );
    plan
}

#[test]
fn the_page_s_network() {
    let scenarios = support::root().join("scenarios");
    insta::assert_snapshot!("simple-network", plan(&scenarios.join("simple-network")));
}

#[test]
fn a_router_that_hands_out_addresses() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let host = folder.path().join("host");
    fs::create_dir(&host).expect("a folder");
    let unit = "[Match]\nName=eno1\n\n[Network]\nDHCP=ipv4\n";
    fs::write(host.join("10-eno1.network"), unit).expect("a unit file");
    let path = folder.path().join("dhcp.toml");
    let text = r#"
version = 1
summary = "a host with a lease"

[machines.host]
networkd = "host"

[machines.router.dnsmasq]
dhcp = ["192.168.1.100", "192.168.1.200"]

[[checks]]
id = "lease"
from = "host"
route = { to = "0.0.0.0/0", via = "192.168.1.1", proto = "dhcp" }
"#;
    fs::write(&path, text).expect("a scenario");
    insta::assert_snapshot!("dhcp", plan(&path));
}

#[test]
fn a_host_made_by_ip_and_bridge() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().join("by-ip.toml");
    let text = r#"
version = 1
summary = "a bridge with every option, and a routed TAP"
base = "none"

[segments.lan]
kind = "switch"
mtu = 9000

[machines.host]
interfaces = [{ name = "eno1", segment = "lan", master = "br0", mtu = 9000 }]
routes = [{ to = "0.0.0.0/0", via = "10.9.9.9", dev = "br0", onlink = true }]
sysctls = { "net.ipv6.conf.vm-a.accept_ra" = "0", "net.ipv4.conf.all.rp_filter" = "0" }

[machines.host.bridges.br0]
addresses = ["192.168.1.2/24"]
mac = "02:00:00:00:00:b0"
mtu = 9000
stp = true
priority = 4096
forward_delay = "2s"
hello_time = "1s"
max_age = "6s"
ageing_time = "10s"
multicast_snooping = true
multicast_querier = true
vlan_filtering = true
default_pvid = 7
group_fwd_mask = 0x4000
ports = { eno1 = { pvid = 10, vlans = [20], untagged = [30] }, vm-a = { isolated = true, hairpin = true, learning = false, cost = 7, priority = 9, group_fwd_mask = 0x4001 } }

[guests.a]
interfaces = [
  { type = "tap", id = "vm-a", mac = "02:00:00:00:00:01", master = "br0", owner = "root", multi_queue = true, vnet_hdr = false, host_mtu = 9000 },
  { type = "tap", id = "vm-b", mac = "02:00:00:00:00:02", up = false },
  { type = "tap", id = "vm-c", mac = "02:00:00:00:00:03", host_addresses = ["10.0.0.0/32"], host_routes = [{ to = "10.0.0.1/32" }] },
]

[[checks]]
id = "port"
from = "host"
bridge_port = { interface = "eno1", bridge = "br0" }
"#;
    fs::write(&path, text).expect("a scenario");
    let plan = plan(&path);
    let by_hand = plan.lines().filter(|line| !line.starts_with("qemu"));
    insta::assert_snapshot!("by-ip", by_hand.collect::<Vec<_>>().join("\n"));
}

#[test]
fn macvtaps_and_macvlans() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().join("macvtap.toml");
    let text = r#"
version = 1
summary = "a macvtap of each kind, and the host's own macvlan"
base = "none"

[segments.lan]
kind = "switch"

[machines.host]
interfaces = [
  { name = "eno1", segment = "lan" },
  { name = "eno2", segment = "lan" },
]
bridges.br0 = {}

[machines.host.macvlans]
mv-host = { link = "eno1", addresses = ["192.168.1.2/24"] }

[guests.a]
interfaces = [
  { type = "macvtap", id = "mv-a", mac = "02:00:00:00:00:01", macvtap = { link = "eno1", mode = "bridge" }, queues = 2 },
  { type = "macvtap", id = "mv-b", mac = "02:00:00:00:00:02", macvtap = { link = "br0", mode = "source", sources = ["02:00:00:00:00:0a", "02:00:00:00:00:0b"], allmulticast = false } },
  { type = "macvtap", id = "mv-c", mac = "02:00:00:00:00:03", macvtap = { link = "eno2", mode = "passthru" }, up = false, host_mtu = 1400 },
]

[[checks]]
id = "macvtap"
from = "host"
link = { interface = "mv-a", kind = "macvtap" }
"#;
    fs::write(&path, text).expect("a scenario");
    let loaded = load(&path).unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    let green = loaded.scenario(None).expect("the green form");
    let plan = plan(&path);
    let by_hand = plan.lines().filter(|line| !line.starts_with("qemu"));
    insta::assert_snapshot!("macvtap", by_hand.collect::<Vec<_>>().join("\n"));
    let ghosts = show_plan(&green, GuestKind::Ghost);
    let macvlans = ghosts.lines().filter(|line| line.contains("macvlan"));
    insta::assert_snapshot!("macvtap-ghosts", macvlans.collect::<Vec<_>>().join("\n"));
}
