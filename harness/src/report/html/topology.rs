//! The picture of the network, with the ways of the packet that the first cause was found by.

use maud::{Markup, PreEscaped, html};

use super::context::Context;
use crate::diagnosis::{Diagnosis, Point, Seen};
use crate::plan::picture::{Lost, Overlay, Picture, Stop, svg_with};

/// Bytes of a picture beyond which the page goes without it.
const MOST: usize = 150 << 10;

pub(super) fn section(context: &Context<'_>) -> Option<Markup> {
    let picture = Picture::of(context.pages.scenario?);
    let followed = context.run.diagnosis.iter().enumerate();
    let mut followed = followed.filter(|(_, one)| one.course.is_some() || one.last_seen.is_some());
    let followed = followed.next();
    let overlay = followed.map(|(_, one)| overlay(one)).unwrap_or_default();
    let drawn = svg_with(&picture, &overlay);
    if drawn.len() > MOST {
        return Some(
            html! { p { "The network is too large to be drawn here: " code { "bridgelab plan --svg" } " draws it." } },
        );
    }
    Some(html! {
        figure {
            figcaption {
                "What is plugged into what. A dashed box is a guest, a rounded one a switch or a container."
                @if let Some((at, _)) = followed { " The lines are the way of the packet of cause " (at + 1) "." }
            }
            div.wide { (PreEscaped(drawn)) }
        }
    })
}

fn overlay(one: &Diagnosis) -> Overlay {
    let course = one.course.as_ref();
    let stops = |seen: &Vec<Seen>| {
        let mut stops: Vec<Stop> = seen.iter().map(|seen| stop(&seen.point)).collect();
        stops.dedup();
        stops
    };
    Overlay {
        request: course
            .map(|course| stops(&course.request))
            .unwrap_or_default(),
        answer: course
            .map(|course| stops(&course.answer))
            .unwrap_or_default(),
        lost: one.last_seen.as_ref().map(|last| Lost {
            after: stop(last),
            before: one.first_missing.as_ref().map(stop),
        }),
    }
}

fn stop(point: &Point) -> Stop {
    Stop {
        node: point.machine.clone(),
        link: point.link.clone(),
    }
}
