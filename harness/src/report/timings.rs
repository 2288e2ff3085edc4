//! Where a run's time went: its stages, what they waited for, and its checks as bars on one time axis. Pure.

use std::fmt::Write;

use super::text::seconds;
use super::{CheckReport, RunReport};

/// Fewest columns of a bar, however narrow the terminal is.
const NARROWEST: usize = 20;
/// Longest name that is shown whole.
const LONGEST_NAME: usize = 40;

/// A bar of the chart.
#[derive(Debug)]
pub(super) struct Span {
    /// How many bars it lies within.
    pub(super) depth: usize,
    /// The stage, what it waited for, or the check.
    pub(super) name: String,
    /// From when, in milliseconds from the run's start.
    pub(super) at: i64,
    /// Until when.
    pub(super) end: i64,
    /// Whether the run's end waited for it.
    pub(super) critical: bool,
}

impl Span {
    fn new(depth: usize, name: &str, at: i64, ms: u64) -> Self {
        let end = at.saturating_add_unsigned(ms);
        Self {
            depth,
            name: name.to_owned(),
            at,
            end,
            critical: false,
        }
    }
}

/// A chart of one run, at most `width` columns wide. `#` is the critical path: what the run's end waited for, and what that
/// waited for in turn. `-` is what went on at the same time. Empty when the run began nothing.
pub fn chart(run: &RunReport, width: usize) -> String {
    let spans = spans(run);
    let (Some(first), Some(last)) = (
        spans.iter().map(|span| span.at).min(),
        spans.iter().map(|span| span.end).max(),
    ) else {
        return String::new();
    };
    let label = |span: &Span| format!("{}{}", "  ".repeat(span.depth), shorten(&span.name));
    let widest = spans.iter().map(|span| label(span).chars().count()).max();
    let widest = widest.unwrap_or(0).max("stage".len());
    // Name, duration and two borders, each with its blank.
    let columns = width.saturating_sub(widest + 12).max(NARROWEST);
    let (from, to) = (axis(first), axis(last));
    let mut text = format!("{}: `#` is the critical path\n", run.title());
    let ruler = format!(
        "{from}{to:>rest$}",
        rest = columns - from.len().min(columns)
    );
    let _ = writeln!(text, "{:widest$} {:>8} |{ruler}|", "", "");
    let whole = (last - first).max(1);
    let column = |at: i64| (at - first) as usize * columns / whole as usize;
    for span in &spans {
        let begin = column(span.at).min(columns - 1);
        let end = column(span.end).max(begin + 1);
        let bar = if span.critical { "#" } else { "-" }.repeat(end - begin);
        let took = seconds(span.end.abs_diff(span.at));
        let bar = format!("{}{bar}", " ".repeat(begin));
        let _ = writeln!(text, "{:widest$} {took:>8} |{bar:columns$}|", label(span));
    }
    text
}

/// A point of the axis; `-4.2 s` is before the run's start.
fn axis(at: i64) -> String {
    let sign = if at < 0 { "-" } else { "" };
    format!("{sign}{}", seconds(at.unsigned_abs()))
}

fn shorten(name: &str) -> String {
    if name.chars().count() <= LONGEST_NAME {
        return name.to_owned();
    }
    let kept: String = name.chars().take(LONGEST_NAME - 2).collect();
    format!("{kept}..")
}

/// Stages in the order they began, each followed by what went on in it.
pub(super) fn spans(run: &RunReport) -> Vec<Span> {
    let waits = |stage: &str, depth| -> Vec<Span> {
        let of_stage = run.waits.iter().filter(|wait| wait.stage == stage);
        of_stage
            .map(|wait| Span::new(depth, &wait.what, wait.at_ms, wait.ms))
            .collect()
    };
    let mut spans = Vec::new();
    let containers = run.stages.iter().find(|stage| stage.name == "containers");
    let has_checks = run.stages.iter().any(|stage| stage.name == "checks");
    for stage in &run.stages {
        // Containers start while checks go on, and are shown among them.
        if stage.name == "containers" && has_checks {
            continue;
        }
        let mut parent = Span::new(0, &stage.name, stage.at_ms, stage.ms);
        // Stages follow each other, so that all are on the critical path.
        parent.critical = true;
        let mut children = waits(&stage.name, 1);
        let mut inner = Vec::new();
        let looks_of = |check: &&CheckReport| {
            let inside = stage.at_ms..=stage.at_ms.saturating_add_unsigned(stage.ms);
            check.attempts > 0 && inside.contains(&check.at_ms)
        };
        if stage.name.starts_with("checks after ") {
            let looks = run.checks.iter().filter(looks_of);
            children.extend(looks.map(|check| Span::new(1, &check.id, check.at_ms, check.ms)));
        }
        if stage.name == "checks" {
            let looks = run.checks.iter().filter(looks_of);
            children.extend(looks.map(|check| Span::new(1, &check.id, check.at_ms, check.ms)));
            if let Some(containers) = containers {
                inner = waits("containers", 2);
                let (at, ms) = (containers.at_ms, containers.ms);
                children.push(Span::new(1, "containers", at, ms));
            }
        }
        mark(&mut children, parent.end);
        spans.push(parent);
        for child in children {
            let of_containers = child.name == "containers";
            let (end, critical) = (child.end, child.critical);
            spans.push(child);
            if of_containers {
                if critical {
                    mark(&mut inner, end);
                }
                spans.append(&mut inner);
            }
        }
    }
    spans
}

/// Marks the critical path from its end: what ended last before `end`, then what ended last before that began, and so on.
fn mark(spans: &mut [Span], end: i64) {
    spans.sort_by_key(|span| (span.at, span.end));
    let mut before = end;
    // The report's milliseconds are rounded down, so neighbours may seem to overlap by one.
    while let Some(last) = spans
        .iter_mut()
        .filter(|span| !span.critical && span.end > span.at && span.end <= before + 1)
        .max_by_key(|span| span.end)
    {
        last.critical = true;
        before = last.at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{CheckOutcome, CheckReport, Outcome, StageReport, WaitReport};

    fn check(id: &str, at_ms: i64, ms: u64) -> CheckReport {
        CheckReport {
            id: id.to_owned(),
            from: "host".to_owned(),
            kind: "ping".to_owned(),
            outcome: CheckOutcome::Passed,
            must_fail: false,
            any_of: Vec::new(),
            expected: String::new(),
            got: String::new(),
            attempts: 1,
            at_ms,
            ms,
            seen: Vec::new(),
        }
    }

    fn run() -> RunReport {
        let stage = |name: &str, at_ms, ms| StageReport {
            cut_short: false,
            name: name.to_owned(),
            at_ms,
            ms,
        };
        let wait = |stage: &str, what: &str, at_ms, ms| WaitReport {
            stage: stage.to_owned(),
            what: what.to_owned(),
            at_ms,
            ms,
        };
        let mut run = RunReport {
            scenario: "lan".to_owned(),
            variant: None,
            outcome: Outcome::Passed,
            problem: None,
            differences: Vec::new(),
            accelerator: "tcg".to_owned(),
            accelerator_reason: String::new(),
            lab: Default::default(),
            guests: Vec::new(),
            // The order is the scenario's, the chart's is time's.
            steps: Vec::new(),
            checks: vec![check("late", 7000, 2000), check("early", 5000, 1000)],
            stages: vec![
                stage("boot", 0, 5000),
                stage("containers", 5000, 2000),
                stage("checks", 5000, 4000),
                stage("teardown", 9000, 1000),
            ],
            waits: vec![
                wait("boot", "test1 answers", 0, 5000),
                wait("boot", "test2 answers", 0, 2500),
                wait("containers", "test1/web runs", 5000, 2000),
            ],
            units: Default::default(),
            versions: std::collections::BTreeMap::new(),
            leaks: Vec::new(),
            left_running: Vec::new(),
            unwritten: Vec::new(),
            not_gathered: Vec::new(),
            holes: Vec::new(),
            diagnosis: Vec::new(),
            evidence: None,
            reproduce: String::new(),
            started: None,
            ms: 10_000,
        };
        run.queued_for(std::time::Duration::from_secs(10));
        run
    }

    #[test]
    fn what_overlaps_is_shown_beside_and_what_the_end_waited_for_is_marked() {
        // Twenty seconds in twenty columns.
        let expected = "\
lan: `#` is the critical path
                            |-10.0 s       10.0 s|
queue                10.0 s |##########          |
boot                  5.0 s |          #####     |
  test2 answers       2.5 s |          --        |
  test1 answers       5.0 s |          #####     |
checks                4.0 s |               #### |
  early               1.0 s |               -    |
  containers          2.0 s |               ##   |
    test1/web runs    2.0 s |               ##   |
  late                2.0 s |                 ## |
teardown              1.0 s |                   #|
";
        assert_eq!(chart(&run(), 50), expected);
    }

    #[test]
    fn it_fits_the_width_and_needs_nothing_that_old_reports_lack() {
        let mut run = run();
        run.stages[1].name = "b".repeat(99);
        for width in [80, 120] {
            let longest = chart(&run, width).lines().map(str::len).max();
            assert_eq!(longest, Some(width));
        }
        let mut old = serde_json::to_value(&run).expect("a report");
        let keys = old.as_object_mut().expect("an object");
        keys.remove("waits");
        for stage in keys["stages"].as_array_mut().expect("stages") {
            stage.as_object_mut().expect("a stage").remove("at_ms");
        }
        let old: RunReport = serde_json::from_value(old).expect("keys may be missing");
        assert!(chart(&old, 80).lines().count() > 5);
        run.stages.clear();
        assert_eq!(chart(&run, 80), "");
    }
}
