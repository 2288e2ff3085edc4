//! The page that a run leaves: `report.html`, one file that needs nothing else to be read. Pure.
//!
//! It has no scripts. Every part says in words and by its shape what colours only repeat, so it can be read under a Content Security
//! Policy that forbids styles (Jenkins has one), in a browser of text, in print and on a phone. Links are relative, so the folder
//! may be moved. What guests, commands and scenarios brought in is escaped, and what turns letters round is made visible.

mod causes;
mod checks;
mod context;
mod course;
mod excerpt;
mod files;
mod head;
mod limits;
mod links;
mod machines;
mod state;
mod steps;
#[cfg(test)]
mod tests;
mod timeline;
mod topology;
mod units;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

pub use context::{FILE, Pages};
pub use excerpt::{Excerpt, shown_of};

use self::context::Context;
use self::limits::{LEVELS, Limits, MOST, USUAL};
use super::RunReport;

/// How the page looks where styles are allowed.
const STYLE: &str = include_str!("style.css");

/// The page of a run. It usually has less than 300 KB and never more than 1 MB: lists and texts are cut short for it, and say so.
pub fn page(run: &RunReport, pages: &Pages<'_>) -> String {
    let mut smallest = String::new();
    for (number, limits) in LEVELS.iter().enumerate() {
        let text = rendered(run, pages, limits);
        // The first levels are there for a page that loads at once, the others for one that loads at all.
        let most = if number < limits::COMFORTABLE {
            USUAL
        } else {
            MOST
        };
        if text.len() <= most {
            return text;
        }
        smallest = text;
    }
    smallest
}

fn rendered(run: &RunReport, pages: &Pages<'_>, limits: &Limits) -> String {
    let context = Context { run, pages, limits };
    let parts = [
        ("causes", "Causes", causes::section(&context)),
        ("network", "Network", topology::section(&context)),
        ("checks", "Checks", checks::section(&context)),
        ("steps", "Steps", steps::section(&context)),
        ("time", "Where the time went", timeline::section(&context)),
        ("units", "Unit files", units::section(&context)),
        (
            "machines",
            "Logs and unit files",
            machines::section(&context),
        ),
        ("evidence", "Evidence", files::section(&context)),
        ("again", "Run it again", head::again(&context)),
    ];
    let parts = parts.into_iter();
    let parts: Vec<(&str, &str, Markup)> = parts
        .filter_map(|(id, name, part)| Some((id, name, part?)))
        .collect();
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'",
        BASE64_STANDARD.encode(Sha256::digest(STYLE))
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="color-scheme" content="light dark";
                title { (head::title(&context)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (head::header(&context))
                nav aria-label="Parts of this page" {
                    ul {
                        @for (id, name, _) in &parts {
                            li { a href={ "#" (id) } { (name) } }
                        }
                    }
                }
                main {
                    @for (id, name, part) in &parts {
                        section id=(id) {
                            h2 { (name) }
                            (part)
                        }
                    }
                }
            }
        }
    };
    page.into_string()
}
