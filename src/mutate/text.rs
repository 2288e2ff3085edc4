//! The report in words, as Markdown that reads as it stands.

use std::fmt::Write;

use bridgelab_harness::visible::visible;

use super::named::Named;
use super::record::{Figures, MutationReport, ScenarioRecord};
use super::verdict::Verdict;

/// Most lines of one kind in a report that people read; the rest is in `--json`.
const MOST: usize = 40;

/// All scenarios.
pub(crate) fn text(report: &MutationReport) -> String {
    let mut out = String::new();
    for scenario in &report.scenarios {
        of_scenario(&mut out, scenario);
    }
    if report.scenarios.len() > 1 {
        let _ = writeln!(
            out,
            "all {} scenarios: {}",
            report.scenarios.len(),
            counts(&report.total)
        );
        of_figures(&mut out, &report.total);
    }
    out
}

fn of_scenario(out: &mut String, one: &ScenarioRecord) {
    let _ = writeln!(
        out,
        "{}: {} of {} mutants: {}",
        one.scenario,
        one.mutants.len(),
        one.possible,
        counts(&one.figures)
    );
    of_figures(out, &one.figures);
    let _ = writeln!(
        out,
        "  lines that a check misses, of those tried: {}",
        one.lines
    );
    let unseen = one.unseen.iter().map(|line| {
        let why = match line.changes_state {
            true => "no check misses it",
            false => "no check misses it, and the lab is the same without it",
        };
        format!("{}:{} {}: {why}", line.file.display(), line.line, line.text)
    });
    listed(out, unseen.collect());
    let missed = one
        .mutants
        .iter()
        .filter(|it| it.verdict == Verdict::Missed);
    let missed = missed.map(|it| {
        format!(
            "missed: {}: {} ({})",
            it.id,
            change(&it.before, &it.after),
            it.why
        )
    });
    listed(out, missed.collect());
    let broken = [Verdict::Broken, Verdict::TimedOut, Verdict::Skipped];
    let broken = one.mutants.iter().filter(|it| broken.contains(&it.verdict));
    let broken = broken.map(|it| format!("{}: {}: {}", it.verdict.word(), it.id, it.why));
    listed(out, broken.collect());
}

/// What was changed into what, each by its first line.
pub(crate) fn change(before: &str, after: &str) -> String {
    let first = |text: &str| {
        let mut lines = text.lines();
        let line = lines.next().unwrap_or_default().to_owned();
        if lines.next().is_some() {
            format!("{line} ...")
        } else {
            line
        }
    };
    match (before.is_empty(), after.is_empty()) {
        (true, _) => format!("added {}", after.lines().collect::<Vec<_>>().join(" ")),
        (_, true) => format!("without {}", first(before)),
        _ => format!("{} -> {}", first(before), first(after)),
    }
}

fn of_figures(out: &mut String, figures: &Figures) {
    let _ = writeln!(out, "  mutation score: {}", figures.score);
    if figures.named.keys().all(|named| *named == Named::Nothing) {
        return;
    }
    let _ = writeln!(
        out,
        "  diagnosis names what was broken first: {}",
        figures.first
    );
    let _ = writeln!(out, "  within three: {}", figures.within_three);
    let _ = writeln!(out, "  another place, with confidence: {}", figures.wrong);
}

fn listed(out: &mut String, lines: Vec<String>) {
    for line in lines.iter().take(MOST) {
        let _ = writeln!(out, "  - {}", visible(line));
    }
    if lines.len() > MOST {
        let _ = writeln!(out, "  - and {} more, in `--json`", lines.len() - MOST);
    }
}

/// The counts that are not 0: `12 caught, 3 missed`.
pub(crate) fn counts(figures: &Figures) -> String {
    let told = Verdict::ALL.iter().filter_map(|verdict| {
        let count = figures.verdicts.get(verdict)?;
        Some(format!("{count} {}", verdict.word()))
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() {
        "none".to_owned()
    } else {
        told.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_by_its_first_line() {
        assert_eq!(change("A=1", "A=2"), "A=1 -> A=2");
        assert_eq!(change("[X]\nA=1", ""), "without [X] ...");
        assert_eq!(change("", "[X]\nA=1"), "added [X] A=1");
    }
}
