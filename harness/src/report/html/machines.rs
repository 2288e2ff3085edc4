//! Unit files and logs of each machine and guest beside each other.

use std::path::Path;

use maud::{Markup, html};

use super::context::Context;
use crate::networkd::UnitFile;
use crate::scenario::units::places;
use crate::visible::visible;

/// Folders of the evidence in which machines and guests have theirs.
const FOLDERS: [&str; 2] = ["machines", "guests"];

pub(super) fn section(context: &Context<'_>) -> Option<Markup> {
    let of_scenario = context.pages.scenario.map(places).unwrap_or_default();
    let units_of = |name: &str| -> &[UnitFile] {
        let mut all = of_scenario.iter();
        let its = all.find(|(place, ..)| place.to_string() == name);
        its.map_or(&[], |(_, files, _)| files)
    };
    // Machines and guests with a log that is shown, in the order of their names.
    let mut all: Vec<(&str, Vec<&Path>)> = Vec::new();
    for path in context.pages.texts.keys() {
        let mut parts = path.iter().filter_map(|part| part.to_str());
        let (Some(folder), Some(name)) = (parts.next(), parts.next()) else {
            continue;
        };
        if !FOLDERS.contains(&folder) {
            continue;
        }
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, logs)) => logs.push(path),
            None => all.push((name, vec![path])),
        }
    }
    let (shown, rest) = context.limits.of_inner(&all);
    if shown.is_empty() {
        return None;
    }
    Some(html! {
        @for (name, logs) in shown {
            @let units = units_of(name);
            details {
                summary { (context.limits.text(name)) ": " (units.len()) " unit files, " (logs.len()) " logs" }
                div.beside {
                    @if !units.is_empty() {
                        div { @for unit in context.limits.of_inner(units).0 { (file(context, unit)) } }
                    }
                    div { @for log in context.limits.of_inner(logs).0 { (excerpt(context, log)) } }
                }
            }
        }
        (super::links::more(rest, "machines"))
    })
}

/// A unit file as its place has it: a variant may have changed what the scenario's folder has.
fn file(context: &Context<'_>, unit: &UnitFile) -> Markup {
    let text = String::from_utf8_lossy(&unit.bytes);
    let most = 2 * context.limits.log;
    let end = text.char_indices().map(|(at, _)| at).find(|at| *at >= most);
    let shown = visible(&text[..end.unwrap_or(text.len())]);
    html! {
        figure {
            figcaption {
                @match context.copy_of(&unit.shown) {
                    Some(copy) => (context.file(copy)),
                    None => (context.limits.text(&unit.name)),
                }
            }
            pre {
                (shown)
                @if end.is_some() { em { "\n[... cut short ...]" } }
            }
        }
    }
}

/// A file of the evidence: its name as a link, and its text or both ends of it.
fn excerpt(context: &Context<'_>, path: &Path) -> Markup {
    let Some(excerpt) = context.pages.texts.get(path) else {
        return html! { p { (context.file(path)) } };
    };
    let (head, left_out, tail) = excerpt.within(context.limits.log);
    html! {
        figure {
            figcaption { (context.file(path)) }
            pre {
                (visible(head))
                @if left_out > 0 {
                    em { "[... " (left_out) " bytes left out ...]\n" }
                    (visible(tail))
                }
            }
        }
    }
}
