//! What links are put on that stand on another one.

use super::{Context, in_machine};
use crate::scenario::names::IfName;
use crate::scenario::read::{At, Reader, parsed};
use crate::scenario::{MacvlanMode, parse};

/// The link that `link` names, which the machine must have and which must not be a bridge's port.
pub(crate) fn link(context: &Context<'_>, reader: &Reader<'_>, machine: &str) -> Option<IfName> {
    let text = reader.need("link", reader.text("link"))?;
    let name = parsed(text, parse::if_name, context.faults)?;
    let known = context.known.machines.get(machine)?;
    let carriers = known.plugged.iter().copied();
    let carriers = carriers
        .chain(known.bridges.iter().copied())
        .chain(known.netdevs.iter().map(String::as_str));
    if let Some(bridge) = known.masters.get(text.value) {
        let message = format!("`{}` is on bridge `{bridge}`", text.value);
        let label = "a bridge's port carries no macvlan or macvtap (the kernel: EBUSY)";
        let off = format!("leave `{}` off the bridge", text.value);
        let told = context.faults.conflict(text.place, message, label);
        told.help(format!("`link = \"{bridge}\"`, or {off}"));
    } else if known.complete {
        let (names, scope) = (("link", "links"), in_machine(machine));
        context.faults.among(&text, names, &scope, carriers);
    }
    Some(name.value)
}

/// Reports mode `passthru` beside another on the same link: the kernel refuses whichever comes second.
pub(crate) fn alone(
    context: &Context<'_>,
    reader: &Reader<'_>,
    machine: &str,
    mode: &At<'_, MacvlanMode>,
) {
    let Some(link) = reader.said("link") else {
        return;
    };
    let known = context.known.machines.get(machine);
    let count = known.and_then(|known| known.carried.get(link));
    if mode.value == MacvlanMode::Passthru && count.is_some_and(|count| *count > 1) {
        let message = format!("`{link}` carries another beside one with `passthru`");
        (context.faults).conflict(mode.place, message, "takes the link for itself alone");
    }
}
