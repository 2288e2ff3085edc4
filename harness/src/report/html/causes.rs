//! Why checks do not hold: first of all on the page.

use std::collections::BTreeSet;
use std::path::Path;

use maud::{Markup, html};

use super::context::Context;
use super::course;
use super::limits::first;
use super::links::more;
use super::state::{CROSS, RING, State, TICK};
use crate::diagnosis::{At, Cause, Diagnosis, Edit, Evidence, Proof, Remedy};
use crate::report::{CheckOutcome, Outcome};

/// Lines of a file before and after the one that is named.
const NEIGHBOURS: usize = 3;
/// Checks of a cause that are named before the rest is counted.
const NAMED: usize = 8;

pub(super) fn section(context: &Context<'_>) -> Option<Markup> {
    let run = context.run;
    let failed = run.checks.iter();
    let failed = failed.filter(|check| check.outcome == CheckOutcome::Failed);
    let failed: BTreeSet<&str> = failed.map(|check| check.id.as_str()).collect();
    if run.diagnosis.is_empty() {
        return (!failed.is_empty()).then(|| unexplained(context, failed.len()));
    }
    let known: Vec<&Diagnosis> = run.diagnosis.iter().collect();
    let (shown, rest) = first(&known, context.limits.causes);
    let explains = known.iter().filter(|one| !one.code.is_unknown());
    let explained: BTreeSet<&str> = explains
        .clone()
        .flat_map(|one| one.checks.iter().map(String::as_str))
        .filter(|id| failed.contains(id))
        .collect();
    let proven = |one: &&Diagnosis| one.proven.as_ref().is_some_and(Proof::proves);
    let likely = match explains.clone().all(proven) {
        true => "",
        false => "likely ",
    };
    let (count, verb) = match explains.count() {
        1 => (format!("1 {likely}cause"), "explains"),
        many => (format!("{many} {likely}causes"), "explain"),
    };
    Some(html! {
        p.lead {
            strong { (count) " " (verb) " " (explained.len()) " of " (failed.len()) " checks" }
            " that do not hold."
        }
        @for (number, one) in shown.iter().enumerate() { (article(context, number + 1, one)) }
        (more(rest, "causes"))
    })
}

/// What there is to say of failed checks that nothing explains: what they asked for and got.
fn unexplained(context: &Context<'_>, failed: usize) -> Markup {
    let run = context.run;
    let wrong: Vec<_> = run
        .checks
        .iter()
        .filter(|check| State::of(run, check) == State::Wrong)
        .take(NAMED)
        .collect();
    html! {
        p.lead { "No cause was established for " strong { (failed) " checks" } " that do not hold." }
        @if run.outcome == Outcome::Passed {
            p { "They fail as this variant says that they must." }
        }
        @if !wrong.is_empty() {
            ul {
                @for check in wrong {
                    li.said {
                        a href={ "#check-" (context.limits.text(&check.id)) } { code { (context.limits.text(&check.id)) } }
                        " from " (context.limits.text(&check.from)) ": expected " (context.limits.text(&check.expected))
                        "; got " (context.limits.text(&check.got))
                    }
                }
            }
        }
    }
}

fn article(context: &Context<'_>, number: usize, one: &Diagnosis) -> Markup {
    let text = |text| context.limits.text(text);
    html! {
        article.cause {
            h3 { (number) ". " (text(&one.cause.statement)) }
            p { (proof(one)) }
            p.aside { code { (one.code) } ": " (one.code.meaning()) " About " (text(&one.cause.object)) "." }
            (explains(context, one))
            @if let Some(at) = &one.cause.place { (place(context, at)) }
            (course::ways(context, one))
            @if let Some(it) = &one.remedy { (remedy(context, it)) }
            (evidence(context, &one.cause.evidence))
            (others(context, &one.others))
            (not_established(context, &one.not_established))
        }
    }
}

/// Whether the cause is proven, in words.
fn proof(one: &Diagnosis) -> Markup {
    let (shape, class, told) = match &one.proven {
        Some(proof) if proof.proves() => (
            TICK,
            "state good",
            format!(
                "Proven: with the remedy {} of {} checks hold in a second lab.",
                proof.hold, proof.of
            ),
        ),
        Some(Proof { hold, of, broken }) => {
            let broken = match broken.len() {
                0 => String::new(),
                some => format!(", and {some} that held do not"),
            };
            let told = format!(
                "Not proven: with the remedy {hold} of {of} checks hold in a second lab{broken}."
            );
            (CROSS, "state bad", told)
        }
        None => (
            RING,
            "state none",
            "Likely, not proven: no remedy was tried in a second lab.".to_owned(),
        ),
    };
    html! { span class=(class) { (shape) " " (told) } }
}

/// The checks that it explains.
fn explains(context: &Context<'_>, one: &Diagnosis) -> Markup {
    let known = |id: &String| context.run.checks.iter().any(|check| check.id == *id);
    let (shown, rest) = context.limits.of_inner(&one.checks);
    let name = |id: &String| {
        html! {
            @match known(id) {
                true => { a href={ "#check-" (context.limits.text(id)) } { code { (context.limits.text(id)) } } },
                false => { code { (context.limits.text(id)) } },
            }
        }
    };
    let named = shown.len().min(NAMED);
    html! {
        p {
            "It explains " (one.checks.len()) @if one.checks.len() == 1 { " check: " } @else { " checks: " }
            @for (at, id) in shown[..named].iter().enumerate() { @if at > 0 { ", " } (name(id)) }
            @if named == one.checks.len() { "." } @else { ", ..." }
        }
        @if named < shown.len() {
            details {
                summary { "The other " (one.checks.len() - named) " checks" }
                p { @for (at, id) in shown[named..].iter().enumerate() { @if at > 0 { ", " } (name(id)) } }
                (more(rest, "checks"))
            }
        }
    }
}

/// The line of the file that says so, with its neighbours.
fn place(context: &Context<'_>, at: &At) -> Markup {
    let copy = context.copy_of(&at.file);
    let whole = copy.and_then(|copy| context.pages.texts.get(copy));
    let lines: Vec<&str> = whole.map_or(Vec::new(), |whole| whole.head.lines().collect());
    // A variant may have changed the file, or the copy may be cut short: then the line is known, and its neighbours are not.
    let same = at.line > 0
        && lines
            .get(at.line - 1)
            .is_some_and(|line| line.trim() == at.text);
    let (first, around) = match same {
        true => {
            let first = at.line.saturating_sub(NEIGHBOURS).max(1);
            let last = (at.line + NEIGHBOURS).min(lines.len());
            (first, lines[first - 1..last].to_vec())
        }
        false => (at.line, vec![at.text.as_str()]),
    };
    let name = at.to_string();
    html! {
        figure {
            figcaption {
                "Place: "
                @match copy {
                    Some(copy) => a href=(super::links::href(copy)) { (context.limits.text(&name)) },
                    None => (context.limits.text(&name)),
                }
            }
            pre.lines {
                @for (offset, line) in around.iter().enumerate() {
                    @let number = first + offset;
                    @let line = context.limits.text(line);
                    @if number == at.line {
                        mark { "> " (format!("{number:>4}")) "  " (line) } "\n"
                    } @else {
                        "  " (format!("{number:>4}")) "  " (line) "\n"
                    }
                }
            }
        }
    }
}

fn remedy(context: &Context<'_>, remedy: &Remedy) -> Markup {
    let (edits, rest) = context.limits.of_inner(&remedy.edits);
    html! {
        h4 { "What mends it" }
        p {
            (context.limits.text(&remedy.statement))
            @if let Some(source) = &remedy.source { " (" (context.limits.text(source)) ")" }
        }
        @for edit in edits { (diff(context, edit)) }
        (more(rest, "changes"))
    }
}

/// One change, as diff(1) shows it.
fn diff(context: &Context<'_>, edit: &Edit) -> Markup {
    let file = edit.file.to_string_lossy();
    let file = context.limits.text(&file);
    let count = |text: &str| text.lines().count();
    let (from, to) = (count(&edit.from), count(&edit.to));
    html! {
        pre.diff {
            @match edit.line {
                Some(line) => { "--- " (file) "\n+++ " (file) "\n@@ -" (line) "," (from) " +" (line) "," (to) " @@\n" },
                None => { "--- /dev/null\n+++ " (file) "\n@@ -0,0 +1," (to) " @@\n" },
            }
            @for line in edit.from.lines() { del { "-" (context.limits.text(line)) } "\n" }
            @for line in edit.to.lines() { ins { "+" (context.limits.text(line)) } "\n" }
        }
    }
}

fn evidence(context: &Context<'_>, all: &[Evidence]) -> Markup {
    let (shown, rest) = context.limits.of_inner(all);
    html! {
        @if !shown.is_empty() {
            h4 { "By what it is known" }
            ol {
                @for one in shown {
                    li {
                        p.said { (context.limits.text(&one.fact)) }
                        p.aside {
                            "on " (context.limits.text(&one.machine)) ": " code { (context.limits.text(&one.command)) }
                            @if let Some(file) = &one.file { ", in " (context.file(Path::new(file))) }
                        }
                    }
                }
            }
            (more(rest, "facts"))
        }
    }
}

fn others(context: &Context<'_>, others: &[Cause]) -> Markup {
    let (shown, rest) = first(others, context.limits.causes);
    html! {
        @if !shown.is_empty() {
            details {
                summary { "What else it may be (" (others.len()) ")" }
                ol {
                    @for one in shown {
                        li {
                            p.said { (context.limits.text(&one.statement)) }
                            @if let Some(at) = &one.place { (place(context, at)) }
                            @for fact in first(&one.evidence, context.limits.causes).0 {
                                p.aside {
                                    (context.limits.text(&fact.fact))
                                    @if let Some(file) = &fact.file { ", in " (context.file(file)) }
                                }
                            }
                        }
                    }
                }
                (more(rest, "causes"))
            }
        }
    }
}

fn not_established(context: &Context<'_>, all: &[String]) -> Markup {
    let (shown, rest) = context.limits.of_inner(all);
    html! {
        @if !shown.is_empty() {
            h4 { "What was not established" }
            ul { @for one in shown { li.said { (context.limits.text(one)) } } }
            (more(rest, "sentences"))
        }
    }
}
