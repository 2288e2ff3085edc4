//! Two reports side by side: where their checks disagree. Pure.

use std::collections::BTreeMap;

use super::{CheckOutcome, CheckReport, Report};

/// What became of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Checks that both reports looked at.
    pub compared: usize,
    /// One line for each check that they saw differently: `SCENARIO/VARIANT CHECK: ... here, ... there`.
    pub disagreements: Vec<String>,
    /// Runs and checks that only one of them has, or that one of them skipped: nothing is known about those.
    pub uncompared: usize,
}

/// Compares check by check. A check that one report has skipped, or has not got, is counted as uncompared.
pub fn compare(here: &Report, there: &Report) -> Comparison {
    let (here, there) = (checks(here), checks(there));
    let mut found = Comparison {
        uncompared: there.keys().filter(|key| !here.contains_key(*key)).count(),
        ..Comparison::default()
    };
    for ((run, id), one) in &here {
        let other = there.get(&(run.clone(), *id));
        let Some(other) = other.filter(|other| looked(other) && looked(one)) else {
            found.uncompared += 1;
            continue;
        };
        found.compared += 1;
        if one.outcome != other.outcome {
            found.disagreements.push(format!(
                "{run} {id}: {} ({}) here, {} ({}) there",
                word(one.outcome),
                one.got,
                word(other.outcome),
                other.got
            ));
        }
    }
    found
}

fn looked(check: &CheckReport) -> bool {
    !matches!(
        check.outcome,
        CheckOutcome::Skipped | CheckOutcome::Undecided
    )
}

/// Every check by its run's title and its id.
fn checks(report: &Report) -> BTreeMap<(String, &str), &CheckReport> {
    let runs = report.runs.iter();
    runs.flat_map(|run| {
        let title = run.title();
        let checks = run.checks.iter();
        checks.map(move |check| ((title.clone(), check.id.as_str()), check))
    })
    .collect()
}

const fn word(outcome: CheckOutcome) -> &'static str {
    match outcome {
        CheckOutcome::Passed => "passed",
        CheckOutcome::Failed => "failed",
        CheckOutcome::NotRun => "not run",
        CheckOutcome::Skipped => "skipped",
        CheckOutcome::Undecided => "undecided",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report of one run with these checks: `id=outcome`.
    fn report(scenario: &str, checks: &[&str]) -> Report {
        let check = |text: &&str| {
            let (id, outcome) = text.split_once('=').expect("id=outcome");
            serde_json::json!({
                "id": id, "from": "host", "kind": "ping", "outcome": outcome, "must_fail": false,
                "expected": "a reply", "got": "seen", "attempts": 1, "ms": 1,
            })
        };
        let report = serde_json::json!({
            "schema": super::super::SCHEMA,
            "runs": [{
                "scenario": scenario, "variant": null, "outcome": "passed", "problem": null,
                "differences": [], "accelerator": "ghost", "accelerator_reason": "", "guests": [],
                "checks": checks.iter().map(check).collect::<Vec<_>>(),
                "stages": [], "versions": {}, "leaks": [], "evidence": null, "reproduce": "", "ms": 1,
            }],
        });
        serde_json::from_value(report).expect("a report")
    }

    #[test]
    fn only_what_both_looked_at_can_disagree() {
        let ghost = report("s", &["a=passed", "b=skipped", "c=failed", "d=passed"]);
        let tcg = report("s", &["a=passed", "b=failed", "c=passed", "e=passed"]);
        let found = compare(&ghost, &tcg);
        assert_eq!(found.compared, 2);
        assert_eq!(found.uncompared, 3);
        assert_eq!(
            found.disagreements,
            ["s c: failed (seen) here, passed (seen) there"]
        );
        assert_eq!(compare(&ghost, &ghost).disagreements, [""; 0]);
    }

    #[test]
    fn a_check_that_nobody_could_look_at_is_not_one_that_holds() {
        let found = compare(&report("s", &["a=not-run"]), &report("s", &["a=passed"]));
        assert_eq!(found.disagreements.len(), 1);
    }

    #[test]
    fn other_scenarios_are_not_compared() {
        let found = compare(&report("s", &["a=passed"]), &report("t", &["a=failed"]));
        let expected = Comparison {
            uncompared: 2,
            ..Comparison::default()
        };
        assert_eq!(found, expected);
    }
}
