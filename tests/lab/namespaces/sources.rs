//! Checks that are sent from one of a vantage's two addresses, to a machine that answers only one of them: from a machine and
//! from a ghost, as root or not.

use std::fs;

use crate::looks::{judge_among, table};
use bridgelab_harness::report::CheckOutcome::{self, Failed, Passed};

/// The peer answers the second addresses; the kernel would choose the first ones.
const MACHINES: &str = r#"
[machines.desk]
interfaces = [
  { name = "eth0", segment = "lan", addresses = ["192.168.1.30/24", "192.168.1.31/24", "2001:db8::31/64"] },
]

[machines.peer]
interfaces = [{ name = "eth0", segment = "lan", addresses = ["192.168.1.50/24", "2001:db8::50/64"] }]
nftables = "second-only.nft"
http = { body = "the peer" }
dnsmasq = { interface = "eth0", records = { "www.peer.test" = ["192.168.1.50"] } }

[guests.test1]
units = "guest"
interfaces = [{ type = "tap", id = "vm-test1", mac = "02:00:00:00:00:01" }]

"#;

const SECOND_ONLY: &str = "
table inet sources {
  chain input {
    type filter hook input priority filter; policy accept;
    meta l4proto { icmp, tcp, udp } ip saddr { 192.168.1.31, 192.168.1.4 } counter accept
    meta l4proto { icmp, tcp, udp } ip saddr { 192.168.1.30, 192.168.1.3 } counter drop
  }
}
";

const GUEST: &str = "[Match]\nType=ether\n\n[Network]\nAddress=192.168.1.3/24\nAddress=192.168.1.4/24\n\
                     IPv6AcceptRA=no\n";

#[test]
fn the_peer_answers_the_address_that_a_check_is_sent_from() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let folder = folder.path();
    fs::write(folder.join("second-only.nft"), SECOND_ONLY).expect("a ruleset");
    fs::create_dir(folder.join("guest")).expect("a folder");
    fs::write(folder.join("guest/10-lan.network"), GUEST).expect("a unit file");

    let dns = "dns = { name = \"www.peer.test\", record = \"A\", server = \"192.168.1.50\", expect = [\"192.168.1.50\"]";
    let kinds = [
        ("ping", "ping = { to = \"192.168.1.50\""),
        ("tcp", "tcp = { to = \"192.168.1.50\", port = 80"),
        (
            "sent",
            "tcp = { to = \"192.168.1.50\", port = 80, bytes = 300000",
        ),
        (
            "http",
            "http = { to = \"192.168.1.50\", expect = \"the peer\"",
        ),
        ("got", "http = { to = \"192.168.1.50\", bytes = 300000"),
        ("dns", dns),
    ];
    let mut rows = Vec::new();
    for (from, second) in [("desk", "192.168.1.31"), ("test1", "192.168.1.4")] {
        for (name, kind) in kinds {
            let mut row = |what: &str, outcome, words: &'static str, source: &str| {
                let id: &str = format!("{from}-{name}-{what}").leak();
                let text: &str = format!("{kind}{source} }}").leak();
                rows.push((id, outcome, words, from, text));
            };
            let from_there = format!(", source = \"{second}\"");
            row("second", Passed, "", &from_there);
            row("kernel-s", Failed, unanswered(name), "");
            row("foreign", Failed, FOREIGN, ", source = \"192.168.1.99\"");
        }
    }
    let others: [(_, CheckOutcome, _, _, _); 5] = [
        (
            "v6",
            Passed,
            "2001:db8::50 accepts on port 80 from 2001:db8::31",
            "desk",
            "tcp = { to = \"2001:db8::50\", port = 80, source = \"2001:db8::31\" }",
        ),
        (
            "v6-foreign",
            Failed,
            "no connection to 2001:db8::50 port 80 from 2001:db8::32: Cannot assign requested address",
            "desk",
            "tcp = { to = \"2001:db8::50\", port = 80, source = \"2001:db8::32\" }",
        ),
        // The address cannot be sent from, so nothing was asked and the silence does not count.
        (
            "no-silence",
            Failed,
            FOREIGN,
            "desk",
            "dns = { name = \"www.peer.test\", record = \"A\", server = \"192.168.1.50\", source = \"192.168.1.99\", rcode = \"none\" }",
        ),
        // The peer saw packets from this address.
        (
            "second-seen",
            Passed,
            "",
            "peer",
            "counter = { table = \"inet sources\", chain = \"input\", rule = \"192.168.1.31\", packets = 12 }",
        ),
        (
            "foreign-never-seen",
            Passed,
            "no packet on the wire of eth0",
            "peer",
            "packet = { interface = \"eth0\", filter = \"ip src host 192.168.1.99\", count = [0, 0] }",
        ),
    ];
    rows.extend(others);
    judge_among(MACHINES, folder, &table(&rows));
}

const FOREIGN: &str = "it has no usable 192.168.1.99, compare `ip addr`";

/// What a check sees if its peer does not answer.
fn unanswered(name: &str) -> &'static str {
    match name {
        "ping" => "no reply from 192.168.1.50",
        "dns" => "192.168.1.50 did not answer within 3s",
        _ => "no connection to 192.168.1.50 port 80 within 3s",
    }
}
