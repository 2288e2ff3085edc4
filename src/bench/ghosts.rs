//! A verdict with ghost guests: what is left of it when IPv6 has had its time.

use bridgelab_harness::report::RunReport;

use super::context::Context;
use super::lab_run::{LabRun, last_check, ms, stage};
use super::record::{BenchRecord, Target};
use super::rounds::{Sample, Stop};
use super::topology::write;

/// Its name.
pub(super) const NAME: &str = "ghosts";

const PAGE: &str = "simple-network";
const V4: &str = "without IPv6";

const AFTER: &str = "from there to the verdict";
const WHOLE: &str = "the whole command";

/// The page with ghosts, and a network like it without IPv6.
pub(super) async fn measure(context: &Context<'_>) -> Result<BenchRecord, Stop> {
    let v4 = context.scratch().join("v4/scenario.toml");
    for (name, text) in V4_FILES {
        write(&v4.with_file_name(name), text)?;
    }
    let v4 = v4.to_string_lossy().into_owned();
    let measured = context.rounds(&[PAGE, V4], async |name, _| {
        let scenario = if name == V4 { v4.as_str() } else { PAGE };
        let run = LabRun::of(context, &[scenario, "--guests", "ghost"]).await?;
        Ok(samples(&run, run.only()?))
    });
    let record = context.record(&measured.await?);
    Ok(record
        .target(AFTER, Target::AtMost(500.0))
        .note(
            "duplicate address detection (DAD, RFC 4862) with its random delays, and networkd's delay before its first \
             solicitation, are the floor of any IPv6 verdict; stand-ins skip theirs",
        )
        .note(format!("`{V4}` has no DAD; its whole command is to take at most 500 ms")))
}

fn samples(run: &LabRun, report: &RunReport) -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut add = |what: &str, value: f64| samples.push(Sample::ms(what, value));
    add("before the run", ms(run.before));
    let detected = stage(report, "dad").map(|(at, length)| at + length);
    if let Some(detected) = detected {
        add("to the end of the last DAD (the floor)", detected);
        if let Some(last) = last_check(report, |_| true) {
            add("from there to the last check", last - detected);
        }
        add(AFTER, report.ms as f64 - detected);
    }
    for name in ["topology", "checks", "evidence", "teardown"] {
        if let Some((_, length)) = stage(report, name) {
            add(&format!("stage {name}"), length);
        }
    }
    samples.push(run.whole(WHOLE));
    samples
}

/// The page's files without IPv6: networkd on both sides, and nothing to wait for.
const V4_FILES: [(&str, &str); 5] = [
    ("host/br0.netdev", "[NetDev]\nName=br0\nKind=bridge\n"),
    (
        "host/10-lan.network",
        "[Match]\nName=eno1\nName=vm-*\n\n[Network]\nBridge=br0\nLinkLocalAddressing=no\n",
    ),
    (
        "host/10-lan-bridge.network",
        "[Match]\nName=br0\n\n[Network]\nAddress=192.168.1.2/24\nGateway=192.168.1.1\nDNS=192.168.1.1\n\
         LinkLocalAddressing=no\nIPv6AcceptRA=no\n",
    ),
    (
        "guest/20-lan.network",
        "[Match]\nType=ether\n\n[Network]\nAddress=192.168.1.3/24\nGateway=192.168.1.1\nDNS=192.168.1.1\n\
         LinkLocalAddressing=no\nIPv6AcceptRA=no\n",
    ),
    (
        "scenario.toml",
        r#"version = 1
summary = "a guest on br0, without IPv6"

[machines.host]
networkd = "host"

[guests.test1]
units = "guest"
interfaces = [{ type = "tap", id = "vm-test1", mac = "02:00:00:00:00:01" }]

[[checks]]
id = "tap-on-bridge"
from = "host"
bridge_port = { interface = "vm-test1", bridge = "br0" }

[[checks]]
id = "guest-online"
from = "test1"
wait_online = { interface = "vm-test1" }

[[checks]]
id = "guest-dns"
from = "test1"
dns = { name = "www.internet.test", record = "A", expect = ["203.0.113.80"] }

[[checks]]
id = "guest-http"
from = "test1"
http = { to = "203.0.113.80", expect = "hello from the internet" }

[[checks]]
id = "internet-ping-guest"
from = "internet"
ping = { to = "192.168.1.3" }
"#,
    ),
];
