//! Times of checks, and kinds that send something or look at what runs. Each is seen to hold and seen to fail, on a real LAN of
//! namespaces, as root or not, without a guest.

mod absent;
mod counters;

use std::process::Command;

use crate::looks::{case, judge, judge_among, table};
use bridgelab_harness::report::CheckOutcome::{Failed, NotRun, Passed};

#[test]
fn times_are_kept() {
    let cases = [
        case(
            "steady",
            Passed,
            "192.168.1.20/24 on eth0, from ",
            "from = \"desktop\"\nholds_for = \"700ms\"\naddress = { address = \"192.168.1.20/24\" }",
        ),
        // An address of networkd's is tentative for more than a second (RFC 4862); the desktop's was there before.
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
    // The address is missing or tentative at first, and usable at last.
    let seen = &by("late").seen;
    assert_eq!(seen.first().and_then(|seen| seen.holds), Some(false));
    assert_eq!(seen.last().and_then(|seen| seen.holds), Some(true));
    assert_eq!(
        by("never").expected,
        "never, for 1s: a reply from 192.168.1.99"
    );
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
            "broadcast",
            Failed,
            "no reply from 192.168.1.255: Permission denied",
            "desktop",
            "ping = { to = \"192.168.1.255\" }",
        ),
        (
            "connect-to-all",
            Failed,
            "no connection to 192.168.1.255 port 80: ",
            "desktop",
            "tcp = { to = \"192.168.1.255\", port = 80 }",
        ),
        (
            "page-of-all",
            Failed,
            "no connection to 192.168.1.255 port 80: ",
            "desktop",
            "http = { to = \"192.168.1.255\" }",
        ),
        (
            "names-of-all",
            Failed,
            "no address for www.internet.test: Permission denied",
            "desktop",
            "dns = { name = \"www.internet.test\", record = \"A\", server = \"192.168.1.255\", expect = [\"203.0.113.80\"] }",
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
            "sent",
            Passed,
            "all 3000000 bytes",
            "desktop",
            "tcp = { to = \"2001:db8:ffff::80\", port = 80, bytes = 3000000 }",
        ),
        (
            "sent-to-nobody",
            Failed,
            "no connection to 192.168.1.1 port 80",
            "desktop",
            "tcp = { to = \"192.168.1.1\", port = 80, bytes = 1000 }",
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
        // Frames from before the `last` so many seconds do not count any more.
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

/// Were these checks judged in the file's order, all but the last would be judged before there was anything to count.
#[test]
fn what_is_counted_is_judged_when_the_traffic_is_over() {
    let echoes = |rest: &str, to: &str, count: &str| -> &'static str {
        let filter = format!("icmp[icmptype] == icmp-echo and dst host {to}");
        let packet =
            format!("packet = {{ interface = \"eth0\", filter = \"{filter}\", count = {count} }}");
        format!("from = \"desktop\"\n{rest}{packet}").leak()
    };
    let matched = "on the wire of eth0 match";
    let cases = [
        case("none", Failed, matched, echoes("", "192.168.1.1", "[0, 0]")),
        case(
            "none-in-vain",
            Failed,
            matched,
            echoes("", "203.0.113.99", "[0, 0]"),
        ),
        case(
            "some-in-vain",
            Passed,
            matched,
            echoes("within = \"100ms\"\n", "203.0.113.99", "1"),
        ),
        case(
            "none-elsewhere",
            Passed,
            "no packet",
            echoes("", "192.168.1.77", "[0, 0]"),
        ),
        case(
            "since-a-ping",
            Failed,
            matched,
            echoes("during = \"ping-host\"\n", "192.168.1.2", "[0, 0]"),
        ),
        case(
            "since-that",
            Passed,
            "no packet",
            echoes("during = \"after-that\"\n", "192.168.1.2", "[0, 0]"),
        ),
        case(
            "after-that",
            Passed,
            "status 0",
            "from = \"desktop\"\nduring = \"ping-host\"\ncommand = { run = [\"true\"] }",
        ),
        case(
            "ping-host",
            Passed,
            "a reply",
            "from = \"desktop\"\nping = { to = \"192.168.1.2\" }",
        ),
        case(
            "late-pings",
            Passed,
            "status 0",
            "from = \"desktop\"\ncommand = { run = [\"sh\", \"-c\", \"sleep 1; ping -c 3 -i 0.2 192.168.1.1\"], stdout = \"3 received\" }",
        ),
        case(
            "ping-in-vain",
            Passed,
            "no reply",
            "from = \"desktop\"\nwithin = \"1s\"\nfails = true\nping = { to = \"203.0.113.99\" }",
        ),
    ];
    let Some(checks) = judge(&cases) else { return };
    let by = |id: &str| checks.iter().find(|check| check.id == id).expect(id);
    assert!(
        by("none").got.starts_with("3 packets"),
        "{}",
        by("none").got
    );
    // A count that is too large stays too large, so nobody waits half a minute for it.
    assert!(by("none").attempts == 1 && by("none").ms < 5_000);
    assert!(
        by("since-that")
            .expected
            .ends_with("when after-that is over")
    );
    let over = by("ping-in-vain").at_ms + by("ping-in-vain").ms.cast_signed();
    assert!(by("none").at_ms >= over);
}

/// There is only the lab's own traffic, so that a count at the first look says nothing.
#[test]
fn a_bound_without_any_traffic_of_checks_must_hold_for_a_while() {
    let cases = [case(
        "no-telnet",
        Passed,
        "no packet on the wire of eth0 match `tcp port 23`, from 0.",
        "from = \"desktop\"\npacket = { interface = \"eth0\", filter = \"tcp port 23\", count = [0, 0] }",
    )];
    let Some(checks) = judge(&cases) else { return };
    assert!(checks[0].ms >= 5_000 && checks[0].attempts > 5);
}

#[test]
fn what_cannot_be_looked_at_is_not_run_and_never_failed() {
    let rows = [
        (
            "no-program",
            NotRun,
            "no-such-program",
            "desktop",
            "command = { run = [\"no-such-program\"] }",
        ),
        (
            "no-user",
            NotRun,
            "nobody-of-that-name",
            "desktop",
            "process = { name = \"sh\", user = \"nobody-of-that-name\" }",
        ),
        (
            "no-traffic",
            NotRun,
            "no traffic of no-program: ",
            "desktop",
            "during = \"no-program\"\npacket = { interface = \"eth0\", filter = \"icmp\", count = [0, 0] }",
        ),
        (
            "nor-after-that",
            NotRun,
            "no traffic of no-traffic: no traffic of no-program: ",
            "desktop",
            "during = \"no-traffic\"\nping = { to = \"192.168.1.1\" }",
        ),
        (
            "not-even-that-it-never-holds",
            NotRun,
            "no-such-program",
            "desktop",
            "fails = true\ncommand = { run = [\"no-such-program\"] }",
        ),
        (
            "no-sysctl",
            NotRun,
            "there is no net.ipv6.conf.nosuchnic.mtu",
            "desktop",
            "sysctl = { key = \"net.ipv6.conf.nosuchnic.mtu\", value = \"1500\" }",
        ),
        (
            "a-wrong-one-beside",
            Failed,
            "status 1",
            "desktop",
            "command = { run = [\"false\"] }",
        ),
    ];
    judge(&table(&rows));
}
