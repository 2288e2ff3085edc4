//! Which lines of a configuration no check would miss. Pure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::interval::Rate;
use super::record::{MutantRecord, UnseenLine};
use super::verdict::Verdict;

/// Operators that take a line away, and nothing else: what they show counts more than what a change of the line shows.
const DELETES: [&str; 2] = ["unit.delete-line", "scenario.delete-key"];

/// What is known of a line.
#[derive(Debug, Default)]
struct Line<'m> {
    /// What became of it when it was deleted.
    deleted: Option<&'m MutantRecord>,
    /// What became of it when it was changed.
    changed: Vec<&'m MutantRecord>,
}

/// Whether nobody complains: of other verdicts nothing follows.
const fn is_silent(verdict: Verdict) -> Option<bool> {
    match verdict {
        Verdict::Missed | Verdict::Equivalent => Some(true),
        Verdict::Caught | Verdict::Refused | Verdict::Broken => Some(false),
        Verdict::TimedOut | Verdict::Skipped | Verdict::NotRun => None,
    }
}

impl<'m> Line<'m> {
    /// The mutant that shows that no check misses the line; `Some(None)`: one misses it; `None`: nobody knows.
    fn unseen(&self) -> Option<Option<&'m MutantRecord>> {
        let known = |mutant: &&MutantRecord| is_silent(mutant.verdict).is_some();
        if let Some(deleted) = self.deleted.filter(known) {
            return Some((is_silent(deleted.verdict) == Some(true)).then_some(deleted));
        }
        let mut tried = self.changed.iter().copied().filter(known).peekable();
        let first = tried.peek().copied()?;
        let all = tried.all(|mutant| is_silent(mutant.verdict) == Some(true));
        Some(all.then_some(first))
    }
}

/// The lines that no check would miss, in the order of the files; and of those that were tried, how many are seen. Only lines that
/// stand in a file count, and not what a mutant puts in.
pub(crate) fn coverage(mutants: &[MutantRecord]) -> (Vec<UnseenLine>, Rate) {
    let mut lines: BTreeMap<(&Path, usize), Line<'_>> = BTreeMap::new();
    for mutant in mutants.iter().filter(|mutant| is_of_a_line(mutant)) {
        let line = lines.entry((&mutant.file, mutant.line)).or_default();
        match DELETES.contains(&mutant.operator.as_str()) {
            true => line.deleted = Some(mutant),
            false => line.changed.push(mutant),
        }
    }
    let judged: Vec<_> = lines
        .into_iter()
        .filter_map(|((file, line), known)| Some((file, line, known.unseen()?)))
        .collect();
    let seen = judged
        .iter()
        .filter(|(_, _, unseen)| unseen.is_none())
        .count();
    let rate = Rate::new(seen, judged.len());
    let unseen = judged.into_iter().filter_map(|(file, line, unseen)| {
        let mutant = unseen?;
        Some(UnseenLine {
            file: PathBuf::from(file),
            line,
            text: mutant.before.clone(),
            mutant: mutant.id.clone(),
            changes_state: mutant.verdict == Verdict::Missed,
        })
    });
    (unseen.collect(), rate)
}

/// Whether a mutant is about one line that is there.
fn is_of_a_line(mutant: &MutantRecord) -> bool {
    !mutant.before.is_empty()
        && !mutant.before.contains('\n')
        && !mutant.operator.ends_with("-file")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutant(operator: &str, line: usize, before: &str, verdict: Verdict) -> MutantRecord {
        MutantRecord {
            id: format!("{operator}@a.network:{line}:1"),
            operator: operator.to_owned(),
            layer: String::new(),
            file: PathBuf::from("a.network"),
            line,
            column: 1,
            before: before.to_owned(),
            after: String::new(),
            verdict,
            why: String::new(),
            warnings: Vec::new(),
            failed: Vec::new(),
            state: Vec::new(),
            named: None,
            diagnosis: Vec::new(),
            ms: 0,
            evidence: None,
        }
    }

    #[test]
    fn a_line_is_unseen_when_nobody_misses_it() {
        let mutants = [
            mutant("unit.delete-line", 1, "A=1", Verdict::Missed),
            mutant("unit.delete-line", 2, "B=1", Verdict::Caught),
            mutant("unit.delete-line", 3, "C=1", Verdict::Equivalent),
            // Without the line something is missed, whatever a change of it shows.
            mutant("unit.delete-line", 4, "D=1", Verdict::Caught),
            mutant("unit.negate", 4, "D=1", Verdict::Missed),
            mutant("unit.negate", 5, "E=1", Verdict::Missed),
            mutant("gateway.other", 6, "F=1", Verdict::Missed),
            mutant("unit.misspell-key", 6, "F=1", Verdict::Caught),
            mutant("unit.delete-line", 7, "G=1", Verdict::NotRun),
            mutant("unit.delete-section", 8, "[X]\nH=1", Verdict::Missed),
            mutant("link.no-arp", 9, "", Verdict::Missed),
            mutant("unit.delete-line", 10, "I=1", Verdict::Refused),
        ];
        let (unseen, rate) = coverage(&mutants);
        let told: Vec<_> = unseen
            .iter()
            .map(|one| (one.line, one.changes_state))
            .collect();
        assert_eq!(told, [(1, true), (3, false), (5, true)]);
        assert_eq!((rate.hits, rate.of), (4, 7));
    }
}
