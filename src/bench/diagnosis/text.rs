//! What was measured, for people: tables in Markdown. Pure.

use std::fmt::Write;

use bridgelab_harness::visible::visible;

use super::figures::{Figures, Spread};
use super::record::Record;
use crate::mutate::interval::Rate;
use crate::mutate::named::Named;
use crate::mutate::verdict::Verdict;

/// All of it.
pub(super) fn text(record: &Record) -> String {
    let mut out = String::new();
    let Figures {
        scenarios,
        verdicts,
        stale,
        ..
    } = &record.figures;
    let told = Verdict::ALL.iter().filter_map(|verdict| {
        let count = verdicts.get(verdict)?;
        Some(format!("{count} {}", verdict.word()))
    });
    let told: Vec<String> = told.collect();
    let _ = writeln!(
        out,
        "{} with seed {}: {scenarios} scenarios; single mutants: {}; stale: {stale}{}\n",
        record.corpus,
        record.seed,
        match told.is_empty() {
            true => "none".to_owned(),
            false => told.join(", "),
        },
        match record.interrupted {
            true => "; interrupted, so some are missing",
            false => "",
        }
    );
    table(&mut out, &record.figures);
    let stale = record.stale.iter();
    listed(
        &mut out,
        "stale, so not measured",
        stale.map(|one| format!("{}: {}: {}", one.scenario, one.id, one.why)),
    );
    let greens = record.greens.iter();
    listed(
        &mut out,
        "not measured at all",
        greens.filter_map(|one| Some(format!("{}: {}", one.scenario, one.problem.as_ref()?))),
    );
    let wrong = record
        .mutants
        .iter()
        .filter(|one| one.things == 1 && one.best() == Some(Named::Wrong));
    listed(
        &mut out,
        "another place was named with confidence",
        wrong.map(|one| {
            let first = one.diagnosis.first();
            let cause = first.map(|first| (first.code, first.cause.place.as_ref()));
            let said = match cause {
                Some((code, Some(place))) => format!("{code} at {place}"),
                _ => "nothing".to_owned(),
            };
            format!("{}: {}: it says {said}", one.scenario, one.id)
        }),
    );
    out
}

/// A row for each figure; a figure of nothing is not told.
fn table(out: &mut String, figures: &Figures) {
    out.push_str("| | | wanted |\n|---|---|---|\n");
    let rates: [(&str, Rate, &str); 14] = [
        ("caught, of those with a verdict", figures.caught, ""),
        ("right hop, of those where it is known", figures.hop, "98 %"),
        ("the same, without a neighbour of it", figures.hop_same, ""),
        ("what was broken is named first", figures.first, "90 %"),
        ("within three", figures.within_three, "97 %"),
        (
            "another place, with confidence",
            figures.wrong,
            "at most 1 %",
        ),
        ("not known, or nothing said", figures.unknown, "at most 8 %"),
        (
            "remedy proven, of all that were caught",
            figures.proven,
            "80 %",
        ),
        (
            "remedy proven, of those that were tried",
            figures.proven_of_tried,
            "",
        ),
        (
            "baseline: the first failed check's words name the file",
            figures.words,
            "",
        ),
        (
            "baseline: always the line that is broken most often",
            figures.most_often,
            "",
        ),
        (
            "pairs: one of both is named first",
            figures.double_first,
            "all",
        ),
        (
            "pairs: behind its remedy the other one",
            figures.double_second,
            "all",
        ),
        (
            "green runs that did not pass",
            Rate::new(figures.green_red, figures.green_runs + figures.green_red),
            "0",
        ),
    ];
    for (what, rate, wanted) in rates.iter().filter(|(_, rate, _)| rate.of > 0) {
        let _ = writeln!(out, "| {what} | {rate} | {wanted} |");
    }
    let Figures {
        green_diagnoses,
        diagnosis_s,
        green_s,
        red_s,
        ..
    } = figures;
    let _ = writeln!(out, "| causes said in green runs | {green_diagnoses} | 0 |");
    for (what, spread, wanted) in [
        (
            "seconds of a red run that the diagnosis takes",
            diagnosis_s,
            "2",
        ),
        ("seconds of a green run", green_s, ""),
        ("seconds of a red run with all its patience", red_s, ""),
    ] {
        if spread.of > 0 {
            let Spread {
                of,
                median,
                highest,
            } = spread;
            let _ = writeln!(
                out,
                "| {what} | median {median:.1}, highest {highest:.1}, of {of} | {wanted} |"
            );
        }
    }
    if green_s.median > 0.0 && red_s.of > 0 {
        let times = red_s.median / green_s.median;
        let _ = writeln!(
            out,
            "| red median / green median | {times:.1} | at most 1.5 |"
        );
    }
}

fn listed(out: &mut String, what: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{what}:\n");
    for line in lines {
        let _ = writeln!(out, "- {}", visible(&line));
    }
}
