//! What it costs that a scenario is kept in bounds: the lab's own user namespace, and the cells of its machines.

use bridgelab_harness::host::isolate;

use super::context::Context;
use super::record::BenchRecord;
use super::rounds::{Sample, Stop};
use super::series::Unit;
use super::topology::{build, page_job};
use super::worker::{Builder, Took};

/// Its name.
pub(super) const NAME: &str = "confinement";

const OWN: &str = "own user namespace";
const CALLERS: &str = "the caller's";

/// Commands of each kind, in turn, in each lab.
const COMMANDS: u16 = 25;

/// The page's topology in both kinds of user namespaces, and a command on one of its machines with and without a cell.
pub(super) async fn measure(context: &Context<'_>) -> Result<BenchRecord, Stop> {
    let job = page_job(context, Builder::Harness)?;
    // Only root has the choice: the lab of anybody else has its own.
    let names: &[&str] = match isolate::may_share_users() {
        true => &[OWN, CALLERS],
        false => &[OWN],
    };
    let measured = context.rounds(names, async |name, _| {
        let mut job = job.clone();
        job.commands = COMMANDS;
        job.take_users = name == OWN;
        Ok(samples(&build(context, &job).await?))
    });
    let record = context.record(&measured.await?).baselines(&[CALLERS]);
    Ok(record
        .note(format!(
            "`true` is started {COMMANDS} times on a machine as the harness starts its own tools, and in turn {COMMANDS} times in the \
             machine's cell, as commands of a scenario are; the median of each lab counts. The first makes the cell"
        ))
        .note("into the namespaces: user (id map included), mount, UTS, network, PID, and the private /proc"))
}

fn samples(took: &Took) -> Vec<Sample> {
    let mut samples = vec![
        Sample::ms("into the namespaces", took.entered),
        Sample::ms("up", took.up),
        Sample::ms("down", took.down),
    ];
    if let Some(commands) = &took.commands {
        samples.extend([
            Sample::ms("`true` on a machine", commands.plain),
            Sample::ms("`true` in its cell", commands.celled),
            Sample {
                what: "of that, the cell".to_owned(),
                unit: Unit::Percent,
                value: (commands.celled - commands.plain) * 100.0 / commands.celled.max(0.001),
            },
            Sample::ms("the first in a cell", commands.first),
        ]);
    }
    samples
}
