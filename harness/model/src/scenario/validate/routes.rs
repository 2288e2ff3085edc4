//! Routes of machines, and of their ends of guests' NICs: what the kernel would not take is invalid.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Context;
use super::next_hop::{Reach, Refusal};
use crate::scenario::error::code;
use crate::scenario::names::IfName;
use crate::scenario::read::{At, Reader, parsed};
use crate::scenario::{Route, parse};

/// A route by an interface or a next hop of the machine.
pub(crate) fn of_machine(
    context: &Context<'_>,
    reader: &Reader<'_>,
    machine: &str,
    reach: &mut Reach,
) -> Option<Route> {
    let dev = reader.text("dev");
    if let Some(dev) = &dev {
        let known = context.known.machines.get(machine);
        if known.is_some_and(|known| known.taps.contains(dev.value)) {
            let message = format!("`{}` is a guest's TAP", dev.value);
            let label = "it is made after the machine's routes";
            let told = context.faults.conflict(dev.place, message, label);
            told.help("make it one of the `host_routes` of the guest's interface");
        } else {
            context.interface_exists(machine, dev);
        }
    } else {
        let needs = if reader.entry("onlink").is_some() {
            Some(("`onlink` without `dev`", "on which link?"))
        } else if reader.entry("via").is_none() {
            Some(("a route needs `via`, `dev` or both", "it leads nowhere"))
        } else {
            None
        };
        if let Some((message, label)) = needs {
            (context.faults).report(reader.place, code::MISSING_KEY, message, label);
        }
    }
    let dev = dev.and_then(|dev| parsed(dev, parse::if_name, context.faults));
    let dev = dev.map(|dev| dev.value);
    let whose = format!("machine `{machine}`");
    route(context, reader, dev, (&whose, "addresses"), reach)
}

/// What all routes have.
pub(crate) fn route(
    context: &Context<'_>,
    reader: &Reader<'_>,
    dev: Option<IfName>,
    (whose, key): (&str, &str),
    reach: &mut Reach,
) -> Option<Route> {
    let to = reader.need("to", reader.word("to", parse::prefix));
    let via = reader.word("via", parse::ip);
    let onlink = reader.flag("onlink").unwrap_or(false);
    let metric = reader.number::<u32>("metric");
    if onlink && reader.entry("via").is_none() {
        let label = "there is no next hop to be on the link";
        (context.faults).conflict(reader.place, "`onlink` without `via`", label);
    }
    let to = to?.value;
    if let Some(via) = &via {
        same_family(context, &to, via);
    }
    let route = Route {
        to,
        via: via.as_ref().map(|via| via.value),
        dev,
        onlink,
        metric,
    };
    let refused = reach.refuses(&route, whose, key);
    if let Some(Refusal {
        message,
        label,
        help,
    }) = refused
    {
        let place = via.as_ref().map_or(reader.place, |via| via.place);
        // Nobody can change a line of the base: the fault is in what was laid over it.
        let laid = reach.laid.as_ref().filter(|_| place.source.built_in);
        let (place, label) = match laid {
            Some(laid) => (laid, format!("{label}: a route of the base")),
            None => (place, label.to_owned()),
        };
        (context.faults.conflict(place, message, label)).help_if(help);
    }
    reach.took(&route);
    Some(route)
}

/// Reports a next hop of the other family.
pub fn same_family(context: &Context<'_>, to: &IpNet, via: &At<'_, IpAddr>) {
    if to.addr().is_ipv4() != via.value.is_ipv4() {
        let family = if to.addr().is_ipv4() { "IPv4" } else { "IPv6" };
        let message = format!(
            "the route to `{to}` goes via `{}`, of the other family",
            via.value
        );
        let label = format!("must be an {family} address");
        context.faults.conflict(via.place, message, label);
    }
}
