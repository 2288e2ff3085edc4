//! What is doubtful about unit files, and what else a reader should know of the run.

use maud::{Markup, html};

use super::context::Context;
use super::links::more;

pub(super) fn section(context: &Context<'_>) -> Option<Markup> {
    let (run, units) = (context.run, &context.run.units);
    let words = |list: &[String]| list.to_vec();
    let parts: [(&str, Vec<String>); 7] = [
        (
            "What networkd said of them",
            units.said.iter().map(ToString::to_string).collect(),
        ),
        (
            "What `bridgelab check` warns of",
            units.warnings.iter().map(ToString::to_string).collect(),
        ),
        (
            "Not applied, since a lab has no udev",
            words(&units.not_applied),
        ),
        (
            "Left running by commands of the scenario",
            run.left_running.iter().map(ToString::to_string).collect(),
        ),
        ("Left behind after the end", words(&run.leaks)),
        ("Evidence that was not written", words(&run.unwritten)),
        ("Evidence that was not delivered", words(&run.not_gathered)),
    ];
    let parts: Vec<_> = parts
        .iter()
        .filter(|(_, lines)| !lines.is_empty())
        .collect();
    if parts.is_empty() {
        return None;
    }
    Some(html! {
        @for (name, lines) in parts {
            @let (shown, rest) = context.limits.of(lines);
            h3 { (name) }
            ul {
                @for line in shown { li.said { (context.limits.text(line)) } }
            }
            (more(rest, "lines"))
        }
    })
}
