//! The checks, those first that are not as they should be.

use maud::{Markup, html};

use super::context::Context;
use super::links::more;
use super::state::{CROSS, DOT, State, TICK};
use super::timeline::moment;
use crate::report::text::seconds;
use crate::report::{CheckReport, Hole};

pub(super) fn section(context: &Context<'_>) -> Option<Markup> {
    let run = context.run;
    if run.checks.is_empty() && run.differences.is_empty() && run.holes.is_empty() {
        return None;
    }
    // Sorting keeps the scenario's order within each state.
    let mut checks: Vec<(State, &CheckReport)> = run
        .checks
        .iter()
        .map(|check| (State::of(run, check), check))
        .collect();
    checks.sort_by_key(|(state, _)| *state);
    let (shown, rest) = context.limits.of(&checks);
    Some(html! {
        (differences(context))
        @if !checks.is_empty() {
            table.rows {
                thead {
                    tr {
                        th scope="col" { "State" }
                        th scope="col" { "Check" }
                        th scope="col" { "Expected and got" }
                        th scope="col" { "When" }
                    }
                }
                @for state in State::ALL {
                    @let all = checks.iter().filter(|(one, _)| *one == state).count();
                    @if all > 0 {
                        tbody {
                            tr.group { th colspan="4" scope="rowgroup" { (all) " of " (checks.len()) " " (state.heading()) } }
                            @for (_, check) in shown.iter().filter(|(one, _)| *one == state) {
                                (row(context, state, check))
                            }
                        }
                    }
                }
            }
            (more(rest, "checks"))
        }
        (holes(context, &run.holes))
    })
}

fn row(context: &Context<'_>, state: State, check: &CheckReport) -> Markup {
    let text = |text| context.limits.text(text);
    html! {
        tr id={ "check-" (text(&check.id)) } {
            td { (state.of_one(check)) }
            td {
                code { (text(&check.id)) }
                p.aside { (text(&check.kind)) " from " (text(&check.from)) }
            }
            td {
                p { span.label { "expected " } (text(&check.expected)) }
                p.said { span.label { "got " } (text(&check.got)) }
                (sights(context, check))
            }
            td { (moment(check.at_ms)) span.aside { ", took " (seconds(check.ms)) } }
        }
    }
}

/// What the check saw, one after another.
fn sights(context: &Context<'_>, check: &CheckReport) -> Markup {
    if check.seen.len() < 2 {
        return html! {
            @if check.attempts > 1 { p.aside { (check.attempts) " attempts, all the same" } }
        };
    }
    let shown = check.seen.len().min(context.limits.sights);
    // The last one decided.
    let left_out = check.seen.len() - shown;
    let attempts = match check.attempts {
        1 => "1 attempt".to_owned(),
        many => format!("{many} attempts"),
    };
    html! {
        details {
            summary { (attempts) ", " (check.seen.len()) " things seen" }
            @if left_out > 0 { p.more { (left_out) " earlier ones are in report.json." } }
            ul.plain {
                @for sight in &check.seen[left_out..] {
                    @let (shape, word) = match sight.holds {
                        Some(true) => (TICK, "held"),
                        Some(false) => (CROSS, "did not hold"),
                        None => (DOT, "could not be looked at"),
                    };
                    li { (moment(sight.at_ms)) ": " (shape) " " (word) ", " (context.limits.text(&sight.got)) }
                }
            }
        }
    }
}

/// What is not as the scenario says, where no check's row says it.
fn differences(context: &Context<'_>) -> Markup {
    let run = context.run;
    let (shown, rest) = context.limits.of(&run.differences);
    html! {
        @if !shown.is_empty() {
            p { "Not as the scenario says:" }
            ul {
                @for told in shown { li.said { (context.limits.text(told)) } }
            }
            (more(rest, "differences"))
        }
    }
}

fn holes(context: &Context<'_>, holes: &[Hole]) -> Markup {
    let (shown, rest) = context.limits.of(holes);
    html! {
        @if !shown.is_empty() {
            h3 id="holes" { "What this run did not look at" }
            ul {
                @for hole in shown { li.said { (context.limits.text(&hole.to_string())) } }
            }
            (more(rest, "reasons"))
        }
    }
}
