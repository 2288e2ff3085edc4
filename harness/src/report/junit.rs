//! JUnit XML, as CI systems read it: a suite for each run, a case for each check.

use std::fmt::Write;

use super::{CheckOutcome, Outcome, Report};

/// Renders a report.
pub fn render(report: &Report) -> String {
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"bridgelab\">\n",
    );
    for run in &report.runs {
        let title = run.title();
        let failures = run.checks.iter().filter(|check| check.is_wrong()).count();
        let unseen = run
            .checks
            .iter()
            .filter(|check| check.outcome == CheckOutcome::Skipped)
            .count();
        let (errors, skipped) = match run.outcome {
            Outcome::Skipped => (0, 1),
            Outcome::Broken | Outcome::TimedOut | Outcome::Cancelled => (1, 0),
            Outcome::Passed | Outcome::Failed => (0, 0),
        };
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{}\" time=\"{}\">",
            escape(&title),
            run.checks.len() + errors + skipped,
            skipped + unseen,
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
            if check.is_wrong() {
                let _ = write!(
                    xml,
                    ">\n      <failure message=\"{}\">from {}, expected {}</failure>\n    </testcase>\n",
                    escape(&check.got),
                    escape(&check.from),
                    escape(&check.expected)
                );
            } else if check.outcome == CheckOutcome::Skipped {
                let _ = write!(
                    xml,
                    ">\n      <skipped message=\"{}\"/>\n    </testcase>\n",
                    escape(&check.got)
                );
            } else {
                xml.push_str("/>\n");
            }
        }
        if let Some(problem) = &run.problem {
            let element = if run.outcome == Outcome::Skipped {
                "skipped"
            } else {
                "error"
            };
            let _ = write!(
                xml,
                "    <testcase classname=\"{0}\" name=\"run\">\n      <{element} message=\"{1}\"/>\n    </testcase>\n",
                escape(&title),
                escape(&problem.chain.join(": "))
            );
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// Escapes for attributes and text; characters that XML 1.0 cannot hold become U+FFFD.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(' '),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
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
            "a&lt;b&gt; &amp; &quot;c&quot;\u{fffd}[0m "
        );
    }
}
