//! What was done to the network while it ran.

use maud::{Markup, html};

use super::context::Context;
use super::links::more;
use super::state::{CROSS, DIAMOND, RING, TICK};
use crate::report::text::seconds;
use crate::report::{StepOutcome, StepReport};

/// Shape, word and class of a step's end.
fn state(step: &StepReport) -> (char, &'static str, &'static str) {
    let wrong = step.ends_the_run() || step.difference().is_some();
    let word = step.outcome.word();
    match step.outcome {
        _ if wrong => (CROSS, word, "state bad"),
        StepOutcome::Done => (TICK, word, "state good"),
        StepOutcome::Refused | StepOutcome::Broken => (DIAMOND, word, "state must"),
        StepOutcome::Skipped | StepOutcome::TakenAway => (RING, word, "state none"),
    }
}

pub(super) fn section(context: &Context<'_>) -> Option<Markup> {
    let (steps, rest) = context.limits.of(&context.run.steps);
    if steps.is_empty() {
        return None;
    }
    let text = |text| context.limits.text(text);
    Some(html! {
        table.rows {
            thead {
                tr { th scope="col" { "State" } th scope="col" { "Step" } th scope="col" { "What was done" } th scope="col" { "When" } }
            }
            tbody {
                @for step in steps {
                    @let (shape, word, class) = state(step);
                    tr {
                        td { span class=(class) { (shape) " " (word) } }
                        td { code { (text(&step.id)) } }
                        td {
                            code { (text(&step.command)) }
                            @if !step.said.is_empty() { p.said { "it said: " (text(&step.said)) } }
                            @if let Some(told) = step.difference() { p.said { (context.limits.text(&told)) } }
                        }
                        td { (super::timeline::moment(step.at_ms)) ", took " (seconds(step.ms)) }
                    }
                }
            }
        }
        (more(rest, "steps"))
    })
}
