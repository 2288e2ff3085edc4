//! Many small guests on one bridge: how long until all answer, and what they hold in memory.

use std::cell::RefCell;
use std::fmt::Write;
use std::path::Path;

use super::context::Context;
use super::lab_run::{LabRun, last_check};
use super::processes::{Owner, Usage};
use super::record::BenchRecord;
use super::rounds::{Sample, Stop};
use super::topology::write;

/// Its name.
pub(super) const NAME: &str = "tiny-guests";

const TEMPLATE: &str = "template";
const COLD: &str = "cold";

/// The page's host: `vm-*` is put on the bridge.
const HOST: [(&str, &str); 3] = [
    (
        "10-lan.network",
        include_str!("../../../scenarios/simple-network/host/10-lan.network"),
    ),
    (
        "10-lan-bridge.network",
        include_str!("../../../scenarios/simple-network/host/10-lan-bridge.network"),
    ),
    (
        "br0.netdev",
        include_str!("../../../scenarios/simple-network/host/br0.netdev"),
    ),
];

pub(super) async fn measure(context: &Context<'_>) -> Result<BenchRecord, Stop> {
    let mut scenarios = Vec::new();
    for size in context.sizes(&[1, 4, 16, 32]) {
        let folder = context.scratch().join(format!("guests-{size}"));
        for (name, text) in HOST {
            write(&folder.join("host").join(name), text)?;
        }
        let path = folder.join("scenario.toml");
        write(&path, &scenario(size))?;
        scenarios.push((size, path));
    }
    // Makes image and template where they are missing.
    let ready = context.warm_up(&["tiny-guest"]).await;
    if ready == Err(Stop::Interrupted) {
        return Err(Stop::Interrupted);
    }
    let left_out = RefCell::new(Vec::new());
    let measured = context.rounds(&[TEMPLATE, COLD], async |name, round| {
        ready.clone()?;
        let mut samples = Vec::new();
        for (size, path) in &scenarios {
            match one(context, name, *size, path).await {
                Ok(more) => samples.extend(more),
                // Fewer may still do.
                Err(Stop::Skipped(why)) if !samples.is_empty() => {
                    if round == 0 {
                        left_out
                            .borrow_mut()
                            .push(format!("{size}, {name}: skipped: because {why}"));
                    }
                }
                Err(stop) => return Err(stop),
            }
        }
        Ok(samples)
    });
    let record = context.record(&measured.await?);
    let mut record = record.baselines(&[COLD]).note(
        "memory is the proportional set size (PSS) of the VMMs when all have answered and evidence is there: what guests share \
         is counted once. A guest gives no page back, so that is nearly its peak; `peak at most` adds what was resident \
         before and no longer is",
    );
    record.notes.extend(left_out.into_inner());
    Ok(record)
}

async fn one(
    context: &Context<'_>,
    how: &str,
    size: u16,
    path: &Path,
) -> Result<Vec<Sample>, Stop> {
    let path = path.to_string_lossy();
    // One lab, whatever it needs: it is what is measured.
    let mut words = vec![path.as_ref(), "--jobs", "1"];
    if how == COLD {
        words.push("--cold");
    }
    let (run, usage) = LabRun::kept(context, &words).await?;
    let report = run.only()?;
    if let Some(other) = report.guests.iter().find(|guest| guest.start != how) {
        let why = &other.start_reason;
        return Err(Stop::Skipped(format!(
            "a tiny guest starts {}: {why}",
            other.start
        )));
    }
    let mut samples = Vec::new();
    if let Some(last) = last_check(report, |_| true) {
        samples.push(Sample::ms(format!("{size} until all answer"), last));
    }
    if let Some(guests) = usage.get(&Owner::Guest) {
        samples.extend(memory(size, guests));
    }
    Ok(samples)
}

fn memory(size: u16, guests: &Usage) -> [Sample; 3] {
    [
        Sample::memory(format!("{size} memory"), guests.pss),
        Sample::memory(format!("{size} peak at most"), guests.pss + guests.above),
        Sample::memory(
            format!("{size} memory for each"),
            guests.pss / f64::from(size),
        ),
    ]
}

/// `size` guests on the page's `br0`, each pinged from the host.
fn scenario(size: u16) -> String {
    let mut text = format!(
        "version = 1\nsummary = \"{size} small guests on one bridge\"\n\n[machines.host]\nnetworkd = \"host\"\n"
    );
    for number in 1..=size {
        let (high, low) = (number >> 8, number & 0xff);
        let _ = write!(
            text,
            "\n[guests.t{number}]\nimage = \"tiny\"\ninterfaces = [{{ type = \"tap\", id = \"vm-t{number}\", mac = \
             \"02:00:00:00:{high:02x}:{low:02x}\", addresses = [\"{}\"] }}]\n\n[[checks]]\nid = \"ping-t{number}\"\nfrom = \
             \"host\"\nping = {{ to = \"{}\" }}\n",
            address(number, "/24"),
            address(number, "")
        );
    }
    text
}

/// Below the addresses of the page's machines there is one free range in its network: 32 to 254.
fn address(number: u16, prefix: &str) -> String {
    format!("192.168.1.{}{prefix}", number + 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generated_scenarios_are_valid() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        for (name, text) in HOST {
            write(&folder.path().join("host").join(name), text).expect("a file");
        }
        let path = folder.path().join("scenario.toml");
        write(&path, &scenario(32)).expect("a file");
        let loaded = bridgelab_harness::scenario::load(&path);
        let loaded = loaded.unwrap_or_else(|errors| panic!("{}", errors.render(false)));
        let green = loaded.scenario(None).expect("it has a green form");
        assert_eq!((green.guests.len(), green.checks.len()), (32, 32));
    }
}
