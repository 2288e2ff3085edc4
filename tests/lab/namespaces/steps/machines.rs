//! Links, bridges, daemons and frames of machines.

use std::fs;

use super::{passes, run, run_file, step};
use support::{bridgelab, lan_scenario, ran};

/// Links, sysctls and commands on a machine.
#[test]
fn a_link_goes_down_and_comes_up_again() {
    let Some(run) = run(r#"
[[checks]]
id = "before"
from = "host"
ping = { to = "192.168.1.1" }

[[steps]]
id = "down"
link_down = { on = "host", interface = "eno1" }

[[checks]]
id = "cut-off"
after = "down"
from = "host"
within = "1s"
fails = true
ping = { to = "192.168.1.1" }

[[steps]]
id = "up"
link_up = { on = "host", interface = "eno1" }

[[checks]]
id = "back"
after = "up"
from = "host"
ping = { to = "192.168.1.1" }

[[steps]]
id = "no-forward"
sysctl = { on = "router", key = "net.ipv4.ip_forward", value = "0" }

[[steps]]
id = "as-it-says"
run = { on = "router", command = ["grep", "-x", "0", "/proc/sys/net/ipv4/ip_forward"] }

[[checks]]
id = "no-internet"
after = "as-it-says"
from = "host"
within = "2s"
fails = true
ping = { to = "203.0.113.80" }
"#)
    else {
        return;
    };
    passes(&run);
    assert_eq!(step(&run, "down").command, "ip -n host link set eno1 down");
    assert_eq!(step(&run, "as-it-says").said, "0");
}

/// Without networkd, the bridge is only what the step makes of it.
#[test]
fn a_bridge_is_made_by_hand() {
    let Some(run) = run(r#"
[[steps]]
id = "bare"
run = { on = "router", command = ["ip", "addr", "flush", "dev", "lan0"] }

[[checks]]
id = "gone"
after = "bare"
from = "desktop"
within = "1s"
fails = true
ping = { to = "192.168.1.1" }

[[steps]]
id = "bridge"
add_bridge = { on = "router", name = "br-lan", mac = "02:00:00:00:00:0b", addresses = ["192.168.1.1/24"], ports = ["lan0"] }

[[checks]]
id = "port"
after = "bridge"
from = "router"
bridge_port = { interface = "lan0", bridge = "br-lan" }

[[checks]]
id = "back"
after = "bridge"
from = "desktop"
ping = { to = "192.168.1.1" }
"#)
    else {
        return;
    };
    passes(&run);
}

/// A daemon is stopped, is asked, and is started again on the files that are there then.
#[test]
fn daemons_stop_and_start_again() {
    let Some(run) = run(r#"
[[checks]]
id = "dns"
from = "host"
dns = { name = "www.internet.test", record = "A", server = "192.168.1.1", expect = ["203.0.113.80"] }

[[steps]]
id = "no-dnsmasq"
stop_daemon = { on = "router", daemon = "dnsmasq" }

[[checks]]
id = "no-dns"
after = "no-dnsmasq"
from = "host"
within = "1s"
fails = true
dns = { name = "www.internet.test", record = "A", server = "192.168.1.1", expect = ["203.0.113.80"] }

[[steps]]
id = "dnsmasq"
start_daemon = { on = "router", daemon = "dnsmasq" }

[[steps]]
id = "dnsmasq-reload"
reload = { on = "router", daemon = "dnsmasq" }

[[checks]]
id = "dns-again"
after = "dnsmasq-reload"
from = "host"
dns = { name = "www.internet.test", record = "A", server = "192.168.1.1", expect = ["203.0.113.80"] }

[[steps]]
id = "no-http"
stop_daemon = { on = "internet", daemon = "http" }

[[checks]]
id = "refused"
after = "no-http"
from = "host"
within = "1s"
fails = true
tcp = { to = "203.0.113.80", port = 80 }

[[steps]]
id = "http"
start_daemon = { on = "internet", daemon = "http" }

[[checks]]
id = "http-again"
after = "http"
from = "host"
http = { to = "203.0.113.80", expect = "hello" }
"#)
    else {
        return;
    };
    passes(&run);
}

/// A machine that hears an announcement corrects its neighbour entry: first to the wrong address, and after a flush back to
/// the right one.
#[test]
fn an_announcement_moves_an_address() {
    let Some(run) = run(r#"
[[steps]]
id = "know-desktop"
wait_for = { from = "host", ping = { to = "192.168.1.20" } }

[[steps]]
id = "lie"
send = { on = "router", interface = "lan0", announce = "192.168.1.20", mac = "02:00:00:00:00:66" }

[[steps]]
id = "believed"
run = { on = "host", command = ["sh", "-c", "ip neigh show 192.168.1.20 | grep 02:00:00:00:00:66"] }

[[steps]]
id = "forget"
flush = { on = "host", neighbours = true, interface = "br0" }

[[steps]]
id = "forget-ports"
flush = { on = "host", fdb = "br0" }

[[checks]]
id = "asked-again"
after = "forget-ports"
from = "host"
ping = { to = "192.168.1.20" }

[[steps]]
id = "bytes"
send = { on = "desktop", interface = "eth0", count = 3, hex = "ffffffffffff 020000000077 88b5 00000000" }

[[steps]]
id = "learned"
run = { on = "host", command = ["sh", "-c", "bridge fdb show br br0 | grep 02:00:00:00:00:77"] }
"#)
    else {
        return;
    };
    passes(&run);
    assert_eq!(step(&run, "lie").said, "42 bytes");
}

/// The kernel takes the outer tag out of a received frame and passes it beside the frame; the inner tag stays. The frame is an
/// echo request without a checksum of its IPv4 header, so that nobody answers it.
#[test]
fn tags_are_in_the_captures_of_all_who_hear_them() {
    const ECHO: &str = "0800 4500001c0001000040010000 c0a80114c0a80101 0800f7ff00000000";
    let checks = [("eth0", "desktop"), ("eno1", "host"), ("lan0", "router")].map(|(link, from)| {
        let check = |id: &str, step: &str, count: u32, filter: &str| {
            format!(
                "[[checks]]\nid = \"{from}-{id}\"\nafter = \"{step}\"\nduring = \"{step}\"\nfrom = \"{from}\"\n\
                 packet = {{ interface = \"{link}\", filter = \"{filter}\", count = [{count}, {count}] }}\n\n"
            )
        };
        [
            check("q", "q", 2, "vlan 100 and icmp and src host 192.168.1.20"),
            check("q-bytes", "q", 2, "ether[12:4] == 0x81006064 and ether[16:2] == 0x0800"),
            check("q-not-without", "q", 0, "icmp and dst host 192.168.1.1"),
            check("q-not-another", "q", 0, "vlan 101"),
            check("q-long", "q", 2, "ether[12:2] == 0x8100 and len == 46"),
            check("ad", "ad", 1, "ether[12:4] == 0x88a800c8 and ether[16:4] == 0x81000064"),
            check("ad-both", "ad", 1, "vlan 200 and vlan 100 and icmp and len == 50"),
        ]
        .concat()
    });
    let Some(run) = run(&format!(
        r#"
[[steps]]
id = "up"
wait_for = {{ from = "host", ping = {{ to = "192.168.1.20" }} }}

[[steps]]
id = "q"
send = {{ on = "desktop", interface = "eth0", count = 2, hex = "ffffffffffff 020000000020 81006064 {ECHO}" }}

[[steps]]
id = "ad"
send = {{ on = "desktop", interface = "eth0", hex = "ffffffffffff 020000000020 88a800c8 81000064 {ECHO}" }}

{}"#,
        checks.concat()
    )) else {
        return;
    };
    passes(&run);
}

/// A veth passes segments of a TCP stream that are larger than the MTU while the sender makes them. The loopback interface has
/// no switch for checksums.
#[test]
fn offloads_are_switched_and_show_on_the_wire() {
    let Some(run) = run(r#"
[[checks]]
id = "stream"
from = "desktop"
http = { to = "203.0.113.80", bytes = 300000 }

[[checks]]
id = "large"
from = "desktop"
packet = { interface = "eth0", filter = "tcp src port 80 and greater 1600" }

[[steps]]
id = "cut"
offload = { on = "internet", interface = "eth0", checksum = false, segmentation = false }

[[checks]]
id = "stream-cut"
after = "cut"
from = "desktop"
http = { to = "203.0.113.80", bytes = 300000 }

[[checks]]
id = "none-large"
after = "cut"
from = "desktop"
within = "1s"
fails = true
packet = { interface = "eth0", filter = "tcp src port 80 and greater 1600" }

[[checks]]
id = "sums-made"
after = "cut"
from = "desktop"
packet = { interface = "eth0", filter = "tcp src port 80", says = "(correct)" }

[[steps]]
id = "no-switch"
refused = "Operation not supported"
offload = { on = "host", interface = "lo", checksum = false }
"#)
    else {
        return;
    };
    passes(&run);
    let cut = step(&run, "cut");
    assert_eq!(
        cut.command,
        "ip netns exec internet ethtool -K eth0 tx off tso off gso off"
    );
}

/// The switch silently loses frames of more than 1400 bytes. A handshake passes, and so does a small page, but a large
/// transfer hangs. Segmentation offload is off, since segments larger than the MTU would be cut only behind the switch.
#[test]
fn a_transfer_hangs_where_large_frames_are_lost() {
    let Some(run) = run(r#"
[segments.lan]
mtu = 1400

[[steps]]
id = "cut"
offload = { on = "desktop", interface = "eth0", segmentation = false }

[[checks]]
id = "small"
after = "cut"
from = "desktop"
http = { to = "203.0.113.80", expect = "hello" }

[[checks]]
id = "large"
after = "cut"
from = "desktop"
within = "1s"
fails = true
tcp = { to = "203.0.113.80", port = 80, bytes = 200000 }

[[steps]]
id = "narrow"
run = { on = "desktop", command = ["ip", "link", "set", "eth0", "mtu", "1400"] }

[[checks]]
id = "large-again"
after = "narrow"
from = "desktop"
tcp = { to = "203.0.113.80", port = 80, bytes = 200000 }
"#)
    else {
        return;
    };
    passes(&run);
    let by = |id: &str| run.checks.iter().find(|check| check.id == id).expect(id);
    let large = by("large");
    assert!(large.got.contains("bytes of 200000 in "), "{}", large.got);
    // The transfer was waited for, and then given up.
    assert!((10_000..20_000).contains(&large.ms), "{large:?}");
    assert_eq!(by("large-again").got, "all 200000 bytes");
}

/// A rule and a route that no unit file has, before networkd is started once more.
const RESTARTED: &str = r#"
[[checks]]
id = "ready"
from = "host"
address = { interface = "br0", address = "192.168.1.2/24" }

[[steps]]
id = "foreign"
run = { on = "host", command = ["sh", "-ec", """
    ip rule add from 10.9.9.0/24 lookup 77 pref 4000
    ip route add 10.8.0.0/16 via 192.168.1.1
"""] }

[[steps]]
id = "off"
stop_daemon = { on = "host", daemon = "networkd" }

[[checks]]
id = "left"
after = "off"
from = "host"
command = { run = ["ip", "rule", "list", "pref", "4000"], stdout = "10.9.9.0/24" }

[[steps]]
id = "on"
start_daemon = { on = "host", daemon = "networkd" }

[[checks]]
id = "address"
after = "on"
from = "host"
address = { interface = "br0", address = "192.168.1.2/24" }
"#;

/// networkd.conf(5), `ManageForeignRoutingPolicyRules=`: rules and routes that others have set are removed when networkd
/// configures a link. On a booted system it does so after it has read what exists, and so it does here.
#[test]
fn a_networkd_that_starts_again_removes_what_others_have_set_unless_it_is_told_otherwise() {
    let gone = r#"
[[checks]]
id = "rule-gone"
after = "on"
from = "host"
command = { run = ["sh", "-c", "test -z \"$(ip rule list pref 4000)\""] }

[[checks]]
id = "route-gone"
after = "on"
from = "host"
route = { to = "10.8.0.0/16", absent = true }
"#;
    let Some(cleaned) = run(&format!("{RESTARTED}{gone}")) else {
        return;
    };
    passes(&cleaned);
    let kept = r#"
[[checks]]
id = "rule-kept"
after = "on"
from = "host"
holds_for = "1s"
command = { run = ["ip", "rule", "list", "pref", "4000"], stdout = "10.9.9.0/24" }

[[checks]]
id = "route-gone"
after = "on"
from = "host"
route = { to = "10.8.0.0/16", absent = true }
"#;
    let folder = tempfile::tempdir().expect("a temporary directory");
    let scenario = lan_scenario(folder.path(), &format!("{RESTARTED}{kept}"));
    let host = folder.path().join("host");
    let write = |name: &str, text: &str| {
        let path = host.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    // The drop-in's value counts, and not the file's.
    write(
        "networkd.conf",
        "[Network]\nManageForeignRoutingPolicyRules=yes\n",
    );
    write(
        "networkd.conf.d/rules.conf",
        "[Network]\nManageForeignRoutingPolicyRules=no\n",
    );
    if let Some(told) = run_file(folder.path(), &scenario, &[]) {
        passes(&told);
    }
}

/// A server is meant to live until the end, so what a step leaves running is named, but is neither a leak nor a fault.
#[test]
fn what_a_step_leaves_running_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = lan_scenario(
        folder.path(),
        r#"
[[steps]]
id = "server"
run = { on = "router", command = ["sh", "-c", "sleep 98764 >/dev/null 2>&1 &"] }

[[steps]]
id = "with-a-child"
run = { on = "desktop", command = ["sh", "-c", "(sleep 98765; true) >/dev/null 2>&1 &"] }

[[steps]]
id = "for-a-while"
run = { on = "desktop", command = ["sh", "-c", "sleep 98766 & kill $!"] }
"#,
    );
    let evidence = folder.path().join("evidence");
    let mut command = bridgelab(&["run"]);
    command.arg(scenario).arg("--evidence").arg(&evidence);
    let Some((run, output)) = ran(&mut command, folder.path()) else {
        return;
    };
    passes(&run);
    assert_eq!(output.status.code(), Some(0));
    let left = run.left_running.iter();
    let left: Vec<_> = left.map(|one| (&*one.machine, &*one.command)).collect();
    let shell = "sh -c '(sleep 98765; true) >/dev/null 2>&1 &'";
    let expected = [
        ("desktop", shell),
        ("desktop", "sleep 98765"),
        ("router", "sleep 98764"),
    ];
    assert_eq!(left, expected);
    let verdict = String::from_utf8_lossy(&output.stdout);
    for one in &run.left_running {
        let (command, process, machine) = (&one.command, one.process, &one.machine);
        let line = format!("\n  left running: {command} (process {process}, {machine})\n");
        assert!(verdict.contains(&line), "no {line:?} in {verdict}");
    }
}
