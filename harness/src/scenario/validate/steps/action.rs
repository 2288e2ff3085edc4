//! What each action takes.

use super::frame::frame;
use super::place::{Takes, guest, machine, place, provides};
use super::timeline::State;
use super::unit::{unit_name, written};
use crate::scenario::error::{Fault, code};
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::read::{At, Reader, parsed};
use crate::scenario::step::{Action, Daemon, Netem, NewBridge};
use crate::scenario::validate::check::{the_kind, vantage};
use crate::scenario::validate::{Context, kinds};
use crate::scenario::{VantagePoint, words};

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
        "plug" => plug(context, reader, state),
        "unplug" => {
            let (guest, interface) = nic(context, reader, state)?;
            state.turn_nic(context, &guest, &interface, false);
            Some(Action::Unplug {
                guest: MachineName::try_from(guest.value).ok()?,
                interface: parsed(interface, words::if_name, context.faults)?.value,
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
        "send" => {
            let on = on_machine();
            let interface = machine_link(context, reader, on.as_ref());
            let frame = frame(context, reader);
            Some(Action::Send {
                on: on?.value,
                interface: interface?,
                frame: frame?,
                count: reader.number("count", 1..=10_000).unwrap_or(1),
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
        "flush" => flush(context, reader, on(Takes::Link)),
        "sysctl" => {
            let on = on(Takes::Link);
            let key = reader.need("key", reader.word("key", words::sysctl));
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
    kinds::interface_at(context, reader, "interface", on)
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

fn turn_guest<'a>(
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

fn turn_daemon<'a>(
    context: &Context<'a>,
    reader: &Reader<'a>,
    what: &str,
    state: &mut State,
) -> Option<Action> {
    let on = place(context, reader, (what, Takes::Link), state);
    let daemon = reader.need("daemon", reader.word("daemon", words::daemon));
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
            let there = known.machines.get(name.as_str()).is_none_or(|machine| {
                match daemon.value {
                    Daemon::Networkd => machine.networkd,
                    Daemon::Dnsmasq => machine.dnsmasq,
                    Daemon::Http => machine.http,
                    Daemon::Resolved | Daemon::Docker => false,
                }
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

fn reload<'a>(context: &Context<'a>, reader: &Reader<'a>, state: &State) -> Option<Action> {
    let on = place(context, reader, ("reload", Takes::Link), state);
    let daemon = reader.word("daemon", words::daemon);
    let link = interface(context, reader, on.as_ref());
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

fn add_bridge(
    context: &Context<'_>,
    reader: &Reader<'_>,
    on: Option<At<'_, MachineName>>,
) -> Option<Action> {
    let name = reader.need("name", reader.word("name", words::if_name));
    let stp = reader.flag("stp").unwrap_or(false);
    let forward_delay = reader.word("forward_delay", words::forward_delay);
    let mac = reader.word("mac", words::mac);
    let addresses = reader.words("addresses", words::address);
    let ports = reader.texts("ports");
    for port in &ports {
        if let Some(on) = &on {
            context.interface_exists(on.value.as_str(), port);
        }
    }
    let ports = ports.into_iter();
    let ports = ports.filter_map(|port| parsed(port, words::if_name, context.faults));
    let ports: Vec<_> = ports.map(|port| port.value).collect();
    Some(Action::AddBridge {
        on: on?.value,
        bridge: NewBridge {
            name: name?.value,
            stp,
            forward_delay: forward_delay.map(|delay| delay.value),
            mac: mac.map(|mac| mac.value),
            addresses: addresses
                .into_iter()
                .map(|address| address.value)
                .collect(),
            ports,
        },
    })
}

type Nic<'a> = (At<'a, &'a str>, At<'a, &'a str>);

/// A NIC of a guest that runs.
fn nic<'a>(context: &Context<'a>, reader: &Reader<'a>, state: &State) -> Option<Nic<'a>> {
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

fn plug<'a>(context: &Context<'a>, reader: &Reader<'a>, state: &mut State) -> Option<Action> {
    let (guest, interface) = nic(context, reader, state)?;
    let mac = reader.word("mac", words::mac);
    let key = format!("{} {}", guest.value, interface.value);
    let known = context.known.guests.get(guest.value);
    let declared = known.and_then(|known| known.macs.get(interface.value).copied());
    let own = declared.map(str::to_owned).or_else(|| state.macs.get(&key).cloned());
    let mac = match (own, mac) {
        (Some(_), Some(mac)) => {
            let message = format!("`{}` has its MAC address already", interface.value);
            let label = "only a new NIC is given one".to_owned();
            let fault = Fault::new(mac.place, code::CONFLICT, message, label);
            context.faults.add(fault);
            mac.value
        }
        // A bad one is reported where it stands.
        (Some(own), None) => words::mac(&own).ok()?,
        (None, mac) => {
            let mac = reader.need("mac", mac)?;
            let owner = format!("guest `{}`", guest.value);
            let thing = format!("MAC address `{}`", mac.value);
            context.claims.claim(thing, "", mac.place, owner);
            mac.value
        }
    };
    state.turn_nic(context, &guest, &interface, true);
    state.macs.insert(key, mac.to_string());
    Some(Action::Plug {
        guest: MachineName::try_from(guest.value).ok()?,
        interface: parsed(interface, words::if_name, context.faults)?.value,
        mac,
    })
}

fn run(
    context: &Context<'_>,
    reader: &Reader<'_>,
    on: Option<At<'_, VantagePoint>>,
) -> Option<Action> {
    let entry = reader.need("command", reader.entry("command"));
    let words = reader.texts("command");
    let status = reader.number("status", 0..=u8::MAX).unwrap_or(0);
    let empty = words.first().is_none_or(|word| word.value.is_empty());
    if let Some(entry) = entry
        && empty
        && entry.node.value.is_array()
    {
        let message = "`command` names no program".to_owned();
        let label = "must be a program and its arguments".to_owned();
        let fault = Fault::new(&entry.node.place, code::BAD_VALUE, message, label);
        let help = "for example `command = [\"ip\", \"link\"]`; a shell is `[\"sh\", \"-c\", \"...\"]`";
        context.faults.add(fault.help(help.to_owned()));
    }
    Some(Action::Run {
        on: on?.value,
        command: words.iter().map(|word| word.value.to_owned()).collect(),
        status,
    })
}

fn netem(context: &Context<'_>, reader: &Reader<'_>) -> Option<Netem> {
    let loss = reader.number("loss", 1..=100_u8);
    let delay = reader.word("delay", words::delay);
    let rate = reader.number("rate", 8..=100_000_000_u32);
    let keys = ["loss", "delay", "rate"];
    if keys.iter().all(|key| reader.entry(key).is_none()) {
        let message = "`impair` needs `loss`, `delay` or `rate`".to_owned();
        let label = "nothing that the link suffers".to_owned();
        let fault = Fault::new(reader.place, code::MISSING_KEY, message, label);
        context.faults.add(fault);
        return None;
    }
    Some(Netem {
        loss,
        delay: delay.map(|delay| delay.value),
        rate,
    })
}

fn flush(
    context: &Context<'_>,
    reader: &Reader<'_>,
    on: Option<At<'_, VantagePoint>>,
) -> Option<Action> {
    let neighbours = reader.flag("neighbours").unwrap_or(false);
    let bridge = kinds::interface_at(context, reader, "fdb", on.as_ref());
    let interface = interface(context, reader, on.as_ref());
    let fault = |place, code, message: &str, label: &str| {
        let fault = Fault::new(place, code, message.to_owned(), label.to_owned());
        context.faults.add(fault);
    };
    match (neighbours, reader.entry("fdb")) {
        (true, None) => Some(Action::FlushNeighbours {
            on: on?.value,
            interface,
        }),
        (false, Some(_)) => {
            if let Some(entry) = reader.entry("interface") {
                let label = "`fdb` names the bridge";
                fault(&entry.key, code::CONFLICT, "`interface` with `fdb`", label);
            }
            Some(Action::FlushFdb {
                on: on?.value,
                bridge: bridge?,
            })
        }
        (true, Some(entry)) => {
            let message = "`flush` is of both `neighbours` and `fdb`";
            let label = "write two steps, each with its own id";
            fault(&entry.key, code::CONFLICT, message, label);
            None
        }
        (false, None) => {
            let message = "`flush` needs `neighbours = true` or `fdb`";
            fault(
                reader.place,
                code::MISSING_KEY,
                message,
                "nothing to forget",
            );
            None
        }
    }
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
    let shape = the_kind(context, reader)?;
    let kind = reader
        .table(shape.what, shape)
        .and_then(|reader| kinds::kind(context, &reader, shape, from.as_ref()));
    Some(Action::WaitFor {
        from: from?.value,
        kind: kind?,
    })
}
