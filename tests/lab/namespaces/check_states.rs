//! Kinds of checks that look at links, addresses, routes, neighbours and the tables of bridges. Each is seen to hold and seen
//! to fail, on a real LAN of namespaces, as root or not, without a guest.

use crate::looks::{judge, judge_among, table};
use bridgelab_harness::report::CheckOutcome::{Failed, NotRun, Passed};

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
            "holds_for = \"20s\"\nlink = { interface = \"eno1\", nomaster = true }",
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
            "no-nic",
            Failed,
            "there is eth0, a veth",
            "desktop",
            "link = { interface = \"eth0\", absent = true }",
        ),
        (
            "port-without-address",
            Passed,
            "there is no 0.0.0.0/0",
            "host",
            "address = { interface = \"eno1\", prefix = \"0.0.0.0/0\", state = \"absent\" }",
        ),
        (
            "nic-without-address",
            Failed,
            "192.168.1.20/24 on eth0",
            "desktop",
            "address = { interface = \"eth0\", prefix = \"192.168.1.0/24\", state = \"absent\" }",
        ),
        // Take the router's own address: only a machine that solicits an address before it takes it can notice.
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
            NotRun,
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

/// The host's networkd does not make two bridges that its files are about. Checks of what these lack have no verdict, also
/// where they must fail.
#[test]
fn what_is_not_there_lacks_nothing() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let host = folder.path().join("host");
    std::fs::create_dir(&host).expect("a folder");
    for name in ["vm-none", "br9"] {
        let netdev = format!("[Match]\nHost=elsewhere\n\n[NetDev]\nName={name}\nKind=bridge\n");
        std::fs::write(host.join(format!("90-{name}.netdev")), netdev).expect("a unit file");
    }
    let cases = table(&[
        (
            "address-of-nothing",
            NotRun,
            "there is no vm-none",
            "host",
            "address = { interface = \"vm-none\", prefix = \"0.0.0.0/0\", state = \"absent\" }",
        ),
        (
            "route-of-nothing",
            NotRun,
            "there is no vm-none",
            "host",
            "route = { to = \"10.0.0.0/8\", dev = \"vm-none\", absent = true }",
        ),
        (
            "neighbour-of-nothing",
            NotRun,
            "there is no vm-none",
            "host",
            "neighbour = { address = \"192.168.1.98\", interface = \"vm-none\", absent = true }",
        ),
        (
            "neighbour-of-nothing-red",
            NotRun,
            "there is no vm-none",
            "host",
            "fails = true\nneighbour = { address = \"192.168.1.98\", interface = \"vm-none\", absent = true }",
        ),
        (
            "fdb-of-nothing",
            NotRun,
            "there is no vm-none",
            "host",
            "fdb = { mac = \"02:00:00:00:00:21\", interface = \"vm-none\", absent = true }",
        ),
        (
            "fdb-of-no-bridge",
            NotRun,
            "there is no br9",
            "host",
            "fdb = { mac = \"02:00:00:00:00:21\", bridge = \"br9\", absent = true }",
        ),
        (
            "mdb-of-no-bridge",
            NotRun,
            "there is no br9",
            "host",
            "mdb = { group = \"239.9.9.9\", bridge = \"br9\", absent = true }",
        ),
        (
            "vlan-of-nothing",
            NotRun,
            "there is no vm-none",
            "host",
            "bridge_vlan = { interface = \"vm-none\", vlan = 20, absent = true }",
        ),
    ]);
    judge_among("", folder.path(), &cases);
}
