//! Steps that start and stop guests, and plug and unplug their NICs.

use super::place::guest;
use super::timeline::State;
use crate::scenario::error::{Fault, code};
use crate::scenario::names::MachineName;
use crate::scenario::parse;
use crate::scenario::read::{At, Reader, parsed};
use crate::scenario::step::Action;
use crate::scenario::validate::Context;

pub(super) fn turn_guest<'a>(
    context: &Context<'a>,
    reader: &Reader<'a>,
    what: &str,
    state: &mut State,
) -> Option<Action> {
    let at = guest(context, reader)?;
    let guest = MachineName::try_from(at.value).ok()?;
    if what != "start" {
        state.turn_guest(context, &at, false);
    }
    if what != "stop" {
        state.turn_guest(context, &at, true);
    }
    Some(match what {
        "start" => Action::Start { guest },
        "stop" => Action::Stop { guest },
        _ => Action::Restart { guest },
    })
}

type Nic<'a> = (At<'a, &'a str>, At<'a, &'a str>);

/// A NIC of a guest that runs.
pub(super) fn nic<'a>(
    context: &Context<'a>,
    reader: &Reader<'a>,
    state: &State,
) -> Option<Nic<'a>> {
    let guest = guest(context, reader);
    let interface = reader.need("interface", reader.text("interface"));
    let (guest, interface) = (guest?, interface?);
    if !state.runs(guest.value) {
        let message = format!("guest `{}` does not run", guest.value);
        let label = "at this point of the steps".to_owned();
        let fault = Fault::new(guest.place, code::CONFLICT, message, label);
        context.faults.add(fault);
        return None;
    }
    let known = context.known.guests.get(guest.value)?;
    if !known.taps.contains(interface.value) {
        let scope = format!(" in guest `{}`", guest.value);
        let taps = known.taps.iter().copied();
        let what = ("interface", "interfaces");
        context.faults.unknown(&interface, what, &scope, taps);
        return None;
    }
    Some((guest, interface))
}

pub(super) fn plug<'a>(
    context: &Context<'a>,
    reader: &Reader<'a>,
    state: &mut State,
) -> Option<Action> {
    let (guest, interface) = nic(context, reader, state)?;
    let mac = reader.word("mac", parse::mac);
    let key = format!("{} {}", guest.value, interface.value);
    let known = context.known.guests.get(guest.value);
    let declared = known.and_then(|known| known.macs.get(interface.value).copied());
    let own = declared
        .map(str::to_owned)
        .or_else(|| state.macs.get(&key).cloned());
    let mac = match (own, mac) {
        (Some(_), Some(mac)) => {
            let message = format!("`{}` has its MAC address already", interface.value);
            let label = "only a new NIC is given one".to_owned();
            let fault = Fault::new(mac.place, code::CONFLICT, message, label);
            context.faults.add(fault);
            mac.value
        }
        // A bad one is reported where it stands.
        (Some(own), None) => parse::mac(&own).ok()?,
        (None, mac) => {
            let mac = reader.need("mac", mac)?;
            let owner = format!("guest `{}`", guest.value);
            context.claims.mac(&mac, &owner);
            mac.value
        }
    };
    state.turn_nic(context, &guest, &interface, true);
    state.macs.insert(key, mac.to_string());
    Some(Action::Plug {
        guest: MachineName::try_from(guest.value).ok()?,
        interface: parsed(interface, parse::if_name, context.faults)?.value,
        mac,
    })
}
