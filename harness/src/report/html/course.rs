//! The way of a packet as a line of points, with the place where it ends.

use maud::{Markup, html};

use super::context::Context;
use super::links::more;
use super::state::{CROSS, DOT};
use crate::diagnosis::{Diagnosis, Point, Seen};

/// Points of one machine, one after another, at which the same packet was seen.
struct Leg<'a> {
    machine: &'a str,
    packet: &'a str,
    seen: Vec<&'a Seen>,
}

/// Both ways of the packet that a diagnosis followed.
pub(super) fn ways(context: &Context<'_>, one: &Diagnosis) -> Markup {
    let Some(course) = &one.course else {
        return between(context, one);
    };
    let missing = one.first_missing.as_ref();
    let in_answer = course.broke_in_answer(one.last_seen.as_ref());
    html! {
        h4 { "The way of the packet" }
        (between(context, one))
        (way(context, "Request", &course.request, missing.filter(|_| !in_answer)))
        (way(context, "Answer", &course.answer, missing.filter(|_| in_answer)))
        @for blind in context.limits.of_inner(&course.blind).0 { p.aside { "Not watched: " (context.limits.text(blind)) } }
    }
}

/// `last seen: ... | not seen: ...`.
fn between(context: &Context<'_>, one: &Diagnosis) -> Markup {
    let name = |point: &Point| context.limits.text(&point.to_string()).into_owned();
    html! {
        @if one.last_seen.is_some() || one.first_missing.is_some() {
            p.break {
                @if let Some(last) = &one.last_seen { (DOT) " last seen: " strong { (name(last)) } }
                @if one.last_seen.is_some() && one.first_missing.is_some() { " | " }
                @if let Some(missing) = &one.first_missing { (CROSS) " not seen: " strong { (name(missing)) } }
            }
        }
    }
}

fn way(context: &Context<'_>, name: &str, all: &[Seen], missing: Option<&Point>) -> Markup {
    let legs = legs(all);
    let (shown, rest) = context.limits.of_inner(&legs);
    html! {
        @if !shown.is_empty() || missing.is_some() {
            p.label { (name) }
            ol.way {
                @for leg in shown { (points(context, leg)) }
                @if rest > 0 { li { (more(rest, "machines")) } }
                @if let Some(missing) = missing {
                    li.lost { (CROSS) " " strong { "not seen: " (context.limits.text(&missing.to_string())) } }
                }
            }
        }
    }
}

fn points(context: &Context<'_>, leg: &Leg<'_>) -> Markup {
    let text = |text| context.limits.text(text);
    html! {
        li {
            (DOT) " " strong { (text(leg.machine)) } " "
            @for (at, seen) in context.limits.of_inner(&leg.seen).0.iter().enumerate() {
                @if at > 0 { ", " }
                (seen.point.station.name())
                @if let Some(link) = &seen.point.link { " " code { (text(link)) } }
                @if let Some(rule) = &seen.dropped_by { " " strong { (CROSS) " dropped by " code { (text(rule)) } } }
            }
            span.aside { " (" (text(leg.packet)) ")" }
        }
    }
}

fn legs(all: &[Seen]) -> Vec<Leg<'_>> {
    let mut legs: Vec<Leg<'_>> = Vec::new();
    for seen in all {
        match legs.last_mut() {
            Some(leg) if leg.machine == seen.point.machine && leg.packet == seen.packet => {
                leg.seen.push(seen);
            }
            _ => legs.push(Leg {
                machine: &seen.point.machine,
                packet: &seen.packet,
                seen: vec![seen],
            }),
        }
    }
    legs
}
