//! Where the time went: a row for each stage, wait and long check, with a bar.

use maud::{Markup, html};

use super::context::Context;
use super::links::more;
use crate::report::text::seconds;
use crate::report::timings::{Span, spans};

/// Width of a bar's axis, in units of its picture.
const AXIS: i64 = 1000;
/// A check that took less than this part of the run has no row of its own, unless the end waited for it.
const SHORT: i64 = 40;

/// A moment, counted from the run's start.
pub(super) fn moment(at_ms: i64) -> String {
    let sign = if at_ms < 0 { "-" } else { "" };
    format!("at {sign}{}", seconds(at_ms.unsigned_abs()))
}

pub(super) fn section(context: &Context<'_>) -> Option<Markup> {
    let spans = spans(context.run);
    let first = spans.iter().map(|span| span.at).min()?;
    let last = spans.iter().map(|span| span.end).max()?;
    let whole = (last - first).max(1);
    let long =
        |span: &&Span| span.depth == 0 || span.critical || (span.end - span.at) * SHORT >= whole;
    let drawn: Vec<&Span> = spans.iter().filter(long).collect();
    let short = spans.len() - drawn.len();
    let (shown, rest) = context.limits.of(&drawn);
    Some(html! {
        p {
            "From " (moment(first).trim_start_matches("at ")) " to " (moment(last).trim_start_matches("at "))
            ", counted from the start of the run. A full bar is what the end waited for; a light one went on beside it."
        }
        table.rows.time {
            thead { tr { th scope="col" { "What" } th scope="col" { "Took" } th scope="col" { "When" } } }
            tbody {
                @for span in shown {
                    tr {
                        td class={ "depth" (span.depth) } {
                            @if span.depth > 0 { "\u{2013} " }
                            (context.limits.text(&span.name))
                        }
                        td { (seconds(span.end.abs_diff(span.at))) }
                        td { (bar(span, first, whole)) }
                    }
                }
            }
        }
        (more(rest, "of them"))
        @if short > 0 {
            p.more { (short) " shorter ones are not drawn; " code { "bridgelab report . --timings" } " draws all." }
        }
    })
}

fn bar(span: &Span, first: i64, whole: i64) -> Markup {
    let x = (span.at - first) * AXIS / whole;
    let width = ((span.end - span.at) * AXIS / whole).clamp(6, AXIS);
    let x = x.min(AXIS - width);
    let (fill, opacity) = match span.critical {
        true => ("#3b5b8c", "1"),
        false => ("#3b5b8c", "0.35"),
    };
    html! {
        svg.bar xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (AXIS) " 12" } width="240" height="12"
            preserveAspectRatio="none" role="img" aria-label=(moment(span.at)) {
            rect x="0" y="5" width=(AXIS) height="2" fill="#8a93a3" opacity="0.3" {}
            rect x=(x) y="0" width=(width) height="12" fill=(fill) opacity=(opacity) {}
        }
    }
}
