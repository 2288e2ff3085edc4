//! The verdict that a person reads: about ten lines, the evidence's path last.

use std::fmt::Write;

use super::hole::REQUIRED;
use super::judge::{AT_LEAST_ONE, sets};
use super::{CheckOutcome, CheckReport, Outcome, RunReport, causes};
use crate::visible::visible;

/// Checks shown in full; the rest is counted.
const SHOWN: usize = 4;

/// Colours for a terminal; none otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Off,
    /// ANSI colours.
    On,
}

fn paint(text: &str, code: &str, colour: Colour) -> String {
    match colour {
        Colour::Off => text.to_owned(),
        Colour::On => format!("\x1b[{code}m{text}\x1b[0m"),
    }
}

/// One run's verdict. Control characters that guests and commands have put into the report are made visible, so that they cannot
/// colour it.
pub fn verdict(run: &RunReport, colour: Colour) -> String {
    let (word, code) = match run.outcome {
        _ if run.never_began() => ("cancelled".to_owned(), "1;31"),
        Outcome::Passed => ("passed".to_owned(), "1;32"),
        Outcome::Skipped => ("skipped".to_owned(), "1;33"),
        other => (other.to_string(), "1;31"),
    };
    let title = visible(&inner(&run.title())).into_owned();
    let (word, rest) = (paint(&word, code, colour), rest(run));
    format!("{title}: {word}{}", visible(&rest))
}

/// Indents what follows a line break in a text of guests or tools, so that it does not look like a line of the verdict.
fn inner(text: &str) -> String {
    text.replace('\n', "\n    ")
}

/// The verdict, without its first word.
fn rest(run: &RunReport) -> String {
    if run.never_began() {
        return " in the queue\n".to_owned();
    }
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{} in {} on {} ({})",
        counts(run),
        seconds(run.ms),
        inner(&run.accelerator),
        inner(&run.accelerator_reason)
    );
    if let Some(problem) = &run.problem {
        // The problem of a skipped run is a list of what is missing; any other is one error with its causes.
        let joint = if run.outcome == Outcome::Skipped {
            "\n  "
        } else {
            ": "
        };
        let chain: Vec<String> = problem.chain.iter().map(|link| inner(link)).collect();
        let _ = writeln!(text, "  {} [{}]", chain.join(joint), problem.code);
        if let Some(help) = &problem.help {
            let _ = writeln!(text, "  help: {}", inner(help));
        }
    }
    let told = |check: &&CheckReport| check.is_wrong() || is_undecided(check);
    let wrong: Vec<&CheckReport> = run.checks.iter().filter(told).collect();
    if run.outcome != Outcome::Passed {
        let causes = causes::in_short(run);
        // What a cause explains is counted there.
        let shown = if causes.is_empty() { SHOWN } else { 1 };
        text.push_str(&causes);
        for check in wrong.iter().take(shown) {
            let got = inner(&check.got);
            let told = match check.outcome {
                CheckOutcome::Passed => format!("must fail here, and holds: {got}"),
                CheckOutcome::Failed => format!("expected {}; got {got}", inner(&check.expected)),
                CheckOutcome::NotRun => format!("could not be looked at: {got}"),
                CheckOutcome::Skipped => format!("skipped: {got}"),
                CheckOutcome::Undecided => format!("undecided: {got}"),
            };
            let times = if check.attempts == 1 {
                "attempt"
            } else {
                "attempts"
            };
            let _ = writeln!(
                text,
                "  {} from {}: {told} ({} {times}, {})",
                check.id,
                check.from,
                check.attempts,
                seconds(check.ms)
            );
        }
        and_more(&mut text, wrong.len(), shown);
        for step in run.steps.iter().filter(|step| step.ends_the_run()) {
            let _ = writeln!(
                text,
                "  step {}: `{}` is {}: {}",
                step.id,
                inner(&step.command),
                step.outcome.word(),
                inner(&step.said)
            );
        }
        let told_alone = |told: &&String| {
            let of_checks = told.contains("not in the named way") || told.starts_with(AT_LEAST_ONE);
            of_checks || told.starts_with("step ")
        };
        for difference in run.differences.iter().filter(told_alone) {
            let _ = writeln!(text, "  {}", inner(difference));
        }
    } else {
        let red = run
            .checks
            .iter()
            .filter(|check| check.must_fail || !check.any_of.is_empty())
            .filter(|check| check.outcome == CheckOutcome::Failed);
        let red: Vec<&CheckReport> = red.collect();
        for check in red.iter().take(SHOWN) {
            let fails = match check.any_of.as_slice() {
                [] => "fails as it must".to_owned(),
                any_of => format!("fails, as at least one of {} must", any_of.join(", ")),
            };
            let _ = writeln!(text, "  {} {fails}: {}", check.id, inner(&check.got));
        }
        and_more(&mut text, red.len(), SHOWN);
    }
    about_units(&mut text, run);
    let required = match run.outcome {
        Outcome::Failed if run.differences.iter().any(|told| told.contains(REQUIRED)) => {
            ", and everything is required (`--require-all`)"
        }
        _ => "",
    };
    for hole in run.holes.iter().take(SHOWN) {
        let _ = writeln!(text, "  skipped{required}: {}", inner(&hole.to_string()));
    }
    if run.holes.len() > SHOWN {
        let more = run.holes.len() - SHOWN;
        let _ = writeln!(text, "  skipped for {more} more reasons, in report.json");
    }
    for lost in run.unwritten.iter().take(SHOWN) {
        let _ = writeln!(text, "  not written: {}", inner(lost));
    }
    for missing in run.not_gathered.iter().take(SHOWN) {
        let _ = writeln!(text, "  not gathered: {}", inner(missing));
    }
    if run.not_gathered.len() > SHOWN {
        let more = run.not_gathered.len() - SHOWN;
        let _ = writeln!(text, "  and {more} more pieces of evidence, in report.json");
    }
    for left in run.left_running.iter().take(SHOWN) {
        let _ = writeln!(text, "  left running: {}", inner(&left.to_string()));
    }
    if run.left_running.len() > SHOWN {
        let more = run.left_running.len() - SHOWN;
        let _ = writeln!(text, "  left running: {more} more, in report.json");
    }
    for leak in &run.leaks {
        let _ = writeln!(text, "  left behind: {}", inner(leak));
    }
    if !run.stages.is_empty() {
        let stages: Vec<String> = run
            .stages
            .iter()
            .map(|stage| {
                let cut_short = if stage.cut_short { " (cut short)" } else { "" };
                format!("{} {}{cut_short}", stage.name, seconds(stage.ms))
            })
            .collect();
        let _ = writeln!(text, "  stages: {}", stages.join(", "));
    }
    if run.outcome != Outcome::Passed {
        let _ = writeln!(text, "  again: {}", inner(&run.reproduce));
    }
    if let Some(evidence) = &run.evidence {
        let _ = writeln!(text, "  evidence: {}", inner(&evidence.to_string_lossy()));
        if run.outcome != Outcome::Passed {
            let page = evidence.join(super::html::FILE);
            let _ = writeln!(text, "  on one page: {}", inner(&page.to_string_lossy()));
        }
    }
    text
}

/// Counts the checks beyond those that are shown.
fn and_more(text: &mut String, checks: usize, shown: usize) {
    if checks > shown {
        let _ = writeln!(text, "  and {} more in report.json", checks - shown);
    }
}

/// Adds what may be the cause why a run did not pass: what networkd said of unit files, and what was doubtful about them before
/// the run.
fn about_units(text: &mut String, run: &RunReport) {
    if run.outcome == Outcome::Passed {
        return;
    }
    let said = run.units.said.iter().map(ToString::to_string).collect();
    let warnings = run.units.warnings.iter().map(ToString::to_string).collect();
    let parts: [(&str, Vec<String>); 2] = [("networkd said", said), ("unit files", warnings)];
    for (head, lines) in parts {
        if lines.is_empty() {
            continue;
        }
        let _ = writeln!(text, "  {head}:");
        for line in lines.iter().take(SHOWN) {
            let _ = writeln!(text, "    {}", inner(line));
        }
        if lines.len() > SHOWN {
            let _ = writeln!(text, "    and {} more in report.json", lines.len() - SHOWN);
        }
    }
}

/// The closing line for several runs.
pub fn summary(runs: &[RunReport]) -> String {
    let count = |wanted: &[Outcome]| {
        runs.iter()
            .filter(|run| wanted.contains(&run.outcome))
            .count()
    };
    let cancelled = match count(&[Outcome::Cancelled]) {
        0 => String::new(),
        runs => format!(", {runs} cancelled"),
    };
    let holes = runs
        .iter()
        .filter(|run| run.outcome == Outcome::Passed && !run.holes.is_empty())
        .count();
    let with_holes = match holes {
        0 => String::new(),
        some => format!(" ({some} with something skipped)"),
    };
    format!(
        "{} passed{with_holes}, {} failed, {} skipped{cancelled}",
        count(&[Outcome::Passed]),
        count(&[Outcome::Failed, Outcome::Broken, Outcome::TimedOut]),
        count(&[Outcome::Skipped])
    )
}

/// Whether the check was being looked at when the run ended.
fn is_undecided(check: &CheckReport) -> bool {
    check.outcome == CheckOutcome::Undecided && check.attempts > 0
}

/// The word under which a check is counted that neither holds nor fails.
fn unseen(check: &CheckReport) -> Option<&'static str> {
    match check.outcome {
        CheckOutcome::Passed | CheckOutcome::Failed => None,
        CheckOutcome::Skipped => Some("skipped"),
        CheckOutcome::Undecided if is_undecided(check) => Some("undecided"),
        CheckOutcome::Undecided | CheckOutcome::NotRun => Some("not looked at"),
    }
}

/// How many checks hold, or fail as they must: ` (75 of 84 checks hold, 9 skipped)`; empty where there are none.
pub(in crate::report) fn counts(run: &RunReport) -> String {
    if run.checks.is_empty() {
        return String::new();
    }
    let hold = run
        .checks
        .iter()
        .filter(|check| check.outcome == CheckOutcome::Passed)
        .count();
    let sets = sets(&run.checks);
    let chosen: usize = sets.iter().map(Vec::len).sum();
    let alone = run.checks.iter().filter(|check| check.must_fail).count();
    // A set counts as one thing that must fail, whichever of its checks does.
    let must_fail = alone + sets.len();
    let wanted = run.checks.len() - alone - chosen;
    let told = run.checks.iter().filter_map(unseen);
    let told: Vec<&str> = told.collect();
    let unseen: String = ["skipped", "undecided", "not looked at"]
        .into_iter()
        .map(|word| (told.iter().filter(|one| **one == word).count(), word))
        .filter(|(some, _)| *some > 0)
        .map(|(some, word)| format!(", {some} {word}"))
        .collect();
    let fails = |check: &&CheckReport| {
        check.outcome == CheckOutcome::Failed && run.difference(check).is_none()
    };
    let alone = run.checks.iter().filter(|check| check.must_fail);
    let failed = alone.filter(&fails).count();
    let of_sets = sets.iter().filter(|set| set.iter().any(&fails));
    let failed = failed + of_sets.count();
    if must_fail == 0 {
        format!(" ({hold} of {wanted} checks hold{unseen})")
    } else {
        let held = run
            .checks
            .iter()
            .filter(|check| !check.must_fail && check.any_of.is_empty())
            .filter(|check| check.outcome == CheckOutcome::Passed)
            .count();
        format!(
            " ({held} of {wanted} checks hold, {failed} of {must_fail} fail as they must{unseen})"
        )
    }
}

pub(in crate::report) fn seconds(ms: u64) -> String {
    if ms < 1000 {
        format!("{ms} ms")
    } else {
        format!("{}.{} s", ms / 1000, ms % 1000 / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{LeftRunning, StageReport};

    fn run() -> RunReport {
        RunReport {
            scenario: "simple-network".to_owned(),
            variant: None,
            outcome: Outcome::Failed,
            problem: None,
            differences: vec!["`guest-ping` failed: no reply".to_owned()],
            accelerator: "tcg".to_owned(),
            accelerator_reason: "no vmx or svm".to_owned(),
            lab: Default::default(),
            guests: Vec::new(),
            checks: vec![
                CheckReport {
                    id: "host-ping".to_owned(),
                    from: "host".to_owned(),
                    kind: "ping".to_owned(),
                    outcome: CheckOutcome::Passed,
                    must_fail: false,
                    any_of: Vec::new(),
                    expected: "a reply from 192.168.1.1".to_owned(),
                    got: "a reply from 192.168.1.1".to_owned(),
                    attempts: 1,
                    at_ms: 0,
                    ms: 3,
                    seen: Vec::new(),
                },
                CheckReport {
                    id: "guest-ping".to_owned(),
                    from: "test1".to_owned(),
                    kind: "ping".to_owned(),
                    outcome: CheckOutcome::Failed,
                    must_fail: false,
                    any_of: Vec::new(),
                    expected: "a reply from 192.168.1.1".to_owned(),
                    got: "no reply".to_owned(),
                    attempts: 12,
                    at_ms: 0,
                    ms: 30_120,
                    seen: Vec::new(),
                },
            ],
            steps: Vec::new(),
            stages: vec![StageReport {
                name: "topology".to_owned(),
                at_ms: 0,
                ms: 24,
                cut_short: false,
            }],
            waits: Vec::new(),
            units: Default::default(),
            versions: std::collections::BTreeMap::new(),
            leaks: Vec::new(),
            left_running: Vec::new(),
            unwritten: Vec::new(),
            not_gathered: Vec::new(),
            holes: Vec::new(),
            diagnosis: Vec::new(),
            evidence: Some("/evidence/1".into()),
            reproduce: "bridgelab run simple-network".to_owned(),
            started: None,
            ms: 61_900,
        }
    }

    #[test]
    fn a_failure_says_which_check_from_where_what_was_expected_and_seen() {
        let expected = "\
simple-network: failed (1 of 2 checks hold) in 61.9 s on tcg (no vmx or svm)
  guest-ping from test1: expected a reply from 192.168.1.1; got no reply (12 attempts, 30.1 s)
  stages: topology 24 ms
  again: bridgelab run simple-network
  evidence: /evidence/1
  on one page: /evidence/1/report.html
";
        assert_eq!(verdict(&run(), Colour::Off), expected);
    }

    #[test]
    fn what_a_guest_says_neither_moves_a_cursor_nor_forges_a_line() {
        let mut run = run();
        let hostile = "\u{1b}[2J\u{9b}1mok\r\u{202e}\n  evidence: /forged";
        run.checks[1].got = hostile.to_owned();
        run.scenario = hostile.to_owned();
        run.accelerator_reason = hostile.to_owned();
        run.reproduce = hostile.to_owned();
        run.leaks = vec![hostile.to_owned()];
        run.left_running = vec![LeftRunning {
            machine: "router".to_owned(),
            process: 7,
            command: hostile.to_owned(),
        }];
        for colour in [Colour::Off, Colour::On] {
            let text = verdict(&run, colour);
            let forged = text.lines().filter(|line| line.starts_with("  evidence: "));
            assert_eq!(
                forged.collect::<Vec<_>>(),
                ["  evidence: /evidence/1"],
                "{text}"
            );
            let ours = text.replace("\u{1b}[1;31mfailed\u{1b}[0m", "failed");
            assert!(
                ours.chars().all(|c| c == '\n' || !c.is_control()),
                "{text:?}"
            );
            assert!(
                !text.contains('\u{202e}') && text.contains(r"\u{1b}[2J\u{9b}1mok\u{d}\u{202e}"),
                "{text}"
            );
        }
        let report = crate::report::Report {
            schema: crate::report::SCHEMA,
            runs: vec![run],
        };
        let xml = crate::report::junit::render(&report).expect("XML");
        let legal = |c: char| c == '\n' || (!c.is_control() && c != '\u{202e}');
        assert!(xml.chars().all(legal), "{xml:?}");
        let json = serde_json::to_string(&report).expect("JSON");
        assert!(
            json.contains("\\u001b[2J"),
            "the report keeps the exact text: {json}"
        );
    }

    #[test]
    fn a_variant_shows_what_failed_as_it_must() {
        let mut run = run();
        run.variant = Some("tap-outside-match".to_owned());
        run.outcome = Outcome::Passed;
        run.differences.clear();
        run.checks[1].must_fail = true;
        let expected = "\
simple-network/tap-outside-match: passed (1 of 1 checks hold, 1 of 1 fail as they must) in 61.9 s on tcg (no vmx or svm)
  guest-ping fails as it must: no reply
  stages: topology 24 ms
  evidence: /evidence/1
";
        assert_eq!(verdict(&run, Colour::Off), expected);
    }
}
