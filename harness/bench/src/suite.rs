//! The scenarios as they stand, every variant of them, from templates and cold.

use std::cell::RefCell;

use bridgelab_harness::report::text::{Colour, verdict};
use bridgelab_harness::report::{Outcome, RunReport};
use bridgelab_harness::scenario::scenario_names;

use super::context::Context;
use super::lab_run::LabRun;
use super::record::{BenchRecord, Target};
use super::rounds::{Sample, Stop};
use super::series::Unit;

/// Its name.
pub(super) const NAME: &str = "suite";

const TEMPLATE: &str = "template";
const COLD: &str = "cold";

const WHOLE: &str = "the whole command";
const NOT_PASSED: &str = "runs that did not pass";

/// What the whole suite from templates is to take at most.
const MINUTES: f64 = 10.0;

/// Runs that are named as the longest.
const LONGEST: usize = 5;

pub(super) async fn measure(context: &Context<'_>) -> Result<BenchRecord, Stop> {
    let names = if context.options.scenarios.is_empty() {
        let known = scenario_names(&context.options.root);
        let known = known.map_err(|error| Stop::Failed(error.to_string()))?;
        known.into_iter().map(|one| one.name).collect()
    } else {
        context.options.scenarios.clone()
    };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let notes = RefCell::new(Vec::new());
    let measured = context.rounds(&[TEMPLATE, COLD], async |name, round| {
        let mut words = names.clone();
        words.push("--all-variants");
        if name == COLD {
            words.push("--cold");
        }
        let mut run = LabRun::whatever(context, &words).await?;
        if run.made {
            context.say("images and templates were missing: this round once more");
            run = LabRun::whatever(context, &words).await?;
        }
        let wrong: Vec<&RunReport> = run.reports.iter().filter(|run| is_wrong(run)).collect();
        for run in &wrong {
            context.say(&verdict(run, Colour::Off));
            let mut notes = notes.borrow_mut();
            notes.push(format!("did not pass, {name}: {}", run.title()));
        }
        if round == 0 {
            notes.borrow_mut().push(longest(name, &run.reports));
        }
        let runs = run.reports.iter();
        let skipped = runs.clone().filter(|run| run.outcome == Outcome::Skipped);
        let one_by_one = runs.map(|run| run.ms as f64).sum();
        Ok(vec![
            run.whole(WHOLE),
            Sample::ms("all runs, one after another", one_by_one),
            count("runs", run.reports.len()),
            count("runs that were skipped", skipped.count()),
            count(NOT_PASSED, wrong.len()),
        ])
    });
    let record = context
        .record(&measured.await?)
        .baselines(&[COLD])
        .target(WHOLE, Target::AtMost(MINUTES * 60_000.0))
        .target(NOT_PASSED, Target::AtMost(0.0))
        .note(format!(
            "{} scenarios with all their variants; as many at once as the machine bears",
            names.len()
        ));
    Ok(notes
        .into_inner()
        .into_iter()
        .fold(record, BenchRecord::note))
}

fn count(what: &str, count: usize) -> Sample {
    Sample {
        what: what.to_owned(),
        unit: Unit::Count,
        value: count as f64,
    }
}

/// Whether a run says something else than its scenario.
fn is_wrong(run: &RunReport) -> bool {
    !matches!(run.outcome, Outcome::Passed | Outcome::Skipped) || !run.leaks.is_empty()
}

/// Which runs took longest: where to look first.
fn longest(name: &str, runs: &[RunReport]) -> String {
    let mut runs: Vec<&RunReport> = runs.iter().collect();
    runs.sort_by_key(|run| std::cmp::Reverse(run.ms));
    let named = runs.iter().take(LONGEST);
    let named =
        named.map(|run| format!("{} {}", run.title(), Unit::Milliseconds.show(run.ms as f64)));
    let named: Vec<String> = named.collect();
    format!("longest runs, {name}: {}", named.join("; "))
}
