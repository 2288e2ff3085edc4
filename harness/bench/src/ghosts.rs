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
    (
        "scenario.toml",
        include_str!("../../../benches/without-ipv6/scenario.toml"),
    ),
    (
        "host/br0.netdev",
        include_str!("../../../benches/without-ipv6/host/br0.netdev"),
    ),
    (
        "host/10-lan.network",
        include_str!("../../../benches/without-ipv6/host/10-lan.network"),
    ),
    (
        "host/10-lan-bridge.network",
        include_str!("../../../benches/without-ipv6/host/10-lan-bridge.network"),
    ),
    (
        "guest/20-lan.network",
        include_str!("../../../benches/without-ipv6/guest/20-lan.network"),
    ),
];
