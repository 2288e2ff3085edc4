//! What each action takes.

use super::daemon::{reload, turn_daemon};
use super::frame::frame;
use super::guest::{nic, plug, turn_guest};
use super::link::{add_bridge, bridge_port, flush, netem, offload};
use super::place::{Takes, machine, place};
use super::timeline::State;
use super::unit::{unit_name, written};
use crate::scenario::check_kind::{self, interface_at};
use crate::scenario::error::{Fault, code};
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::read::{At, Reader, parsed};
use crate::scenario::step::Action;
use crate::scenario::validate::Context;
use crate::scenario::validate::check::{the_kind, vantage};
use crate::scenario::{VantagePoint, parse};

/// Reads the table of one action, and does it to `state`.
pub(super) fn action<'a>(
    context: &Context<'a>,
    reader: &Reader<'a>,
    what: &str,
    state: &mut State,
) -> Option<Action> {
    let on = |takes| place(context, reader, (what, takes), state);
    let on_machine = || machine(context, reader, what, state);
    match what {
        "start" | "stop" | "restart" => turn_guest(context, reader, what, state),
        "start_daemon" | "stop_daemon" => turn_daemon(context, reader, what, state),
        "reload" => reload(context, reader, state),
        "link_up" | "link_down" | "delete_link" => {
            let on = on(Takes::Link);
            let interface = reader.need("interface", interface(context, reader, on.as_ref()));
            let (on, interface) = (on?.value, interface?);
            Some(match what {
                "link_up" => Action::LinkUp { on, interface },
                "link_down" => Action::LinkDown { on, interface },
                _ => Action::DeleteLink { on, interface },
            })
        }
        "add_bridge" => add_bridge(context, reader, on_machine()),
        "bridge_port" => {
            let on = on(Takes::Link);
            let interface = reader.need("interface", interface(context, reader, on.as_ref()));
            let options = bridge_port(context, reader);
            Some(Action::BridgePort {
                on: on?.value,
                interface: interface?,
                options: options?,
            })
        }
        "plug" => plug(context, reader, state),
        "unplug" => {
            let (guest, interface) = nic(context, reader, state)?;
            state.turn_nic(context, &guest, &interface, false);
            Some(Action::Unplug {
                guest: MachineName::try_from(guest.value).ok()?,
                interface: parsed(interface, parse::if_name, context.faults)?.value,
            })
        }
        "write_unit" => {
            let on = on(Takes::Networkd);
            let unit = written(context, reader);
            Some(Action::WriteUnit {
                on: on?.value,
                unit: unit?,
            })
        }
        "remove_unit" => {
            let on = on(Takes::Networkd);
            let name = reader.need("name", reader.text("name"));
            let name = name.and_then(|name| unit_name(context, &name));
            Some(Action::RemoveUnit {
                on: on?.value,
                name: name?,
            })
        }
        "run" => run(context, reader, on(Takes::Any)),
        "kill" => {
            let run = reader.need("run", reader.text("run"))?;
            state.end_command(context, &run);
            Some(Action::Kill {
                run: parsed(run, parse::step_id, context.faults)?.value,
            })
        }
        "send" => {
            let on = on_machine();
            let interface = machine_link(context, reader, on.as_ref());
            let frame = frame(context, reader);
            Some(Action::Send {
                on: on?.value,
                interface: interface?,
                frame: frame?,
                count: reader.number("count").unwrap_or(1),
            })
        }
        "impair" => {
            let on = on_machine();
            let interface = machine_link(context, reader, on.as_ref());
            let netem = netem(context, reader);
            Some(Action::Impair {
                on: on?.value,
                interface: interface?,
                netem: netem?,
            })
        }
        "unimpair" => {
            let on = on_machine();
            let interface = machine_link(context, reader, on.as_ref());
            Some(Action::Unimpair {
                on: on?.value,
                interface: interface?,
            })
        }
        "offload" => {
            let on = on_machine();
            let interface = machine_link(context, reader, on.as_ref());
            let offload = offload(context, reader);
            Some(Action::Offload {
                on: on?.value,
                interface: interface?,
                offload: offload?,
            })
        }
        "flush" => flush(context, reader, on(Takes::Link)),
        "sysctl" => {
            let on = on(Takes::Link);
            let key = reader.need("key", reader.word("key", parse::sysctl));
            let value = reader.need("value", reader.text("value"));
            Some(Action::Sysctl {
                on: on?.value,
                key: key?.value,
                value: value?.value.to_owned(),
            })
        }
        "wait_for" => wait_for(context, reader, state),
        _ => None,
    }
}

/// An interface of the place where the step is done.
fn interface<'a>(
    context: &Context<'_>,
    reader: &Reader<'_>,
    on: Option<&At<'a, VantagePoint>>,
) -> Option<IfName> {
    interface_at(context, reader, "interface", on)
}

fn machine_link<'a>(
    context: &Context<'_>,
    reader: &Reader<'_>,
    on: Option<&At<'a, MachineName>>,
) -> Option<IfName> {
    let on = on.map(|on| At {
        value: VantagePoint::Machine(on.value.clone()),
        place: on.place,
    });
    reader.need("interface", interface(context, reader, on.as_ref()))
}

fn run(
    context: &Context<'_>,
    reader: &Reader<'_>,
    on: Option<At<'_, VantagePoint>>,
) -> Option<Action> {
    let entry = reader.need("command", reader.entry("command"));
    let words = reader.texts("command");
    let status = reader.number::<u8>("status");
    let background = reader.flag("background").unwrap_or(false);
    if background && let Some(entry) = reader.entry("status") {
        let message = "a command in the background is not waited for".to_owned();
        let label = "so no exit status is expected of it".to_owned();
        let fault = Fault::new(&entry.key, code::CONFLICT, message, label);
        context.faults.add(fault);
    }
    let empty = words.first().is_none_or(|word| word.value.is_empty());
    if let Some(entry) = entry
        && empty
        && entry.node.value.is_array()
    {
        let message = "`command` names no program".to_owned();
        let label = "must be a program and its arguments".to_owned();
        let fault = Fault::new(&entry.node.place, code::BAD_VALUE, message, label);
        let help =
            "for example `command = [\"ip\", \"link\"]`; a shell is `[\"sh\", \"-c\", \"...\"]`";
        context.faults.add(fault.help(help.to_owned()));
    }
    Some(Action::Run {
        on: on?.value,
        command: words.iter().map(|word| word.value.to_owned()).collect(),
        status: status.unwrap_or(0),
        background,
    })
}

fn wait_for<'a>(context: &Context<'a>, reader: &Reader<'a>, state: &State) -> Option<Action> {
    let text = reader.need("from", reader.text("from"));
    let from = text.and_then(|text| {
        let value = vantage(context, &text)?;
        let place = text.place;
        Some(At { value, place })
    });
    if let Some(from) = &from
        && let VantagePoint::Guest(guest) | VantagePoint::Container(guest, _) = &from.value
        && !state.runs(guest.as_str())
    {
        let message = format!("guest `{guest}` does not run");
        let label = "at this point of the steps".to_owned();
        let fault = Fault::new(from.place, code::CONFLICT, message, label);
        context.faults.add(fault);
    }
    let table_keys = the_kind(context, reader)?;
    let kind = reader
        .table(table_keys.what, table_keys)
        .and_then(|reader| check_kind::read(context, &reader, table_keys, from.as_ref()));
    Some(Action::WaitFor {
        from: from?.value,
        kind: kind?,
    })
}
