//! The table as Markdown.

use std::fmt::Write;

use super::differences::told_mtu;
use super::table::{Combination, Difference, SideBySide};
use crate::report::text::seconds;
use crate::report::{CheckOutcome, NicReport, RunReport};

/// Columns behind the axes.
const RESULTS: [&str; 5] = [
    "verdict",
    "checks that hold",
    "NIC in the guest",
    "MTU told",
    "time",
];

/// The table, what differs, what has no verdict, and what it was measured with.
pub(super) fn markdown(side_by_side: &SideBySide) -> String {
    let first = side_by_side
        .combinations
        .first()
        .map(|one| one.form.as_str());
    let forms = side_by_side
        .combinations
        .iter()
        .any(|one| Some(one.form.as_str()) != first);
    let mut heading = vec!["#".to_owned()];
    heading.extend(forms.then(|| "form".to_owned()));
    heading.extend(side_by_side.axes.iter().cloned());
    heading.extend(RESULTS.map(str::to_owned));
    let mut rows = vec![heading];
    for (at, one) in side_by_side.combinations.iter().enumerate() {
        let mut row = vec![(at + 1).to_string()];
        row.extend(forms.then(|| one.form.clone()));
        row.extend(one.values.iter().cloned());
        row.extend(results(one));
        rows.push(row);
    }
    let mut text = table(&rows);
    if !side_by_side.differences.is_empty() {
        text.push_str("\nWhat differs:\n\n");
        for difference in &side_by_side.differences {
            text.push_str(&item(difference, forms));
        }
    }
    let unseen = side_by_side.combinations.iter().enumerate();
    let unseen = unseen.filter_map(|(at, one)| Some((at + 1, one, one.reason.as_ref()?)));
    let unseen: Vec<_> = unseen.collect();
    if !unseen.is_empty() {
        text.push_str("\nWithout a verdict:\n\n");
        let mut told: Vec<(String, Vec<usize>)> = Vec::new();
        for (row, one, reason) in unseen {
            let reason: Vec<&str> = reason.split_whitespace().collect();
            let how = if one.ran().is_some() { "" } else { "not run: " };
            let reason = format!("{how}{}", reason.join(" "));
            match told.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, rows)) => rows.push(row),
                None => told.push((reason, vec![row])),
            }
        }
        for (reason, rows) in told {
            let _ = writeln!(text, "- {}: {reason}", listed(&rows));
        }
    }
    if !side_by_side.versions.is_empty() {
        let versions = side_by_side.versions.iter();
        let versions = versions.filter(|(what, _)| !what.starts_with("image."));
        let versions: Vec<_> = versions
            .map(|(what, version)| format!("{what} {version}"))
            .collect();
        let _ = writeln!(text, "\nWith {}.", versions.join(", "));
    }
    text
}

fn results(one: &Combination) -> [String; RESULTS.len()] {
    let Some(run) = one.ran() else {
        return Default::default();
    };
    let hold = run.checks.iter();
    let hold = hold
        .filter(|check| check.outcome == CheckOutcome::Passed)
        .count();
    let checks = match (run.checks.len(), skipped(run)) {
        (0, _) => String::new(),
        (all, 0) => format!("{hold} of {all}"),
        (all, skipped) => format!("{hold} of {all}, {skipped} skipped"),
    };
    [
        run.outcome.to_string(),
        checks,
        of_nics(run, |nic| nic.nic.name.clone()),
        of_nics(run, told_mtu),
        seconds(run.ms),
    ]
}

fn skipped(run: &RunReport) -> usize {
    let checks = run.checks.iter();
    checks
        .filter(|check| check.outcome == CheckOutcome::Skipped)
        .count()
}

/// A fact of every NIC of the scenario, each value once.
fn of_nics(run: &RunReport, fact: impl Fn(&NicReport) -> String) -> String {
    let mut values: Vec<String> = Vec::new();
    for nic in run.guests.iter().flat_map(|guest| &guest.nics) {
        let value = fact(nic);
        if nic.id.is_some() && !values.contains(&value) {
            values.push(value);
        }
    }
    values.join(", ")
}

/// `rows 1, 3`.
fn listed(rows: &[usize]) -> String {
    let numbers: Vec<String> = rows.iter().map(ToString::to_string).collect();
    match rows {
        [_] => format!("row {}", numbers.join("")),
        _ => format!("rows {}", numbers.join(", ")),
    }
}

fn item(difference: &Difference, with_form: bool) -> String {
    let form = match with_form {
        true => format!("{}: ", difference.form),
        false => String::new(),
    };
    let expected = difference.expected.as_ref();
    let expected = expected.map(|what| format!(" (expected: {what})"));
    let mut text = format!(
        "- {form}{}{}\n",
        difference.about,
        expected.unwrap_or_default()
    );
    for sight in &difference.sights {
        let _ = writeln!(text, "  - {}: {}", listed(&sight.rows), sight.seen);
    }
    text
}

/// A table with columns of one width, so that it can be read as text.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let escaped = |cell: &String| cell.replace('|', "\\|");
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widths = cells.map(|cell| escaped(cell).chars().count());
        widths.max().unwrap_or(0).max(3)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        text.push('|');
        for (cell, &width) in row.iter().zip(&widths) {
            let _ = write!(text, " {:width$} |", escaped(cell));
        }
        text.push('\n');
        if at == 0 {
            text.push('|');
            for &width in &widths {
                let _ = write!(text, "{}|", "-".repeat(width + 2));
            }
            text.push('\n');
        }
    }
    text
}
