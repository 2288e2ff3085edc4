//! Where a step is done.

use super::timeline::State;
use crate::scenario::VantagePoint;
use crate::scenario::error::{Fault, code};
use crate::scenario::names::MachineName;
use crate::scenario::provides::Provides;
use crate::scenario::read::{At, Reader};
use crate::scenario::validate::Context;
use crate::scenario::validate::check::vantage;

/// Which places an action takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// Machines.
    Machine,
    /// Machines and guests.
    Link,
    /// Those with networkd.
    Networkd,
    /// Containers too.
    Any,
}

/// Reads `on`.
pub(super) fn place<'a>(
    context: &Context<'a>,
    reader: &Reader<'a>,
    (action, takes): (&str, Takes),
    state: &State,
) -> Option<At<'a, VantagePoint>> {
    let text = reader.need("on", reader.text("on"))?;
    let on = vantage(context, &text)?;
    let fault = |message: String, label: &str| {
        let fault = Fault::new(text.place, code::CONFLICT, message, label.to_owned());
        context.faults.add(fault);
    };
    let refused = match (&on, takes) {
        (_, Takes::Any) | (VantagePoint::Machine(_), Takes::Machine | Takes::Link) => None,
        (VantagePoint::Guest(_), Takes::Link) => None,
        (VantagePoint::Machine(name), Takes::Networkd) => {
            let known = context.known.machines.get(name.as_str());
            known
                .is_none_or(|known| !known.networkd)
                .then_some("the machine has no `networkd`")
        }
        (VantagePoint::Guest(name), Takes::Networkd) => {
            (!provides(context, name).networkd).then_some("its image has no networkd")
        }
        (VantagePoint::Guest(_), Takes::Machine) => Some("a guest"),
        (VantagePoint::Container(..), _) => Some("a container"),
    };
    if let Some(label) = refused {
        let where_to = match takes {
            Takes::Machine => "on a machine",
            Takes::Link | Takes::Any => "on a machine or in a guest",
            Takes::Networkd => "where networkd runs",
        };
        fault(format!("`{action}` is done {where_to}"), label);
        return None;
    }
    if let VantagePoint::Guest(guest) | VantagePoint::Container(guest, _) = &on
        && !state.runs(guest.as_str())
    {
        fault(
            format!("guest `{guest}` does not run"),
            "at this point of the steps",
        );
    }
    let place = text.place;
    Some(At { value: on, place })
}

/// What a guest's image has in it.
pub(super) fn provides(context: &Context<'_>, guest: &MachineName) -> &'static Provides {
    let known = context.known.guests.get(guest.as_str());
    Provides::of(known.and_then(|guest| guest.image).unwrap_or("debian"))
}

/// Reads `on` where only a machine will do.
pub(super) fn machine<'a>(
    context: &Context<'a>,
    reader: &Reader<'a>,
    action: &str,
    state: &State,
) -> Option<At<'a, MachineName>> {
    let on = place(context, reader, (action, Takes::Machine), state)?;
    match on.value {
        VantagePoint::Machine(value) => Some(At {
            value,
            place: on.place,
        }),
        VantagePoint::Guest(_) | VantagePoint::Container(..) => None,
    }
}

/// Reads `guest`.
pub(super) fn guest<'a>(context: &Context<'a>, reader: &Reader<'a>) -> Option<At<'a, &'a str>> {
    let guest = reader.need("guest", reader.text("guest"))?;
    if context.known.guests.contains_key(guest.value) {
        return Some(guest);
    }
    let known = context.known.guests.keys().copied();
    context
        .faults
        .unknown(&guest, ("guest", "guests"), "", known);
    None
}
