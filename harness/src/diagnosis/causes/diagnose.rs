//! The diagnosis of a run.

use super::group::{Group, Suspect, group};
use super::suspects::{self, Suspects};
use crate::diagnosis::code::Code;
use crate::diagnosis::files::{Files, Located};
use crate::diagnosis::finding::{Cause, Diagnosis};
use crate::diagnosis::gap::Gap;
use crate::diagnosis::net::Net;
use crate::diagnosis::observed::Observed;

/// Most further causes that are said.
const MOST_OTHERS: usize = 5;

/// Says why checks do not hold: one cause after the other, that of most checks first. What holds has none.
pub fn diagnose(observed: &Observed<'_>) -> Vec<Diagnosis> {
    if observed.unheld.is_empty() {
        return Vec::new();
    }
    let files = Files::of(observed);
    of_lab(&Net::of(observed), observed, |gap| files.locate(gap))
}

/// As [`diagnose`], of a lab that was read already; `locate` says which line makes a gap.
pub(super) fn of_lab(
    net: &Net<'_>,
    observed: &Observed<'_>,
    locate: impl FnMut(&Gap) -> Vec<Located>,
) -> Vec<Diagnosis> {
    let all: Vec<Suspects<'_>> = observed
        .unheld
        .iter()
        .map(|unheld| suspects::of(net, observed, unheld))
        .collect();
    let groups = group(&all, locate);
    groups
        .into_iter()
        .map(|group| diagnosis(group, &all))
        .collect()
}

fn diagnosis(group: Group, all: &[Suspects<'_>]) -> Diagnosis {
    let Group {
        suspect,
        checks,
        others,
    } = group;
    let first = suspect.located.first();
    let its: Vec<&Suspects<'_>> = checks.iter().filter_map(|check| all.get(*check)).collect();
    let sent = its.iter().find(|one| one.course.is_some());
    let own = its
        .iter()
        .flat_map(|one| &one.found)
        .find(|found| found.gap == suspect.found.gap && found.between.is_some());
    let between = own.and_then(|found| found.between.clone());
    let last_seen = sent.and_then(|one| one.last_seen.clone());
    let last_seen = last_seen.or_else(|| between.as_ref().map(|(last, _)| last.clone()));
    let mut not_established: Vec<String> = Vec::new();
    for words in its.iter().flat_map(|one| &one.not_established) {
        if !not_established.contains(words) {
            not_established.push(words.clone());
        }
    }
    let mut assumed: Vec<String> = Vec::new();
    for one in &its {
        if one
            .found
            .iter()
            .all(|found| found.gap.code == Code::UnknownNoProbe)
            && suspect.found.gap.code != Code::UnknownNoProbe
        {
            assumed.push(one.check.to_owned());
            not_established.push(format!(
                "that {} has the same cause: it cannot be followed, and no other cause was found",
                one.check
            ));
        }
    }
    let located = suspect.located.iter().skip(1);
    let further = located.map(|located| cause(&suspect.found.gap, Some(located)));
    let other = others
        .iter()
        .map(|other| cause(&other.found.gap, other.located.first()));
    Diagnosis {
        code: code(&suspect),
        checks: its.iter().map(|one| one.check.to_owned()).collect(),
        assumed,
        course: sent.and_then(|one| one.course.cloned()),
        last_seen,
        first_missing: between.map(|(_, first)| first),
        cause: cause(&suspect.found.gap, first),
        others: further.chain(other).take(MOST_OTHERS).collect(),
        remedy: first.and_then(|first| first.remedy.clone()),
        proven: None,
        not_established,
    }
}

fn code(suspect: &Suspect) -> Code {
    let by_files = suspect.located.first().and_then(|first| first.code);
    by_files.unwrap_or(suspect.found.gap.code)
}

/// A gap as the files have it.
fn cause(gap: &Gap, located: Option<&Located>) -> Cause {
    let thing = gap.link.as_ref().or(gap.key.as_ref());
    let object = match thing {
        Some(thing) => format!("{} {thing}", gap.machine),
        None => gap.machine.clone(),
    };
    let said = located.and_then(|located| located.statement.clone());
    let by_files = located.map(|located| located.evidence.clone());
    let mut evidence = by_files.unwrap_or_default();
    evidence.extend(gap.evidence.iter().cloned());
    Cause {
        statement: said.unwrap_or_else(|| gap.statement.clone()),
        object,
        place: located.and_then(|located| located.place.clone()),
        evidence,
    }
}
