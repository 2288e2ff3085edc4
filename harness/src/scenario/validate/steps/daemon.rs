//! Steps that start, stop and reload daemons.

use super::place::{Takes, place, provides};
use super::timeline::State;
use crate::scenario::check_kind::interface_at;
use crate::scenario::error::{Fault, code};
use crate::scenario::read::{At, Reader};
use crate::scenario::step::{Action, Daemon};
use crate::scenario::validate::Context;
use crate::scenario::{VantagePoint, parse_step};

pub(super) fn turn_daemon<'a>(
    context: &Context<'a>,
    reader: &Reader<'a>,
    what: &str,
    state: &mut State,
) -> Option<Action> {
    let on = place(context, reader, (what, Takes::Link), state);
    let daemon = reader.need("daemon", reader.word("daemon", parse_step::daemon));
    let (on, daemon) = (on?, daemon?);
    is_there(context, &on, &daemon)?;
    let start = what == "start_daemon";
    state.turn_daemon(context, &on, daemon.value.name(), start);
    let (on, daemon) = (on.value, daemon.value);
    Some(if start {
        Action::StartDaemon { on, daemon }
    } else {
        Action::StopDaemon { on, daemon }
    })
}

/// Reports a daemon that its place does not have.
fn is_there(
    context: &Context<'_>,
    on: &At<'_, VantagePoint>,
    daemon: &At<'_, Daemon>,
) -> Option<()> {
    let known = &context.known;
    let (there, lacks) = match &on.value {
        VantagePoint::Machine(name) => {
            let there =
                known
                    .machines
                    .get(name.as_str())
                    .is_none_or(|machine| match daemon.value {
                        Daemon::Networkd => machine.networkd,
                        Daemon::Dnsmasq => machine.dnsmasq,
                        Daemon::Http => machine.http,
                        Daemon::Resolved | Daemon::Docker => false,
                    });
            (there, format!("machine `{name}` has no"))
        }
        VantagePoint::Guest(name) => {
            let provides = provides(context, name);
            let there = match daemon.value {
                Daemon::Networkd | Daemon::Resolved => provides.networkd,
                Daemon::Docker => provides.docker,
                Daemon::Dnsmasq | Daemon::Http => false,
            };
            (there, format!("guest `{name}` has no"))
        }
        VantagePoint::Container(..) => return None,
    };
    if there {
        return Some(());
    }
    let message = format!("{lacks} {}", daemon.value.name());
    let label = "not a daemon of that place".to_owned();
    let fault = Fault::new(daemon.place, code::CONFLICT, message, label);
    context.faults.add(fault);
    None
}

pub(super) fn reload<'a>(
    context: &Context<'a>,
    reader: &Reader<'a>,
    state: &State,
) -> Option<Action> {
    let on = place(context, reader, ("reload", Takes::Link), state);
    let daemon = reader.word("daemon", parse_step::daemon);
    let link = interface_at(context, reader, "interface", on.as_ref());
    let on = on?;
    let daemon = daemon.unwrap_or(At {
        value: Daemon::Networkd,
        place: reader.place,
    });
    is_there(context, &on, &daemon)?;
    let fault = |place, message: &str, label: &str| {
        let fault = Fault::new(place, code::CONFLICT, message.to_owned(), label.to_owned());
        context.faults.add(fault);
    };
    if !matches!(daemon.value, Daemon::Networkd | Daemon::Dnsmasq) {
        let message = format!("{} cannot be reloaded", daemon.value.name());
        fault(daemon.place, &message, "stop and start it instead");
    }
    if daemon.value != Daemon::Networkd
        && let Some(entry) = reader.entry("interface")
    {
        let label = "only networkd configures links";
        fault(&entry.key, "`interface` without networkd", label);
    }
    Some(Action::Reload {
        on: on.value,
        daemon: daemon.value,
        interface: link,
    })
}
