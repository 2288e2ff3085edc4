//! Steps: what is done, in which order, and what its answer must be.
//!
//! They are read in order, because what a step may do depends on those before it: a guest that was stopped cannot be
//! stopped again, and nobody looks from it.

mod asked;
mod timeline;

pub use asked::{Asked, Takes};
pub(super) use timeline::Timeline;

use self::timeline::State;
use super::Context;
use super::check::{Choice, the_one};
use crate::scenario::keys::STEP;
use crate::scenario::read::{At, Reader};
use crate::scenario::step::{Answer, Step};
use crate::scenario::{action, parse};

/// The steps, and which guests run after each.
pub(super) fn steps<'a>(context: &Context<'a>, root: &Reader<'a>) -> (Vec<Step>, Timeline) {
    let mut state = State::at_first(context);
    let mut timeline = Timeline::new(&state);
    let mut steps = Vec::new();
    let readers = root.tables("steps", &STEP);
    let ids = readers.iter().filter_map(|reader| reader.said("id"));
    let ids: Vec<&str> = ids.collect();
    for reader in &readers {
        if let Some(before) = reader.text("before") {
            let (faults, known) = (context.faults, ids.iter().copied());
            faults.among(&before, ("step", "steps"), "", known);
        }
        let id = reader.entry("id").and_then(|entry| {
            let value = entry.node.value.as_text()?;
            let place = &entry.node.place;
            Some(At { value, place })
        });
        steps.extend(step(context, reader, &mut state));
        if let Some(id) = id {
            timeline.add(&id, &state);
        }
    }
    (steps, timeline)
}

fn step<'a>(context: &Context<'a>, reader: &Reader<'a>, state: &mut State) -> Option<Step> {
    let id = context.claims.id(reader, "step");
    let within = reader.word("within", parse::duration);
    let answer = answer(context, reader);
    let what = Choice {
        whole: "a step",
        missing: "a step needs to say what it does",
        none: "no action is in it",
        second: "a second action",
        help: "write two steps, each with its own id",
    };
    let enabled = reader.flag("enabled").unwrap_or(true);
    // Of a step that is taken away the action is read all the same: a fault in it comes back with the step.
    let mut unused = state.clone();
    let changed = if enabled { state } else { &mut unused };
    // What is expected to be refused changes nothing, and is judged by whoever refuses it.
    changed.excuse(answer != Answer::Done);
    let table_keys = the_one(context, reader, action::keys(), &what)?;
    let row = action::rows()
        .iter()
        .find(|row| row.keys.what == table_keys.what)?;
    let action = reader
        .table(table_keys.what, table_keys)
        .and_then(|reader| {
            (row.read)(&mut Asked {
                context,
                reader: &reader,
                state: changed,
                step: id.as_ref(),
            })
        });
    Some(Step {
        id: id?,
        within: within.map_or(row.within, |within| within.value),
        answer,
        action: Some(action?).filter(|_| enabled),
    })
}

fn answer(context: &Context<'_>, reader: &Reader<'_>) -> Answer {
    let may_fail = reader.flag("may_fail").unwrap_or(false);
    let Some(words) = reader.text("refused") else {
        return if may_fail {
            Answer::Either
        } else {
            Answer::Done
        };
    };
    // A step that `must_fail` names may be refused with any words.
    let own = reader
        .entry("refused")
        .is_none_or(|entry| !entry.key.span.is_empty());
    if own && words.value.trim().is_empty() {
        let label = "must be part of what the kernel or the tool says";
        (context.faults).conflict(words.place, "`refused` has no words", label);
    } else if may_fail {
        let message = "a step is both `may_fail` and `refused`";
        (context.faults).conflict(words.place, message, "it must be refused, or it may");
    }
    Answer::Refused(words.value.to_owned())
}
