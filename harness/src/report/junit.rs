//! JUnit XML, as CI systems read it: a suite for each run, a case for each check. What is wrong names the evidence, its page and the
//! command that repeats the run.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use quick_junit::{NonSuccessKind, SerializeError, TestCase, TestCaseStatus, TestSuite, XmlString};

use super::hole::{NO_UDEV, REQUIRED};
use super::{CheckOutcome, CheckReport, Outcome, Report, RunReport, StepOutcome, StepReport, html};
use crate::diagnosis::Diagnosis;
use crate::visible::visible;

/// Renders a report.
///
/// # Errors
/// [`SerializeError`] when it cannot be written as XML.
pub fn render(report: &Report) -> Result<String, SerializeError> {
    let mut all = quick_junit::Report::new("bridgelab");
    all.add_test_suites(report.runs.iter().map(suite));
    all.to_string()
}

fn suite(run: &RunReport) -> TestSuite {
    let mut suite = TestSuite::new(xml_text(&run.title()));
    suite.set_time(Duration::from_millis(run.ms));
    suite.add_properties(
        run.versions
            .iter()
            .map(|(name, value)| (xml_text(name), xml_text(value))),
    );
    if let Some(started) = started(run) {
        suite.set_timestamp(started);
    }
    suite.add_properties(where_to_look(run));
    for check in &run.checks {
        let status = wrong(run, check).map(|(kind, message)| {
            let fails = if check.must_fail {
                "a failure instead of ".to_owned()
            } else if check.any_of.is_empty() {
                String::new()
            } else {
                let any_of = check.any_of.join(", ");
                format!("a failure of at least one of {any_of}, instead of ")
            };
            let (from, expected) = (&check.from, &check.expected);
            let cause = cause(run, check);
            let asked = format!("from {from}, expected {fails}{expected}{cause}");
            kind.status(message, Some(&asked))
        });
        suite.add_test_case(timed(case(run, &check.id, status), check.ms));
    }
    for step in &run.steps {
        let status =
            wrong_step(step).map(|(kind, message)| kind.status(&message, Some(&step.command)));
        let name = format!("step {}", step.id);
        suite.add_test_case(timed(case(run, &name, status), step.ms));
    }
    if let Some(message) = without_verdict(run) {
        let kind = match run.outcome {
            Outcome::Skipped => Wrong::Skipped,
            _ => Wrong::Error,
        };
        let status = kind.status(&message, None);
        suite.add_test_case(case(run, "run", Some(status)));
    }
    not_applied(&mut suite, run);
    let printed = printed(run);
    if !printed.is_empty() {
        suite.set_system_out(xml_text(&printed));
    }
    suite
}

/// When the run began.
fn started(run: &RunReport) -> Option<DateTime<FixedOffset>> {
    let started = run.started.as_deref()?;
    DateTime::parse_from_rfc3339(started).ok()
}

/// Where a run's evidence is, its page, and the command that repeats it.
fn where_to_look(run: &RunReport) -> Vec<(XmlString, XmlString)> {
    let evidence = run.evidence.as_ref();
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let all = [
        ("evidence", evidence.map(|folder| path(folder))),
        (
            "report",
            evidence.map(|folder| path(&folder.join(html::FILE))),
        ),
        ("again", Some(run.reproduce.clone())),
    ];
    let known = all
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    known
        .map(|(name, value)| (xml_text(name), xml_text(&value)))
        .collect()
}

/// The cause that explains a check, as the end of what is said of it; empty where none is known.
fn cause(run: &RunReport, check: &CheckReport) -> String {
    let explains = |one: &&Diagnosis| one.checks.contains(&check.id);
    let Some(one) = run.diagnosis.iter().find(explains) else {
        return String::new();
    };
    let place = one.cause.place.as_ref();
    let place = place.map_or(String::new(), |at| format!(" ({at})"));
    format!("\ncause: {}{place} [{}]", one.cause.statement, one.code)
}

/// What may be wrong with a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Failure,
    Error,
    Skipped,
}

impl Wrong {
    fn status(self, message: &str, description: Option<&str>) -> TestCaseStatus {
        let mut status = match self {
            Self::Failure => TestCaseStatus::non_success(NonSuccessKind::Failure),
            Self::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
            Self::Skipped => TestCaseStatus::skipped(),
        };
        status.set_message(xml_text(message));
        if let Some(description) = description {
            status.set_description(xml_text(description));
        }
        status
    }
}

fn case(run: &RunReport, name: &str, status: Option<TestCaseStatus>) -> TestCase {
    let is_wrong = status.is_some();
    let status = status.unwrap_or_else(TestCaseStatus::success);
    let mut case = TestCase::new(xml_text(name), status);
    case.set_classname(xml_text(&run.title()));
    // Many readers show the properties of a case alone.
    if is_wrong {
        case.add_properties(where_to_look(run));
    }
    case
}

fn timed(mut case: TestCase, ms: u64) -> TestCase {
    case.set_time(Duration::from_millis(ms));
    case
}

/// A text with its control characters made visible, which a guest or a command may have brought in.
fn xml_text(text: &str) -> XmlString {
    XmlString::new(visible(text).replace('\t', " "))
}

/// Why a run has no verdict. It becomes a case of its own, because a suite without any case counts as green.
fn without_verdict(run: &RunReport) -> Option<String> {
    // The problem of a skipped run is a list of what is missing; any other is one error with its causes.
    let joint = match run.outcome {
        Outcome::Skipped => "; ",
        _ => ": ",
    };
    let told = run
        .problem
        .as_ref()
        .map(|problem| problem.chain.join(joint));
    match run.outcome {
        // Each check that could not be looked at is a case with an error already.
        Outcome::Passed | Outcome::Failed | Outcome::Broken => told,
        other => Some(told.unwrap_or_else(|| format!("the run is {other}"))),
    }
}

/// Adds a case for the `.link` files that no udev applied: skipped, or failed where everything is required.
fn not_applied(suite: &mut TestSuite, run: &RunReport) {
    let files = &run.units.not_applied;
    if files.is_empty() {
        return;
    }
    let required = run.differences.iter().any(|told| told.contains(REQUIRED));
    let kind = match required {
        true => Wrong::Failure,
        false => Wrong::Skipped,
    };
    let status = kind.status(&format!("{}: {NO_UDEV}", files.join("; ")), None);
    suite.add_test_case(case(run, ".link files of machines", Some(status)));
}

/// Output of the suite: doubts about unit files, and processes that were left running.
fn printed(run: &RunReport) -> String {
    let units = &run.units;
    let warnings = units.warnings.iter().map(|one| format!("warning: {one}"));
    let said = units.said.iter().map(|one| format!("networkd said: {one}"));
    let left = run.left_running.iter();
    let left = left.map(|one| format!("left running: {one}"));
    let lines: Vec<String> = warnings.chain(said).chain(left).collect();
    lines.join("\n")
}

/// What is wrong with a check, and its message; `None` also for a check that fails as it must.
fn wrong<'a>(run: &'a RunReport, check: &'a CheckReport) -> Option<(Wrong, &'a str)> {
    let difference = run.difference(check);
    match check.outcome {
        CheckOutcome::NotRun => Some((Wrong::Error, &check.got)),
        // The case of the run has the error.
        CheckOutcome::Undecided => Some((Wrong::Skipped, &check.got)),
        // A skipped check is a difference where everything is required.
        CheckOutcome::Skipped => match difference {
            Some(told) => Some((Wrong::Failure, told)),
            None => Some((Wrong::Skipped, &check.got)),
        },
        _ if check.must_fail || !check.any_of.is_empty() => {
            // A run that ended before it was judged has no differences.
            let told = difference.or(check.is_wrong().then_some(check.got.as_str()));
            told.map(|told| (Wrong::Failure, told))
        }
        CheckOutcome::Failed => Some((Wrong::Failure, &check.got)),
        CheckOutcome::Passed => None,
    }
}

/// What is wrong with a step, and its message.
fn wrong_step(step: &StepReport) -> Option<(Wrong, String)> {
    match step.outcome {
        StepOutcome::Skipped => Some((Wrong::Skipped, step.said.clone())),
        _ if step.ends_the_run() => Some((Wrong::Error, step.said.clone())),
        _ => step.difference().map(|told| (Wrong::Failure, told)),
    }
}
