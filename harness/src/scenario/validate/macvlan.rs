//! Macvtaps of guests, and what they and other links are put on.

use super::vmm::{Machine, is_imposed};
use super::{Context, in_machine};
use crate::scenario::error::code;
use crate::scenario::keys::MACVTAP;
use crate::scenario::lookup;
use crate::scenario::names::IfName;
use crate::scenario::parse::NicType;
use crate::scenario::read::{At, Reader, parsed};
use crate::scenario::{GuestInterfaceKind, HostEnd, MacvlanMode, Macvtap, TapOpen, parse};

/// Keys of an interface that are a TAP's alone. microvm.nix's `macvtap-up` gives the node to one user, and a macvtap is
/// no port of a bridge and has no address.
const TAP_ONLY: [(&str, &str); 5] = [
    (
        "owner",
        "the lab opens its device node and hands down descriptors",
    ),
    (
        "before_networkd",
        "it is made when what it is put on is there",
    ),
    ("master", "it is put on a link, which may be a bridge"),
    (
        "host_addresses",
        "it is the guest's alone; the host has its own in `macvlans`",
    ),
    (
        "host_routes",
        "it is the guest's alone; the host has its own in `macvlans`",
    ),
];

/// What `type` and `macvtap` of a guest's interface say together.
pub(crate) fn kind(
    context: &Context<'_>,
    interface: &Reader<'_>,
    (machine, vmm): (&str, &Machine<'_>),
    nic: &At<'_, NicType>,
) -> Option<GuestInterfaceKind> {
    if is_imposed(nic.place) && (nic.value == NicType::Tap) == interface.entry("macvtap").is_some()
    {
        return Some(overrides(context, interface, (machine, vmm), nic.value));
    }
    if nic.value == NicType::Tap {
        let label = "what is said here would never be read";
        let told = interface.conflict("macvtap", "a TAP has no `macvtap`", label);
        told.help("make it `type = \"macvtap\"`");
        return Some(GuestInterfaceKind::Tap);
    }
    for (key, why) in TAP_ONLY {
        interface.conflict(key, format!("a macvtap has no `{key}`"), why);
    }
    let read = interface.table("macvtap", &MACVTAP);
    if read.is_none() && interface.entry("macvtap").is_none() {
        let message = "`type = \"macvtap\"` needs `macvtap`";
        let (code, label) = (code::MISSING_KEY, "which link is it put on?");
        let help = "for example `macvtap = { link = \"eno1\", mode = \"bridge\" }` beside it";
        (context.faults.report(nic.place, code, message, label)).help(help);
    }
    macvtap(context, &read?, machine).map(GuestInterfaceKind::Macvtap)
}

/// A NIC of the type that the command line imposes, where the scenario was written for the other: a macvtap in mode bridge on
/// the bridge that the TAP is for, or on the machine's only link. What cannot be so is beyond the scenario, which is then skipped.
fn overrides(
    context: &Context<'_>,
    interface: &Reader<'_>,
    (machine, vmm): (&str, &Machine<'_>),
    nic: NicType,
) -> GuestInterfaceKind {
    let beyond = |reason: String| {
        let mut all = context.beyond.borrow_mut();
        all.push((vmm.hypervisor, reason));
        GuestInterfaceKind::Tap
    };
    if nic == NicType::Tap {
        let known = context.known.machines.get(machine);
        let networkd = known.is_some_and(|known| known.networkd);
        return match networkd || bridge_instead(context, interface, machine).is_some() {
            true => GuestInterfaceKind::Tap,
            false => beyond("`nic`: a TAP in the place of a macvtap is on no bridge".to_owned()),
        };
    }
    for key in ["host_addresses", "host_routes"] {
        if interface.entry(key).is_some() {
            return beyond(format!("`{key}`: a macvtap has none, with `nic`"));
        }
    }
    let link = interface.said("master").or_else(|| {
        let known = context.known.machines.get(machine)?;
        // The only bridge there is; else the only NIC.
        only(known.bridges.iter().copied())
            .or_else(|| only(known.netdevs.iter().map(String::as_str)))
            .or_else(|| only(known.plugged.iter().copied()))
    });
    match link.and_then(|link| IfName::try_from(link).ok()) {
        None => beyond(format!(
            "`nic`: which link of `{machine}` carries a macvtap?"
        )),
        Some(link) => GuestInterfaceKind::Macvtap(Macvtap {
            link,
            mode: MacvlanMode::Bridge,
            allmulticast: true,
            sources: Vec::new(),
        }),
    }
}

/// The bridge made by rtnetlink that carried a macvtap in whose place the command line puts a TAP.
pub(crate) fn bridge_instead(
    context: &Context<'_>,
    interface: &Reader<'_>,
    machine: &str,
) -> Option<IfName> {
    let macvtap = interface.entry("macvtap")?.node.value.as_table()?;
    let known = context.known.machines.get(machine)?;
    let bridge = known.bridges.get(lookup::text(macvtap, "link")?)?;
    IfName::try_from(*bridge).ok()
}

/// The name, where there is no other.
fn only<'n>(mut names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    names.next().filter(|_| names.next().is_none())
}

/// The host's end of a macvtap: what of it is a TAP's alone is left out.
pub(crate) fn nic_backend(end: HostEnd) -> HostEnd {
    HostEnd {
        multi_queue: end.multi_queue,
        vnet_hdr: end.vnet_hdr,
        up: end.up,
        mtu: end.mtu,
        ..HostEnd::default()
    }
}

fn macvtap(context: &Context<'_>, reader: &Reader<'_>, machine: &str) -> Option<Macvtap> {
    let mode = reader.need("mode", reader.meaning("mode", &MacvlanMode::WORDS));
    if let Some(mode) = &mode {
        alone(context, reader, machine, mode);
    }
    if let Some(mode) = mode.filter(|mode| mode.value != MacvlanMode::Source) {
        let message = format!("`sources` with mode `{}`", mode.value);
        let told = reader.conflict("sources", message, "only mode `source` looks at who sends");
        told.help("make it `mode = \"source\"`");
    }
    let link = link(context, reader, machine);
    Some(Macvtap {
        link: link?,
        mode: mode?.value,
        allmulticast: reader.flag("allmulticast").unwrap_or(true),
        sources: reader.values("sources", parse::mac),
    })
}

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

/// How the VMM gets at the macvtap: as the scenario says, else in the first of the ways it has. Reports one that it has not.
pub(crate) fn open(
    context: &Context<'_>,
    interface: &Reader<'_>,
    nic: &At<'_, NicType>,
    machine: &Machine<'_>,
    open: &mut TapOpen,
) {
    if nic.value == NicType::Tap {
        return;
    }
    let ways = machine.row().macvtap;
    let Some(first) = ways.first() else {
        let help = "another VMM, or `type = \"tap\"`".to_owned();
        machine.cannot(context, nic.place, "type", "takes no macvtap", help);
        return;
    };
    let Some(entry) = interface.entry("open") else {
        *open = *first;
        return;
    };
    if !ways.contains(open) {
        let (why, help) = match open {
            TapOpen::Name => (
                "does not open a macvtap's device node itself",
                "leave `open` out: the lab hands down descriptors",
            ),
            TapOpen::Fd => (
                "takes no descriptors",
                "leave `open` out: it is told the path of the device node",
            ),
        };
        let place = &entry.node.place;
        machine.cannot(context, place, "open", why, help.to_owned());
    }
}
