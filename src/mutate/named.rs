//! Whether a diagnosis names what was broken. Pure.

use std::ops::Range;
use std::path::Path;

use bridgelab_harness::diagnosis::{At, Cause, Diagnosis};
use bridgelab_harness::lab::normal;
use serde::Serialize;

/// What a diagnosis said of a mutant that was caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Named {
    /// The cause that stands first is what was broken.
    First,
    /// One of the first three is.
    WithinThree,
    /// None is, and no other place stands first, or as that of a cause that is not known.
    Unknown,
    /// Another place stands first, as that of a cause that is known.
    Wrong,
    /// Nothing was said.
    Nothing,
}

/// What was broken, as a diagnosis may name it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Broken<'a> {
    /// The scenario's folder of the run.
    pub(crate) folder: &'a Path,
    /// The file, from there.
    pub(crate) file: &'a Path,
    /// Lines of it that may be named; empty: the file is gone, and naming the file is enough.
    pub(crate) lines: &'a Range<usize>,
}

/// How many causes count.
const FEW: usize = 3;

/// What the diagnoses of a run name: of each the cause and what else it may be, in that order.
pub(crate) fn named(diagnoses: &[Diagnosis], broken: Broken<'_>) -> Named {
    let Some(first) = diagnoses.first() else {
        return Named::Nothing;
    };
    let causes = |one: &'_ Diagnosis| -> Vec<Cause> {
        std::iter::once(&one.cause)
            .chain(&one.others)
            .cloned()
            .collect()
    };
    let all: Vec<Cause> = diagnoses.iter().flat_map(causes).collect();
    // A file that is gone has no line: the remedy that brings it back names it.
    let mended = |one: &Diagnosis| {
        let edits = one.remedy.iter().flat_map(|remedy| &remedy.edits);
        let mut files = edits.map(|edit| edit.file.as_path());
        broken.lines.is_empty() && files.any(|file| is_file(file, broken))
    };
    let hit = |cause: &Cause| cause.place.as_ref().is_some_and(|at| is_place(at, broken));
    if hit(&first.cause) || mended(first) {
        return Named::First;
    }
    if all.iter().take(FEW).any(hit) || diagnoses.iter().take(FEW).any(mended) {
        return Named::WithinThree;
    }
    // Who names no place, or says that the cause is unknown, is not wrong.
    match first.cause.place.is_some() && !first.code.is_unknown() {
        true => Named::Wrong,
        false => Named::Unknown,
    }
}

fn is_place(at: &At, broken: Broken<'_>) -> bool {
    is_file(&at.file, broken) && (broken.lines.is_empty() || broken.lines.contains(&at.line))
}

/// Whether a path that people are shown is that file: whole, from the scenario's folder, or from anywhere above it.
fn is_file(shown: &Path, broken: Broken<'_>) -> bool {
    let whole = normal(&broken.folder.join(broken.file));
    let shown = normal(shown);
    !shown.as_os_str().is_empty() && (shown == whole || whole.ends_with(&shown))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use bridgelab_harness::diagnosis::{Code, Edit, Remedy};

    fn cause(place: Option<(&str, usize)>) -> Cause {
        Cause {
            statement: String::new(),
            object: String::new(),
            place: place.map(|(file, line)| At {
                file: PathBuf::from(file),
                line,
                column: 1,
                text: String::new(),
            }),
            evidence: Vec::new(),
        }
    }

    fn diagnosis(places: &[Option<(&str, usize)>]) -> Diagnosis {
        Diagnosis {
            code: Code::LinkDown,
            checks: Vec::new(),
            assumed: Vec::new(),
            course: None,
            last_seen: None,
            first_missing: None,
            cause: cause(places[0]),
            others: places[1..].iter().map(|place| cause(*place)).collect(),
            remedy: None,
            proven: None,
            not_established: Vec::new(),
        }
    }

    fn of(diagnoses: &[Diagnosis], lines: Range<usize>) -> Named {
        let (folder, file) = (
            Path::new("/t/scenarios/a"),
            Path::new("../b/host/br0.netdev"),
        );
        let lines = &lines;
        named(
            diagnoses,
            Broken {
                folder,
                file,
                lines,
            },
        )
    }

    #[test]
    fn a_place_is_named_first_later_or_not() {
        let right = Some(("/t/scenarios/b/host/br0.netdev", 2));
        let wrong = Some(("/t/scenarios/b/host/10-lan.network", 2));
        assert_eq!(of(&[diagnosis(&[right])], 2..3), Named::First);
        assert_eq!(
            of(&[diagnosis(&[Some(("host/br0.netdev", 2))])], 2..3),
            Named::First
        );
        assert_eq!(
            of(&[diagnosis(&[right])], 3..5),
            Named::Wrong,
            "the line counts"
        );
        assert_eq!(of(&[diagnosis(&[wrong, right])], 2..3), Named::WithinThree);
        assert_eq!(
            of(&[diagnosis(&[wrong]), diagnosis(&[right])], 2..3),
            Named::WithinThree
        );
        assert_eq!(
            of(&[diagnosis(&[wrong, wrong, wrong, right])], 2..3),
            Named::Wrong
        );
        assert_eq!(of(&[], 2..3), Named::Nothing);
    }

    #[test]
    fn who_says_what_he_does_not_know_is_not_wrong() {
        assert_eq!(of(&[diagnosis(&[None])], 2..3), Named::Unknown);
        let mut unsure = diagnosis(&[Some(("x", 1))]);
        unsure.code = Code::UnknownNoFact;
        assert_eq!(of(&[unsure], 2..3), Named::Unknown);
    }

    #[test]
    fn a_file_that_is_gone_is_named_by_what_brings_it_back() {
        let mut told = diagnosis(&[None]);
        told.remedy = Some(Remedy {
            statement: String::new(),
            source: None,
            edits: vec![Edit {
                file: PathBuf::from("host/br0.netdev"),
                line: None,
                from: String::new(),
                to: String::new(),
            }],
        });
        assert_eq!(of(&[told.clone()], 0..0), Named::First);
        assert_eq!(of(&[told], 2..3), Named::Unknown);
    }
}
