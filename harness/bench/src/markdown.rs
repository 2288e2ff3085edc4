//! Tables for people: a section for each benchmark, and its place in a document.

use std::fmt::Write;

use super::machine::Machine;
use super::record::{BenchRecord, Figure, Record, SubjectRecord, Target};

/// Where a section begins in a document; the name follows.
const BEGIN: &str = "<!-- bridgelab bench ";
/// Where it ends.
const END: &str = "<!-- end -->";

/// A benchmark's section: what it is, on which machine, the table, what was left out.
pub(super) fn section(bench: &BenchRecord, machine: &Machine) -> String {
    let mut text = format!("{BEGIN}{} -->\n", bench.name);
    let _ = writeln!(text, "## {}\n\n{}\n", bench.name, bench.about);
    let rounds = match bench.rounds {
        1 => "one round".to_owned(),
        many => format!("{many} rounds in turn, median (range)"),
    };
    let _ = writeln!(text, "{rounds}; {machine}\n");
    text.push_str(&table(bench));
    let left_out = bench.subjects.iter().filter_map(|subject| {
        let skipped = subject.skipped.as_ref();
        let skipped = skipped.map(|why| format!("skipped: because {why}"));
        let failed = subject.failed.as_ref().map(|why| format!("failed: {why}"));
        let why = skipped.or(failed)?;
        // One line each, whatever a program said.
        let why: Vec<&str> = why.split_whitespace().collect();
        Some(format!("`{}` {}", subject.name, why.join(" ")))
    });
    let notes: Vec<String> = left_out.chain(bench.notes.iter().cloned()).collect();
    if !notes.is_empty() {
        text.push('\n');
    }
    for note in notes {
        let _ = writeln!(text, "- {note}");
    }
    let _ = writeln!(text, "{END}");
    text
}

/// The table: a row for each figure, a column for each subject, one for each ratio, and one for the targets.
fn table(bench: &BenchRecord) -> String {
    let measured = |subject: &&SubjectRecord| {
        let cells = bench.figures.iter();
        cells
            .flat_map(|figure| figure.cell(&subject.name))
            .next()
            .is_some()
    };
    let subjects: Vec<&SubjectRecord> = bench.subjects.iter().filter(measured).collect();
    let Some(ours) = bench.subjects.first().map(|subject| subject.name.as_str()) else {
        return String::new();
    };
    // Nothing is compared with what nobody measured.
    let compared = subjects.iter().any(|subject| subject.name == ours);
    let baselines: Vec<&str> = subjects
        .iter()
        .filter(|subject| compared && subject.baseline)
        .map(|subject| subject.name.as_str())
        .collect();
    let targets = bench.figures.iter().any(|figure| figure.target.is_some());
    let mut rows = vec![heading(&subjects, ours, &baselines, targets)];
    for figure in &bench.figures {
        let mut row = vec![figure.what.clone()];
        row.extend(subjects.iter().map(|subject| {
            let cell = figure.cell(&subject.name);
            cell.map_or_else(String::new, |cell| cell.show(figure.unit))
        }));
        row.extend(baselines.iter().map(|baseline| {
            let ratio = figure.ratio(ours, baseline);
            ratio.map_or_else(String::new, |ratio| format!("{ratio:.1}"))
        }));
        if targets {
            row.push(target(figure, ours));
        }
        rows.push(row);
    }
    let columns = rows[0].len();
    let right = vec!["--:"; columns - 1];
    rows.insert(
        1,
        std::iter::once("---")
            .chain(right)
            .map(str::to_owned)
            .collect(),
    );
    rows.iter().fold(String::new(), |mut text, row| {
        let _ = writeln!(text, "| {} |", row.join(" | "));
        text
    })
}

fn heading(
    subjects: &[&SubjectRecord],
    ours: &str,
    baselines: &[&str],
    targets: bool,
) -> Vec<String> {
    let mut heading = vec![String::new()];
    heading.extend(subjects.iter().map(|subject| subject.name.clone()));
    heading.extend(
        baselines
            .iter()
            .map(|baseline| format!("{baseline} / {ours}")),
    );
    if targets {
        heading.push("target".to_owned());
    }
    heading
}

fn target(figure: &Figure, ours: &str) -> String {
    let wanted = match &figure.target {
        None => return String::new(),
        Some(Target::AtMost(most)) => format!("at most {}", figure.unit.show(*most)),
        Some(Target::TimesBelow(baseline, times)) => format!("{baseline} / {times}"),
    };
    match figure.reached(ours) {
        None => format!("{wanted}: not measured"),
        Some(true) => format!("{wanted}: reached"),
        Some(false) => format!("{wanted}: **missed**"),
    }
}

/// The sections of a record, one after another.
pub fn sections(record: &Record) -> String {
    let sections = record.benches.iter();
    let sections: Vec<String> = sections
        .map(|bench| section(bench, &record.machine))
        .collect();
    sections.join("\n")
}

/// `document` with the record's sections in the place of those of the same name, and at its end where there are none.
pub fn merge(document: &str, record: &Record) -> String {
    let mut document = document.to_owned();
    for bench in &record.benches {
        let new = section(bench, &record.machine);
        let begin = format!("{BEGIN}{} -->\n", bench.name);
        let place = document.find(&begin).and_then(|from| {
            let end = document[from..].find(END)? + from + END.len();
            let end = end + usize::from(document[end..].starts_with('\n'));
            Some(from..end)
        });
        match place {
            Some(place) => document.replace_range(place, &new),
            None => {
                if !document.is_empty() {
                    document.push('\n');
                }
                document.push_str(&new);
            }
        }
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rounds::{Sample, Stop, Subject};

    fn subject(name: &str, samples: &[(&str, f64)]) -> Subject {
        let samples = samples.iter().map(|(what, ms)| Sample::ms(*what, *ms));
        Subject {
            name: name.to_owned(),
            stopped: None,
            rounds: vec![samples.collect()],
        }
    }

    fn record() -> Record {
        let mut peer = subject("peer", &[]);
        peer.stopped = Some(Stop::Skipped("there is\nno compiler".to_owned()));
        let measured = [
            subject("ours", &[("up", 12.0), ("down", 3.0)]),
            subject("ip", &[("up", 54.0)]),
            peer,
        ];
        let bench = BenchRecord::new("page", "The page's network.", 1, &measured)
            .baselines(&["ip", "peer"])
            .target("up", Target::TimesBelow("ip".to_owned(), 3.0))
            .target("down", Target::AtMost(2.5))
            .note("`ip` captures nothing.");
        Record {
            schema: crate::record::SCHEMA,
            machine: Machine::example(),
            benches: vec![bench],
        }
    }

    #[test]
    fn a_section_says_all_that_was_found() {
        let record = record();
        insta::assert_snapshot!(sections(&record));
    }

    #[test]
    fn nothing_is_compared_with_what_nobody_measured() {
        let mut ours = subject("template", &[]);
        ours.stopped = Some(Stop::Skipped("there is none".to_owned()));
        let measured = [ours, subject("cold", &[("up", 12.0)])];
        let bench = BenchRecord::new("guests", "", 1, &measured).baselines(&["cold"]);
        let target = Target::TimesBelow("cold".to_owned(), 4.0);
        let text = table(&bench.target("up", target));
        let wanted = "|  | cold | target |\n| --- | --: | --: |\n| up | 12.0 ms | cold / 4: not measured |\n";
        assert_eq!(text, wanted);
    }

    #[test]
    fn a_section_takes_the_place_of_its_older_self_and_leaves_the_rest() {
        let record = record();
        let new = section(&record.benches[0], &record.machine);
        let old = format!(
            "# Performance\n\nProse.\n\n{BEGIN}page -->\nold\n{END}\n\n{BEGIN}suite -->\nkept\n{END}\n"
        );
        let merged = merge(&old, &record);
        let wanted = format!("# Performance\n\nProse.\n\n{new}\n{BEGIN}suite -->\nkept\n{END}\n");
        assert_eq!(merged, wanted);
        assert_eq!(merge(&merged, &record), merged, "twice is once");
        assert_eq!(merge("", &record), new);
        assert_eq!(merge("Prose.\n", &record), format!("Prose.\n\n{new}"));
    }
}
