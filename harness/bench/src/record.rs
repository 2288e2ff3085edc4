//! What a benchmark found, as data: the JSON of `bench --json`, documented in `harness/docs/performance.md`.

use serde::{Deserialize, Serialize};

use super::machine::Machine;
use super::rounds::{Stop, Subject};
use super::series::{Series, Unit};

/// Version of this shape.
pub(super) const SCHEMA: u32 = 1;

/// All benchmarks of one call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// [`SCHEMA`].
    pub(super) schema: u32,
    /// Where it was measured, and when it began.
    pub(super) machine: Machine,
    /// In the order in which they were made.
    pub(super) benches: Vec<BenchRecord>,
}

impl Record {
    /// Whether anything that was measured did not do its work.
    pub fn any_failed(&self) -> bool {
        self.subjects().any(|subject| subject.failed.is_some())
    }

    /// Whether this host could not measure something.
    pub fn any_skipped(&self) -> bool {
        self.subjects().any(|subject| subject.skipped.is_some())
    }

    fn subjects(&self) -> impl Iterator<Item = &SubjectRecord> {
        self.benches.iter().flat_map(|bench| &bench.subjects)
    }
}

/// One benchmark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct BenchRecord {
    pub(super) name: String,
    /// What is measured, in a sentence or two.
    pub(super) about: String,
    pub(super) rounds: usize,
    /// Columns. The first is ours where the others are baselines.
    pub(super) subjects: Vec<SubjectRecord>,
    /// Rows.
    pub(super) figures: Vec<Figure>,
    /// What the numbers alone do not say.
    pub(super) notes: Vec<String>,
}

/// Who was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SubjectRecord {
    pub(super) name: String,
    /// Whether the first subject is compared with it.
    pub(super) baseline: bool,
    /// Why this host cannot measure it.
    pub(super) skipped: Option<String>,
    /// Why its times say nothing.
    pub(super) failed: Option<String>,
}

/// A row: one thing, of each subject that has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Figure {
    pub(super) what: String,
    pub(super) unit: Unit,
    pub(super) cells: Vec<Cell>,
    /// What the first subject is to reach.
    pub(super) target: Option<Target>,
}

/// A row's numbers of one subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Cell {
    pub(super) subject: String,
    pub(super) median: f64,
    pub(super) lowest: f64,
    pub(super) highest: f64,
    /// In the order in which they were measured.
    pub(super) values: Vec<f64>,
}

/// What a figure's median is to reach.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Target {
    /// At most this, in the row's unit.
    AtMost(f64),
    /// So many times below that baseline.
    TimesBelow(String, f64),
}

impl Figure {
    /// A subject's numbers.
    pub(super) fn cell(&self, subject: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.subject == subject)
    }

    /// How many times a baseline's median is that of `subject`.
    pub(super) fn ratio(&self, subject: &str, baseline: &str) -> Option<f64> {
        let (ours, theirs) = (self.cell(subject)?, self.cell(baseline)?);
        (ours.median > 0.0).then(|| theirs.median / ours.median)
    }

    /// Whether `subject` reaches the target; `None` without one, or without the numbers for it.
    pub(super) fn reached(&self, subject: &str) -> Option<bool> {
        match self.target.as_ref()? {
            Target::AtMost(most) => Some(self.cell(subject)?.median <= *most),
            Target::TimesBelow(baseline, times) => Some(self.ratio(subject, baseline)? >= *times),
        }
    }
}

impl Cell {
    /// Median and range in words.
    pub(super) fn show(&self, unit: Unit) -> String {
        Series::new(self.values.clone()).map_or_else(String::new, |series| series.show(unit))
    }
}

impl BenchRecord {
    /// From what was measured. Rows come in the order in which they first appear.
    pub(super) fn new(name: &str, about: &str, rounds: usize, measured: &[Subject]) -> Self {
        let mut figures: Vec<Figure> = Vec::new();
        for sample in measured
            .iter()
            .flat_map(|subject| subject.rounds.iter().flatten())
        {
            if !figures.iter().any(|figure| figure.what == sample.what) {
                let cells = measured.iter();
                let cells = cells.filter_map(|subject| cell(subject, &sample.what));
                figures.push(Figure {
                    what: sample.what.clone(),
                    unit: sample.unit,
                    cells: cells.collect(),
                    target: None,
                });
            }
        }
        let subjects = measured.iter().map(|subject| SubjectRecord {
            name: subject.name.clone(),
            baseline: false,
            skipped: match &subject.stopped {
                Some(Stop::Skipped(why)) => Some(why.clone()),
                _ => None,
            },
            failed: match &subject.stopped {
                Some(Stop::Failed(why)) => Some(why.clone()),
                _ => None,
            },
        });
        Self {
            name: name.to_owned(),
            about: about.to_owned(),
            rounds,
            subjects: subjects.collect(),
            figures,
            notes: Vec::new(),
        }
    }

    /// Compares the first subject with these.
    pub(super) fn baselines(mut self, names: &[&str]) -> Self {
        for subject in &mut self.subjects {
            subject.baseline = names.contains(&subject.name.as_str());
        }
        self
    }

    /// Sets the target of a row, if it was measured.
    pub(super) fn target(mut self, what: &str, target: Target) -> Self {
        if let Some(figure) = self.figures.iter_mut().find(|figure| figure.what == what) {
            figure.target = Some(target);
        }
        self
    }

    /// Adds a note.
    pub(super) fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }
}

fn cell(subject: &Subject, what: &str) -> Option<Cell> {
    let samples = subject.rounds.iter().flatten();
    let values = samples.filter(|sample| sample.what == what);
    let series = Series::new(values.map(|sample| sample.value).collect())?;
    let (lowest, highest) = series.range();
    Some(Cell {
        subject: subject.name.clone(),
        median: series.median(),
        lowest,
        highest,
        values: series.values().to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rounds::Sample;

    fn subject(name: &str, times: &[f64]) -> Subject {
        Subject {
            name: name.to_owned(),
            stopped: None,
            rounds: times.iter().map(|ms| vec![Sample::ms("up", *ms)]).collect(),
        }
    }

    #[test]
    fn a_target_is_judged_by_medians() {
        let measured = [
            subject("ours", &[10.0, 12.0, 50.0]),
            subject("theirs", &[36.0, 30.0, 90.0]),
        ];
        let record = BenchRecord::new("page", "", 3, &measured);
        let three = Target::TimesBelow("theirs".to_owned(), 3.0);
        let record = record
            .target("up", three)
            .target("down", Target::AtMost(1.0));
        let figure = &record.figures[0];
        assert_eq!(figure.ratio("ours", "theirs"), Some(3.0));
        assert_eq!(figure.reached("ours"), Some(true));
        let strict = record.clone().target("up", Target::AtMost(11.9));
        assert_eq!(strict.figures[0].reached("ours"), Some(false));
        assert_eq!(strict.figures[0].reached("absent"), None);
        assert_eq!(
            record.figures.len(),
            1,
            "a row that nobody measured is none"
        );
    }

    #[test]
    fn a_subject_that_stopped_keeps_its_column_and_its_reason() {
        let mut absent = subject("peer", &[]);
        absent.stopped = Some(Stop::Skipped("no compiler".to_owned()));
        let record = BenchRecord::new("links", "", 1, &[subject("ours", &[1.0]), absent]);
        let record = record.baselines(&["peer"]);
        assert_eq!(record.subjects[1].skipped.as_deref(), Some("no compiler"));
        assert!(record.subjects[1].baseline);
        assert_eq!(record.figures[0].cell("peer"), None);
        assert_eq!(record.figures[0].ratio("ours", "peer"), None);
    }
}
