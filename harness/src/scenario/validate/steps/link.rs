//! Steps that make bridges, impair links, switch their offloads, and have the kernel forget.

use crate::scenario::check_kind::interface_at;
use crate::scenario::error::{Fault, code};
use crate::scenario::names::MachineName;
use crate::scenario::read::{At, Reader, parsed};
use crate::scenario::step::{Action, Netem, NewBridge, Offload};
use crate::scenario::validate::bridge::options;
use crate::scenario::validate::{Context, port};
use crate::scenario::{BridgePort, VantagePoint, parse, parse_step};

pub(super) fn add_bridge(
    context: &Context<'_>,
    reader: &Reader<'_>,
    on: Option<At<'_, MachineName>>,
) -> Option<Action> {
    let name = reader.need("name", reader.word("name", parse::if_name));
    // Nothing is claimed: a bridge that is made again may have what another one had.
    let options = options(context, reader).bridge;
    let ports = reader.texts("ports");
    for port in &ports {
        if let Some(on) = &on {
            context.interface_exists(on.value.as_str(), port);
        }
    }
    let ports = ports.into_iter();
    let ports = ports.filter_map(|port| parsed(port, parse::if_name, context.faults));
    let ports: Vec<_> = ports.map(|port| port.value).collect();
    Some(Action::AddBridge {
        on: on?.value,
        bridge: NewBridge {
            name: name?.value,
            options,
            ports,
        },
    })
}

pub(super) fn bridge_port(context: &Context<'_>, reader: &Reader<'_>) -> Option<BridgePort> {
    let options = port::stepped(context, reader);
    if options == BridgePort::default() {
        let message = "`bridge_port` says nothing of the port".to_owned();
        let label = "nothing to change".to_owned();
        let fault = Fault::new(reader.place, code::MISSING_KEY, message, label);
        let help = "for example `hairpin = true`".to_owned();
        context.faults.add(fault.help(help));
        return None;
    }
    Some(options)
}

pub(super) fn netem(context: &Context<'_>, reader: &Reader<'_>) -> Option<Netem> {
    let loss = reader.number::<u8>("loss");
    let delay = reader.word("delay", parse_step::delay);
    let rate = reader.number::<u32>("rate");
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

pub(super) fn offload(context: &Context<'_>, reader: &Reader<'_>) -> Option<Offload> {
    let checksum = reader.flag("checksum");
    let segmentation = reader.flag("segmentation");
    let keys = ["checksum", "segmentation"];
    if keys.iter().all(|key| reader.entry(key).is_none()) {
        let message = "`offload` needs `checksum` or `segmentation`".to_owned();
        let label = "nothing that is switched".to_owned();
        let fault = Fault::new(reader.place, code::MISSING_KEY, message, label);
        context.faults.add(fault);
        return None;
    }
    Some(Offload {
        checksum,
        segmentation,
    })
}

pub(super) fn flush(
    context: &Context<'_>,
    reader: &Reader<'_>,
    on: Option<At<'_, VantagePoint>>,
) -> Option<Action> {
    let neighbours = reader.flag("neighbours").unwrap_or(false);
    let bridge = interface_at(context, reader, "fdb", on.as_ref());
    let interface = interface_at(context, reader, "interface", on.as_ref());
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
