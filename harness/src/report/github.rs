//! What GitHub Actions shows of a call: annotations at lines of files, and a summary of the step. Pure.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::text::{counts, seconds};
use super::{Outcome, RunReport};
use crate::diagnosis::Proof;
use crate::visible::visible;

/// Most annotations of one run: GitHub shows ten of a step.
const ANNOTATED: usize = 10;
/// Most causes and checks of one run in the summary.
const SHOWN: usize = 10;
/// Most bytes of a summary: GitHub takes 1 MiB of a step.
const MOST: usize = 900 << 10;

/// A run, and where its scenario is.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// The run.
    pub run: &'a RunReport,
    /// The scenario's file, from the workspace where it lies in there.
    pub scenario: PathBuf,
    /// The files that places of its diagnosis name, in their order; `None`: it is not known where the file is.
    pub files: Vec<Option<PathBuf>>,
}

/// The workflow commands, a line each, for runs that did not pass.
pub fn annotations(places: &[Place<'_>]) -> String {
    let mut text = String::new();
    for place in places.iter().filter(|place| is_told(place.run)) {
        let run = place.run;
        let title = format!("{}: {}", run.title(), run.outcome);
        let mut lines = 0;
        for (one, file) in run.diagnosis.iter().zip(&place.files) {
            let at = one.cause.place.as_ref().zip(file.as_deref());
            let (file, line) = at.map_or((place.scenario.as_path(), None), |(at, file)| {
                (file, Some(at.line))
            });
            let checks = one.checks.len();
            let told = format!(
                "{} [{}], explains {checks} checks",
                one.cause.statement, one.code
            );
            text.push_str(&error(file, line, &title, &told));
            lines += 1;
        }
        if lines == 0 {
            let told = run.problem.as_ref().map(|problem| problem.chain.join(": "));
            let told = told.into_iter().chain(run.differences.iter().cloned());
            for told in told.take(ANNOTATED) {
                text.push_str(&error(&place.scenario, None, &title, &told));
            }
        }
    }
    text
}

/// Whether a run is a fault that somebody has to look at.
fn is_told(run: &RunReport) -> bool {
    matches!(
        run.outcome,
        Outcome::Failed | Outcome::Broken | Outcome::TimedOut
    )
}

/// One workflow command: `::error file=FILE,line=N,title=TITLE::MESSAGE`.
fn error(file: &Path, line: Option<usize>, title: &str, message: &str) -> String {
    let file = property(&file.to_string_lossy());
    let line = line.map_or(String::new(), |line| format!(",line={line}"));
    let (title, message) = (property(title), data(message));
    format!("::error file={file}{line},title={title}::{message}\n")
}

/// The message of a workflow command.
fn data(text: &str) -> String {
    let text = visible(text).replace('%', "%25");
    text.replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The summary of the step, in Markdown: a table of runs, and for each that did not pass its causes, checks and the command that
/// repeats it.
pub fn summary(runs: &[RunReport]) -> String {
    let mut text =
        String::from("## bridgelab\n\n| run | verdict | checks | time |\n|---|---|---|---|\n");
    for run in runs {
        let counts = counts(run);
        let counts = counts.trim().trim_matches(['(', ')']).to_owned();
        let title = plain(&run.title());
        let _ = writeln!(
            text,
            "| {title} | **{}** | {} | {} |",
            run.outcome,
            plain(&counts),
            seconds(run.ms)
        );
    }
    for run in runs.iter().filter(|run| is_told(run)) {
        let part = of_run(run);
        if text.len() + part.len() > MOST {
            text.push_str("\nMore runs did not pass; the log of this step has them.\n");
            break;
        }
        text.push_str(&part);
    }
    text
}

fn of_run(run: &RunReport) -> String {
    let mut text = format!("\n### {}: {}\n\n", plain(&run.title()), run.outcome);
    if let Some(problem) = &run.problem {
        let _ = writeln!(
            text,
            "{} ({})\n",
            plain(&problem.chain.join(": ")),
            plain(&problem.code)
        );
    }
    for one in run.diagnosis.iter().take(SHOWN) {
        let place = one
            .cause
            .place
            .as_ref()
            .map_or(String::new(), |at| format!(", {}", plain(&at.to_string())));
        let proven = match one.proven.as_ref().is_some_and(Proof::proves) {
            true => "proven",
            false => "not proven",
        };
        let statement = plain(&one.cause.statement);
        let _ = writeln!(
            text,
            "- **{statement}**{place} ({}, {proven}), explains {} checks",
            one.code,
            one.checks.len()
        );
    }
    let wrong: Vec<_> = run.checks.iter().filter(|check| check.is_wrong()).collect();
    if !wrong.is_empty() {
        text.push_str("\n| check | from | expected | got |\n|---|---|---|---|\n");
    }
    for check in wrong.iter().take(SHOWN) {
        let cells = [&check.id, &check.from, &check.expected, &check.got];
        let _ = writeln!(text, "| {} |", cells.map(|cell| plain(cell)).join(" | "));
    }
    if wrong.len() > SHOWN {
        let _ = writeln!(text, "\nand {} more", wrong.len() - SHOWN);
    }
    let _ = writeln!(text, "\nAgain:\n\n{}", block(&run.reproduce));
    if let Some(evidence) = &run.evidence {
        let page = evidence.join(super::html::FILE);
        let _ = writeln!(text, "Report:\n\n{}", block(&page.to_string_lossy()));
    }
    text
}

/// Text of others in a line of Markdown or a cell of a table: no markup, no link, no line break.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for letter in visible(text).chars() {
        match letter {
            '\n' | '\t' => plain.push(' '),
            '&' => plain.push_str("&amp;"),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            // An entity is never markup; a backslash is one in front of some letters only.
            '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '|' | '#' | '!' | '~' | '@' => {
                let _ = write!(plain, "&#{};", u32::from(letter));
            }
            letter => plain.push(letter),
        }
    }
    plain
}

/// A command as a block that nothing in it ends.
fn block(command: &str) -> String {
    let lines = visible(command);
    let lines = lines.lines().map(|line| format!("    {line}\n"));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(outcome: &str, got: &str, diagnosis: serde_json::Value) -> RunReport {
        let run = json!({
            "scenario": "lan", "variant": null, "outcome": outcome, "problem": null,
            "differences": [format!("`ping` failed: {got}")], "accelerator": "ghost", "accelerator_reason": "", "guests": [],
            "checks": [{ "id": "ping", "from": "host", "kind": "ping", "outcome": "failed", "must_fail": false,
                         "expected": "a reply", "got": got, "attempts": 1, "ms": 1 }],
            "stages": [], "versions": {}, "leaks": [], "evidence": "/evidence/1", "reproduce": "bridgelab run lan", "ms": 1200,
            "diagnosis": diagnosis,
        });
        serde_json::from_value(run).expect("a run")
    }

    fn cause(statement: &str) -> serde_json::Value {
        json!([{
            "code": "link.kind", "checks": ["ping"], "course": null, "last_seen": null, "first_missing": null,
            "cause": { "statement": statement, "object": "host br0",
                       "place": { "file": "host/br0.netdev", "line": 2, "column": 1, "text": "Kind=dummy" }, "evidence": [] },
            "remedy": null, "proven": null, "not_established": [],
        }])
    }

    fn place(run: &RunReport, file: Option<&str>) -> String {
        annotations(&[Place {
            run,
            scenario: "scenarios/lan/scenario.toml".into(),
            files: vec![file.map(PathBuf::from)],
        }])
    }

    #[test]
    fn a_cause_is_annotated_at_its_line_and_a_failure_without_one_at_the_scenario() {
        let known = run("failed", "no reply", cause("br0 is a dummy"));
        assert_eq!(
            place(&known, Some("scenarios/lan/host/br0.netdev")),
            "::error file=scenarios/lan/host/br0.netdev,line=2,title=lan%3A failed::br0 is a dummy [link.kind], explains 1 checks\n"
        );
        assert_eq!(
            place(&known, None),
            "::error file=scenarios/lan/scenario.toml,title=lan%3A failed::br0 is a dummy [link.kind], explains 1 checks\n"
        );
        assert_eq!(
            place(&run("failed", "no reply", json!([])), None),
            "::error file=scenarios/lan/scenario.toml,title=lan%3A failed::`ping` failed: no reply\n"
        );
        for outcome in ["passed", "skipped", "cancelled"] {
            assert_eq!(
                place(&run(outcome, "no reply", json!([])), None),
                "",
                "{outcome}"
            );
        }
    }

    #[test]
    fn no_text_of_others_is_a_command_of_the_workflow_or_markup_of_the_summary() {
        let words = "100%,\r\n::add-mask::x\n\u{1b}[2J <script> | [a](b) `c` @everyone";
        let hostile = run("failed", words, cause(words));
        let told = place(&hostile, Some("a,b:c"));
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(told.starts_with("::error file=a%2Cb%3Ac,line=2,title=lan%3A failed::100%25,%0A::add-mask::x%0A\\u{1b}"), "{told}");
        let told = summary(&[hostile]);
        assert!(
            !told.contains("<script") && !told.contains("[a](b)") && !told.contains('\u{1b}'),
            "{told}"
        );
        assert!(
            !told.contains("@everyone")
                && !told.lines().any(|line| line.trim_start().starts_with("::")),
            "{told}"
        );
        let row = told
            .lines()
            .find(|line| line.starts_with("| ping |"))
            .expect("a row");
        assert_eq!(row.matches('|').count(), 5, "{row}");
    }

    #[test]
    fn the_summary_has_every_run_and_how_to_repeat_what_did_not_pass() {
        let runs = [
            run("passed", "no reply", json!([])),
            run("failed", "no reply", cause("br0 is a dummy")),
        ];
        let told = summary(&runs);
        for words in [
            "| lan | **passed** | 0 of 1 checks hold | 1.2 s |",
            "| lan | **failed** |",
            "- **br0 is a dummy**, host/br0.netdev:2:1 (link.kind, not proven), explains 1 checks",
            "| ping | host | a reply | no reply |",
            "    bridgelab run lan\n",
            "    /evidence/1/report.html\n",
        ] {
            assert!(told.contains(words), "not there: {words}\n{told}");
        }
        assert_eq!(told.matches("###").count(), 1);
    }
}
