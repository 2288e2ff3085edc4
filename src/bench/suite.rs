//! The scenarios as they stand, every variant of them, from templates and cold.

use bridgelab_harness::report::Outcome;
use bridgelab_harness::scenario::scenario_names;

use super::context::Context;
use super::lab_run::LabRun;
use super::record::BenchRecord;
use super::rounds::{Sample, Stop};
use super::series::Unit;

/// Its name.
pub(super) const NAME: &str = "suite";

const TEMPLATE: &str = "template";
const COLD: &str = "cold";

pub(super) async fn measure(context: &Context<'_>) -> Result<BenchRecord, Stop> {
    let names = if context.args.scenarios.is_empty() {
        let known = scenario_names(&crate::commands::root());
        let known = known.map_err(|error| Stop::Failed(error.to_string()))?;
        known.into_iter().map(|one| one.name).collect()
    } else {
        context.args.scenarios.clone()
    };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    // Makes images and templates where they are missing.
    let ready = context.warm_up(&names).await;
    if ready == Err(Stop::Interrupted) {
        return Err(Stop::Interrupted);
    }
    let measured = context.rounds(&[TEMPLATE, COLD], async |name, _| {
        ready.clone()?;
        let mut words = names.clone();
        words.push("--all-variants");
        if name == COLD {
            words.push("--cold");
        }
        let run = LabRun::of(context, &words).await?;
        let seconds = run.reports.iter().map(|report| report.ms as f64).sum();
        let skipped = run
            .reports
            .iter()
            .filter(|run| run.outcome == Outcome::Skipped);
        let count = |what: &str, count: usize| Sample {
            what: what.to_owned(),
            unit: Unit::Count,
            value: count as f64,
        };
        Ok(vec![
            run.whole("the whole command"),
            Sample::ms("all runs, one after another", seconds),
            count("runs", run.reports.len()),
            count("of them skipped", skipped.count()),
        ])
    });
    let record = context.record(&measured.await?).baselines(&[COLD]);
    Ok(record.note(format!(
        "{}; as many at once as the machine bears",
        names.join(", ")
    )))
}
