//! What the harness itself costs, beside its guests.

use std::collections::BTreeMap;

use super::context::Context;
use super::lab_run::LabRun;
use super::processes::{Owner, Usage};
use super::record::{BenchRecord, Target};
use super::rounds::{Sample, Stop};
use super::series::Unit;

/// Its name.
pub(super) const NAME: &str = "overhead";

const SCENARIO: &str = "simple-network";
const TEMPLATE: &str = "template";
const COLD: &str = "cold";

const CPU_PART: &str = "CPU of the harness, of the guests'";
const MEMORY_PART: &str = "memory of the harness, of the guests'";

pub(super) async fn measure(context: &Context<'_>) -> Result<BenchRecord, Stop> {
    // Makes image and template where they are missing.
    let ready = context.warm_up(&[SCENARIO]).await;
    if ready == Err(Stop::Interrupted) {
        return Err(Stop::Interrupted);
    }
    let measured = context.rounds(&[TEMPLATE, COLD], async |name, _| {
        ready.clone()?;
        let words: &[&str] = if name == COLD {
            &[SCENARIO, "--cold"]
        } else {
            &[SCENARIO]
        };
        let (_, usage) = LabRun::kept(context, words).await?;
        Ok(samples(&usage))
    });
    let record = context.record(&measured.await?);
    Ok(record
        .target(CPU_PART, Target::AtMost(5.0))
        .target(MEMORY_PART, Target::AtMost(5.0))
        .note(format!(
            "`{SCENARIO}` with all checks and evidence, read before teardown; the harness is supervisor, worker, and what the \
             worker ran and waited for (ping, ip, ssh-keygen); memory is the proportional set size"
        )))
}

fn samples(usage: &BTreeMap<Owner, Usage>) -> Vec<Sample> {
    let of = |owner: Owner| usage.get(&owner).copied().unwrap_or_default();
    let (harness, guests, daemons) = (of(Owner::Harness), of(Owner::Guest), of(Owner::Daemon));
    let cpu = |what: &str, usage: Usage| Sample {
        what: what.to_owned(),
        unit: Unit::CpuMilliseconds,
        value: usage.cpu_ms,
    };
    let part = |what: &str, ours: f64, theirs: f64| Sample {
        what: what.to_owned(),
        unit: Unit::Percent,
        value: ours * 100.0 / theirs.max(1.0),
    };
    vec![
        cpu("CPU of the guests' VMMs", guests),
        cpu("CPU of the harness", harness),
        cpu("CPU of networkd, dnsmasq and such", daemons),
        part(CPU_PART, harness.cpu_ms, guests.cpu_ms),
        Sample::memory("memory of the guests' VMMs", guests.pss),
        Sample::memory("memory of the harness", harness.pss),
        Sample::memory("memory of networkd, dnsmasq and such", daemons.pss),
        part(MEMORY_PART, harness.pss, guests.pss),
    ]
}
