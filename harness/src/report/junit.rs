//! JUnit XML, as CI systems read it: a suite for each run, a case for each check.

use std::fmt::Write;

use super::hole::{NO_UDEV, REQUIRED};
use super::{CheckOutcome, CheckReport, Outcome, Report, RunReport, StepOutcome, StepReport};
use crate::visible::visible;

/// Renders a report.
pub fn render(report: &Report) -> String {
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"bridgelab\">\n",
    );
    for run in &report.runs {
        let title = run.title();
        let with = |wanted| {
            let elements = run.checks.iter().filter_map(|check| element(run, check));
            elements.filter(|(name, _)| *name == wanted).count()
        };
        let steps_with = |wanted| {
            let elements = run.steps.iter().filter_map(step_element);
            elements.filter(|(name, _)| *name == wanted).count()
        };
        let told = without_verdict(run);
        let problem = usize::from(told.is_some());
        let skipped = usize::from(run.outcome == Outcome::Skipped);
        let unapplied = usize::from(!run.units.not_applied.is_empty());
        let required = usize::from(run.differences.iter().any(|told| told.contains(REQUIRED)));
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\">",
            escape(&title),
            run.checks.len() + run.steps.len() + problem + unapplied,
            with("failure") + steps_with("failure") + unapplied * required,
            with("error") + steps_with("error") + problem - problem.min(skipped),
            with("skipped") + steps_with("skipped") + skipped + unapplied * (1 - required),
            seconds(run.ms)
        );
        xml.push_str("    <properties>\n");
        for (name, value) in &run.versions {
            let _ = writeln!(
                xml,
                "      <property name=\"{}\" value=\"{}\"/>",
                escape(name),
                escape(value)
            );
        }
        xml.push_str("    </properties>\n");
        for check in &run.checks {
            let _ = write!(
                xml,
                "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\"",
                escape(&title),
                escape(&check.id),
                seconds(check.ms)
            );
            if let Some((name, message)) = element(run, check) {
                let fails = if check.must_fail {
                    "a failure instead of "
                } else {
                    ""
                };
                let _ = write!(
                    xml,
                    ">\n      <{name} message=\"{}\">from {}, expected {fails}{}</{name}>\n    </testcase>\n",
                    escape(message),
                    escape(&check.from),
                    escape(&check.expected)
                );
            } else {
                xml.push_str("/>\n");
            }
        }
        for step in &run.steps {
            let _ = write!(
                xml,
                "    <testcase classname=\"{}\" name=\"step {}\" time=\"{}\"",
                escape(&title),
                escape(&step.id),
                seconds(step.ms)
            );
            if let Some((name, message)) = step_element(step) {
                let _ = write!(
                    xml,
                    ">\n      <{name} message=\"{}\">{}</{name}>\n    </testcase>\n",
                    escape(&message),
                    escape(&step.command)
                );
            } else {
                xml.push_str("/>\n");
            }
        }
        if let Some(message) = told {
            let element = match run.outcome {
                Outcome::Skipped => "skipped",
                _ => "error",
            };
            let _ = write!(
                xml,
                "    <testcase classname=\"{0}\" name=\"run\">\n      <{element} message=\"{1}\"/>\n    </testcase>\n",
                escape(&title),
                escape(&message)
            );
        }
        printed(&mut xml, run);
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

/// Why a run has no verdict: a case of its own, so that a run is never a suite without one, which counts as green.
fn without_verdict(run: &RunReport) -> Option<String> {
    // What is missing is a list; anything else is one error with its causes.
    let joint = match run.outcome {
        Outcome::Skipped => "; ",
        _ => ": ",
    };
    let told = run
        .problem
        .as_ref()
        .map(|problem| problem.chain.join(joint));
    match run.outcome {
        // A check that could not be looked at is an error by itself.
        Outcome::Passed | Outcome::Failed | Outcome::Broken => told,
        other => Some(told.unwrap_or_else(|| format!("the run is {other}"))),
    }
}

/// What a run could not show for want of udev is a case that was skipped; what is doubtful about unit files, and what
/// was left running, is what the suite printed.
fn printed(xml: &mut String, run: &RunReport) {
    let units = &run.units;
    if !units.not_applied.is_empty() {
        let required = run.differences.iter().any(|told| told.contains(REQUIRED));
        let _ = write!(
            xml,
            "    <testcase classname=\"{}\" name=\".link files of machines\">\n      <{} message=\"{}: {}\"/>\n    </testcase>\n",
            escape(&run.title()),
            if required { "failure" } else { "skipped" },
            escape(&units.not_applied.join("; ")),
            escape(NO_UDEV)
        );
    }
    let warnings = units.warnings.iter().map(|one| format!("warning: {one}"));
    let said = units.said.iter().map(|one| format!("networkd said: {one}"));
    let left = run.left_running.iter();
    let left = left.map(|one| format!("left running: {one}"));
    let lines = warnings.chain(said).chain(left);
    let lines: Vec<String> = lines.map(|line| escape(&line)).collect();
    if !lines.is_empty() {
        let _ = writeln!(xml, "    <system-out>{}</system-out>", lines.join("\n"));
    }
}

/// The element for what is wrong with a check, and its message. Nothing is wrong with one that fails as it must.
fn element<'a>(run: &'a RunReport, check: &'a CheckReport) -> Option<(&'static str, &'a str)> {
    let difference = run.difference(check);
    match check.outcome {
        CheckOutcome::NotRun => Some(("error", &check.got)),
        // Where everything is required, it is a difference.
        CheckOutcome::Skipped => match difference {
            Some(told) => Some(("failure", told)),
            None => Some(("skipped", &check.got)),
        },
        _ if check.must_fail => {
            // A run that ended before it was judged has no sentences.
            let told = difference.or(check.is_wrong().then_some(check.got.as_str()));
            told.map(|told| ("failure", told))
        }
        CheckOutcome::Failed => Some(("failure", &check.got)),
        CheckOutcome::Passed => None,
    }
}

/// The element for what is wrong with a step, and its message.
fn step_element(step: &StepReport) -> Option<(&'static str, String)> {
    match step.outcome {
        StepOutcome::Skipped => Some(("skipped", step.said.clone())),
        _ if step.ends_the_run() => Some(("error", step.said.clone())),
        _ => step.difference().map(|told| ("failure", told)),
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// Escapes for attributes and text; characters that XML 1.0 cannot hold become U+FFFD.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tools_print_cannot_break_the_document() {
        assert_eq!(
            escape("a<b> & \"c\"\u{1b}[0m\n"),
            "a&lt;b&gt; &amp; &quot;c&quot;\\u{1b}[0m "
        );
    }
}
