//! Checks of something that does not exist: they soon end without a verdict, unless somebody is to make it.

use super::*;

/// Milliseconds within which such a check ends, though it would have two minutes.
const SOON: u64 = 20_000;

/// Milliseconds for which something is waited for here that is still to come.
const WITHIN: u64 = 3_000;

#[test]
fn what_nobody_makes_is_soon_no_verdict() {
    let rows: [(&str, &str, &str, &str); 12] = [
        (
            "sysctl",
            "there is no net.ipv4.ip_forwad: ",
            "desktop",
            "sysctl = { key = \"net.ipv4.ip_forwad\", value = \"0\" }",
        ),
        (
            "sysctl-of-a-link",
            "there is no net.ipv4.conf.eth9.forwarding: ",
            "desktop",
            "sysctl = { key = \"net.ipv4.conf.eth9.forwarding\", value = \"0\" }",
        ),
        (
            "sysctl-never",
            "there is no net.ipv4.ip_forwad: ",
            "desktop",
            "fails = true\nsysctl = { key = \"net.ipv4.ip_forwad\", value = \"0\" }",
        ),
        (
            "address",
            "there is no eth9, so",
            "test1",
            "address = { interface = \"eth9\", address = \"192.168.1.99/24\", state = \"absent\" }",
        ),
        (
            "route",
            "there is no eth9, so",
            "test1",
            "route = { to = \"10.0.0.0/8\", dev = \"eth9\", absent = true }",
        ),
        (
            "neighbour",
            "there is no eth9, so",
            "test1",
            "neighbour = { address = \"192.168.1.99\", interface = \"eth9\", absent = true }",
        ),
        (
            "fdb",
            "there is no br9, so",
            "test1",
            "fdb = { mac = \"02:00:00:00:00:99\", bridge = \"br9\", absent = true }",
        ),
        (
            "mdb",
            "there is no eth9, so",
            "test1",
            "mdb = { group = \"239.1.2.3\", interface = \"eth9\", absent = true }",
        ),
        (
            "bridge-vlan",
            "there is no eth9, so",
            "test1",
            "bridge_vlan = { interface = \"eth9\", vlan = 9, absent = true }",
        ),
        (
            "command",
            "No such file or directory",
            "desktop",
            "command = { run = [\"/usr/bin/there-is-no-such-program\"] }",
        ),
        (
            "command-of-a-shell",
            "not found",
            "desktop",
            "command = { run = [\"sh\", \"-c\", \"there-is-no-such-program\"] }",
        ),
        (
            "process-of-nobody",
            "there is no user no-such-user",
            "desktop",
            "process = { name = \"sh\", user = \"no-such-user\" }",
        ),
    ];
    // A check that wants something on a link, or of a daemon, takes all its time and then fails where that does not exist.
    let other: [(&str, &str, &str, &str); 4] = [
        (
            "address-there",
            "192.168.1.99/24 is missing",
            "test1",
            "address = { interface = \"eth9\", address = \"192.168.1.99/24\" }",
        ),
        (
            "link-there",
            "there is no eth9",
            "test1",
            "link = { interface = \"eth9\", operstate = \"up\" }",
        ),
        (
            "networkctl",
            "eth9 is unknown (unknown)",
            "test1",
            "networkctl = { interface = \"eth9\", setup = \"configured\" }",
        ),
        (
            "bridge-port",
            "there is no eth9",
            "test1",
            "bridge_port = { interface = \"eth9\", bridge = \"br0\" }",
        ),
    ];
    let soon = rows.map(|(id, words, from, kind)| {
        case(
            id,
            NotRun,
            words,
            format!("from = \"{from}\"\n{kind}").leak(),
        )
    });
    let other = other.map(|(id, words, from, kind)| (id, Failed, words, from, kind));
    let cases: Vec<_> = soon.into_iter().chain(table(&other)).collect();
    // The names of a machine's links are known before the run; in a guest a check may name any link.
    let guest = "[guests.test1]\nunits = \"guest\"\n\
        interfaces = [{ type = \"tap\", id = \"vm-test1\", mac = \"02:00:00:00:00:01\" }]\n\n";
    let folder = tempfile::tempdir().expect("a temporary directory");
    let units = folder.path().join("guest");
    std::fs::create_dir(&units).expect("a folder");
    let unit = "scenarios/simple-network/guest/20-lan.network";
    std::fs::copy(support::root().join(unit), units.join("20-lan.network")).expect("a copy");
    let Some(checks) = judge_among(guest, folder.path(), &cases) else {
        return;
    };
    for check in checks.iter().filter(|check| check.outcome == NotRun) {
        assert!(check.ms < SOON, "{}: {} ms", check.id, check.ms);
    }
}

/// A link from a unit file appears when networkd has made it. A link that a file names and networkd never makes is waited for
/// as long.
#[test]
fn what_somebody_makes_is_waited_for() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let host = folder.path().join("host");
    std::fs::create_dir(&host).expect("a folder");
    // By its condition, the bridge would be made only on another host, so it never appears here.
    let never = "[Match]\nHost=somebody-else\n[NetDev]\nName=br7\nKind=bridge\n";
    std::fs::write(host.join("70-never.netdev"), never).expect("a unit");
    let cases = [
        case(
            "comes",
            Passed,
            "there is no 192.0.2.9/24",
            "from = \"host\"\nwithin = \"30s\"\naddress = { interface = \"br0\", address = \"192.0.2.9/24\", state = \"absent\" }",
        ),
        case(
            "never-comes",
            NotRun,
            "there is no br7, so",
            "from = \"host\"\nwithin = \"3s\"\naddress = { interface = \"br7\", address = \"192.0.2.9/24\", state = \"absent\" }",
        ),
    ];
    let Some(checks) = judge_among("", folder.path(), &cases) else {
        return;
    };
    let never = checks.iter().find(|check| check.id == "never-comes");
    let never = never.expect("it was looked for");
    assert!(never.ms >= WITHIN, "{} ms", never.ms);
}
