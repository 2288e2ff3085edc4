//! The beginning of the page, which says how the run ended, and its end, which says how to repeat it.

use maud::{Markup, html};

use super::context::Context;
use super::links::{command, more};
use super::state::of_run;
use crate::report::text::{counts, seconds};
use crate::report::{LabPlace, Outcome};

/// For the tab of a browser.
pub(super) fn title(context: &Context<'_>) -> Markup {
    let run = context.run;
    html! { (context.limits.text(&run.title())) ": " (run.outcome) }
}

/// What a run's end says about the network.
const fn meaning(outcome: Outcome, variant: bool) -> &'static str {
    match outcome {
        Outcome::Passed if variant => "The fault of this variant shows as the scenario says.",
        Outcome::Passed => "The network is as the scenario says.",
        Outcome::Failed if variant => {
            "The fault of this variant does not show as the scenario says."
        }
        Outcome::Failed => "The network is not as the scenario says.",
        Outcome::Broken => {
            "No verdict on the network: this machine, an image, a VMM or bridgelab itself broke."
        }
        Outcome::TimedOut => "No verdict on the network: a stage took too long.",
        Outcome::Skipped => "No verdict on the network: what was run here cannot show it.",
        Outcome::Cancelled => "No verdict on the network: the run was ended from outside.",
    }
}

pub(super) fn header(context: &Context<'_>) -> Markup {
    let (run, limits) = (context.run, context.limits);
    let (shape, class) = of_run(run.outcome);
    let counts = counts(run);
    let counts = counts.trim().trim_matches(['(', ')']);
    let place = match run.lab.place {
        LabPlace::Here => "on this machine",
        LabPlace::Vm => "in a VM on this machine",
    };
    let version = run.versions.get("bridgelab");
    html! {
        header {
            p.kind { "bridgelab run" }
            h1 { (limits.text(&run.title())) }
            p class={ "verdict " (class) } {
                strong { (shape) " " (run.outcome) }
                @if !counts.is_empty() { ": " (counts) }
                "."
            }
            p { (meaning(run.outcome, run.variant.is_some())) }
            p.about {
                "Run " (place)
                @if let Some(started) = &run.started { " at " (limits.text(&readable(started))) }
                " on " (limits.text(&run.accelerator)) " (" (limits.text(&run.accelerator_reason)) "), in " (seconds(run.ms))
                @if let Some(version) = version { ", by bridgelab " (limits.text(version)) }
                "."
                @if !run.lab.reason.is_empty() { " In a VM, because " (limits.text(&run.lab.reason)) "." }
            }
            (problem(context))
        }
    }
}

/// A moment of RFC 3339 in UTC as people read it: `2026-11-30 16:21:09 UTC`; any other text as it is.
fn readable(moment: &str) -> String {
    let parts = moment.trim_end_matches('Z').split_once('T');
    match parts.zip(moment.strip_suffix('Z')) {
        Some(((day, time), _)) => format!("{day} {} UTC", time.split('.').next().unwrap_or(time)),
        None => moment.to_owned(),
    }
}

/// Why there is no verdict.
fn problem(context: &Context<'_>) -> Markup {
    let Some(problem) = &context.run.problem else {
        return html! {};
    };
    let (links, rest) = context.limits.of(&problem.chain);
    html! {
        div.problem {
            p { strong { "Why there is no verdict" } " (" code { (context.limits.text(&problem.code)) } ")" }
            ul {
                @for link in links { li.said { (context.limits.text(link)) } }
            }
            (more(rest, "reasons"))
            @if let Some(help) = &problem.help {
                p { "What helps: " (context.limits.text(help)) }
            }
        }
    }
}

/// Versions, and the commands that repeat the run.
pub(super) fn again(context: &Context<'_>) -> Option<Markup> {
    let (run, limits) = (context.run, context.limits);
    let versions: Vec<(&String, &String)> = run.versions.iter().collect();
    let (versions, rest) = limits.of(&versions);
    Some(html! {
        p { "This command does the same again:" }
        (command(&limits.text(&run.reproduce)))
        p { "Where the scenario has changed since, this one takes its copy from this folder:" }
        (command("bridgelab rerun ."))
        @if !versions.is_empty() {
            h3 { "Versions" }
            table.facts {
                @for (name, value) in versions {
                    tr { th scope="row" { (limits.text(name)) } td { (limits.text(value)) } }
                }
            }
            (more(rest, "versions"))
        }
    })
}
