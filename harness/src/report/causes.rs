//! Why checks do not hold, as a person reads it: the causes before their symptoms.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{CheckOutcome, RunReport};
use crate::diagnosis::{Cause, Course, Diagnosis, Edit, Point, Seen};

/// Causes that a verdict shows.
const SHOWN: usize = 3;
/// Symptoms that are named; the others are counted.
const NAMED: usize = 4;
/// Most lines of an explanation.
pub const LINES: usize = 25;

/// The causes in a verdict: for each the line, what it says, and where the packet stopped. Empty without a diagnosis.
pub fn in_short(run: &RunReport) -> String {
    let mut text = String::new();
    let Some(head) = head(run) else {
        return text;
    };
    let _ = writeln!(text, "  {head}:");
    for diagnosis in run.diagnosis.iter().take(SHOWN) {
        let _ = writeln!(text, "  {}", one_line(&title(diagnosis)));
        for line in short(diagnosis) {
            let _ = writeln!(text, "    {}", one_line(&line));
        }
    }
    let more = run.diagnosis.len().saturating_sub(SHOWN);
    if more > 0 {
        let _ = writeln!(text, "  and {more} more: `bridgelab explain`");
    }
    text
}

/// The whole explanation, in at most [`LINES`] lines: what there is no room for is counted. One sentence where there is nothing
/// to explain.
pub fn explanation(run: &RunReport) -> String {
    let failed = failed(run).len();
    let mut lines = vec![format!(
        "{}: {}, {failed} of {} checks do not hold",
        run.title(),
        run.outcome,
        run.checks.len()
    )];
    match head(run) {
        Some(head) => lines.push(format!("{head}:")),
        None if failed == 0 => lines.push("there is nothing to explain".to_owned()),
        None if !run.stages.iter().any(|stage| stage.name == "diagnosis") => {
            let how =
                "`bridgelab run --diagnosis always` looks for one, also where checks must fail";
            lines.push(format!("no cause was looked for; {how}"));
        }
        None => lines.push("no cause was found".to_owned()),
    }
    let all = run.diagnosis.len();
    for (at, diagnosis) in run.diagnosis.iter().enumerate() {
        let mut own = vec![String::new(), format!("{}. {}", at + 1, title(diagnosis))];
        let whole = whole(diagnosis).into_iter();
        own.extend(whole.map(|line| format!("   {}", one_line(&line))));
        // The last line says how many there was no room for.
        let room = LINES - 1;
        if lines.len() + own.len() > room && at > 0 {
            lines.push(format!("and {} more in report.json", all - at));
            break;
        }
        own.truncate(room - lines.len());
        lines.extend(own);
    }
    lines.join("\n") + "\n"
}

/// A text of tools and guests as one line, so that it does not look like a line of ours.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// How many causes explain how many of the checks that do not hold. What no experiment has proven is called likely.
fn head(run: &RunReport) -> Option<String> {
    let causes = &run.diagnosis;
    if causes.is_empty() {
        return None;
    }
    let failed = failed(run);
    let of = failed.len();
    let explained = |which: &dyn Fn(&&Diagnosis) -> bool| {
        let checks = causes.iter().filter(which).flat_map(|one| &one.checks);
        checks
            .map(String::as_str)
            .filter(|id| failed.contains(id))
            .collect::<BTreeSet<_>>()
            .len()
    };
    let known: Vec<&Diagnosis> = causes.iter().filter(|one| !one.code.is_unknown()).collect();
    if known.is_empty() {
        return Some(format!("no cause is known for {of} of {of} failed checks"));
    }
    let proven = known
        .iter()
        .all(|one| one.proven.as_ref().is_some_and(|proof| proof.proves()));
    let word = match (known.len(), proven) {
        (1, true) => "1 cause explains".to_owned(),
        (1, false) => "1 likely cause explains".to_owned(),
        (some, true) => format!("{some} causes explain"),
        (some, false) => format!("{some} likely causes explain"),
    };
    let explained = explained(&|one| !one.code.is_unknown());
    Some(format!("{word} {explained} of {of} failed checks"))
}

/// Ids of the checks that do not hold.
fn failed(run: &RunReport) -> BTreeSet<&str> {
    let failed = run
        .checks
        .iter()
        .filter(|check| check.outcome == CheckOutcome::Failed);
    failed.map(|check| check.id.as_str()).collect()
}

/// The line that is to blame, or what is.
fn title(diagnosis: &Diagnosis) -> String {
    let Cause { place, object, .. } = &diagnosis.cause;
    match place {
        Some(place) => format!("{place} `{}` [{}]", place.text, diagnosis.code),
        None => format!("{object} [{}]", diagnosis.code),
    }
}

fn short(diagnosis: &Diagnosis) -> Vec<String> {
    let mut lines = vec![diagnosis.cause.statement.clone()];
    lines.extend(way(diagnosis));
    if let Some(remedy) = &diagnosis.remedy {
        lines.push(format!("remedy: {}{}", remedy.statement, proof(diagnosis)));
    }
    lines
}

fn whole(diagnosis: &Diagnosis) -> Vec<String> {
    let cause = &diagnosis.cause;
    let mut lines = vec![cause.statement.clone()];
    lines.extend(way(diagnosis));
    for evidence in cause.evidence.iter().take(3) {
        lines.push(format!(
            "{}: `{}` on {}",
            evidence.fact, evidence.command, evidence.machine
        ));
    }
    for other in diagnosis.others.iter().take(2) {
        let at = other
            .place
            .as_ref()
            .map_or(String::new(), |place| format!("{place}: "));
        lines.push(format!("or {at}{}", other.statement));
    }
    if let Some(remedy) = &diagnosis.remedy {
        let source = remedy
            .source
            .as_ref()
            .map_or(String::new(), |source| format!(" ({source})"));
        lines.push(format!(
            "remedy: {}{source}{}",
            remedy.statement,
            proof(diagnosis)
        ));
        lines.extend(remedy.edits.iter().flat_map(diff));
    }
    for sentence in diagnosis.not_established.iter().take(2) {
        lines.push(format!("not established: {sentence}"));
    }
    lines.push(format!("symptoms: {}", symptoms(&diagnosis.checks)));
    lines
}

/// A change as `diff -u` has it, without its head.
fn diff(edit: &Edit) -> Vec<String> {
    let file = edit.file.display();
    let line = edit.line.map_or(String::new(), |line| format!(":{line}"));
    let old = edit.from.lines().map(|text| format!("  - {text}"));
    let new = edit.to.lines().map(|text| format!("  + {text}"));
    std::iter::once(format!("  {file}{line}"))
        .chain(old)
        .chain(new)
        .collect()
}

fn proof(diagnosis: &Diagnosis) -> String {
    let Some(proof) = &diagnosis.proven else {
        return String::new();
    };
    let broken = match proof.broken.len() {
        0 => String::new(),
        some => format!(", and {some} that held do not"),
    };
    format!(
        "; tried: with it {} of {} checks hold{broken}",
        proof.hold, proof.of
    )
}

fn symptoms(checks: &[String]) -> String {
    let mut named: Vec<String> = checks.iter().take(NAMED).cloned().collect();
    if checks.len() > NAMED {
        named.push(format!("and {} more", checks.len() - NAMED));
    }
    named.join(", ")
}

/// The way of the packet in one line, with the break marked: `request: test1 -> host -X- router`.
fn way(diagnosis: &Diagnosis) -> Option<String> {
    let last = diagnosis.last_seen.as_ref();
    let missing = diagnosis.first_missing.as_ref();
    let drawn = diagnosis
        .course
        .as_ref()
        .and_then(|course| drawn(course, last, missing));
    let seen = last.map(|point| format!("last seen: {point}"));
    let not = missing.map(|point| format!("not seen: {point}"));
    let parts: Vec<String> = drawn.into_iter().chain(seen).chain(not).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn drawn(course: &Course, last: Option<&Point>, missing: Option<&Point>) -> Option<String> {
    let (what, seen) = match course.broke_in_answer(last) {
        true => ("answer", &course.answer),
        false => ("request", &course.request),
    };
    let until = seen.iter().rposition(|one| Some(&one.point) == last);
    let passed = &seen[..until.map_or(seen.len(), |at| at + 1)];
    let mut machines: Vec<&str> = Vec::new();
    for Seen { point, .. } in passed {
        if machines.last() != Some(&point.machine.as_str()) {
            machines.push(&point.machine);
        }
    }
    if machines.is_empty() {
        return None;
    }
    let end = match missing {
        Some(point) if machines.last() != Some(&point.machine.as_str()) => {
            format!(" -X- {}", point.machine)
        }
        _ => " -X-".to_owned(),
    };
    Some(format!("{what}: {}{end}", machines.join(" -> ")))
}

#[cfg(test)]
mod tests;
