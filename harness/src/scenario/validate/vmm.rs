//! How a guest is run, and the check of it.

use super::Context;
use crate::scenario::error::{Fault, code};
use crate::scenario::file::{Place, Value};
use crate::scenario::names::MachineName;
use crate::scenario::net::Mac;
use crate::scenario::read::{At, Reader, parsed};
use crate::scenario::vmm::Vmm;
use crate::scenario::words::{NicType, one_of};
use crate::scenario::{
    CheckKind, HostEnd, HypervisorKind, MachineType, NicOptions, TapOpen, Transport, VantagePoint,
    words,
};

/// The least MTU that IPv4 bears, in bytes, and virtio-net takes.
const LEAST_MTU: u16 = 68;
/// The most queue pairs that a NIC has for a guest of as many processors as QEMU's machines take at the least.
const MOST_QUEUES: u8 = 64;

/// What a guest's VMM and machine are.
pub(super) struct Machine {
    pub(super) hypervisor: HypervisorKind,
    pub(super) machine_type: MachineType,
    pub(super) transport: Transport,
}

/// Reads `hypervisor`, `machine` and `transport`.
pub(super) fn machine(context: &Context<'_>, reader: &Reader<'_>) -> Machine {
    let hypervisor = reader.word("hypervisor", words::hypervisor);
    let hypervisor = hypervisor.map_or_else(HypervisorKind::default, |kind| kind.value);
    let row = Vmm::of(hypervisor);
    let machine = among(context, reader, "machine", row.machines);
    let transport = among(context, reader, "transport", row.transports);
    if let (Some(machine), Some(transport)) = (&machine, &transport)
        && (machine.value, transport.value) == (MachineType::Q35, Transport::Mmio)
    {
        let message = "machine `q35` has no virtio-mmio".to_owned();
        let label = "its virtio devices are on PCI".to_owned();
        let fault = Fault::new(transport.place, code::CONFLICT, message, label);
        let help = "`machine = \"microvm\"` has both";
        context.faults.add(fault.help(help.to_owned()));
    }
    Machine {
        hypervisor,
        machine_type: machine.map(|at| at.value).unwrap_or_default(),
        transport: transport.map(|at| at.value).unwrap_or_default(),
    }
}

/// One of the words that a row of [`Vmm`] knows.
fn among<'a, T: Copy>(
    context: &Context<'_>,
    reader: &Reader<'a>,
    key: &str,
    words: &[(&'static str, T)],
) -> Option<At<'a, T>> {
    let text = reader.text(key)?;
    parsed(text, |text| one_of(text, key, words), context.faults)
}

/// Reads a NIC's MAC address: one that an interface may have, unless the scenario asks for any.
pub(super) fn mac<'a>(reader: &Reader<'a>) -> Option<At<'a, Mac>> {
    let any = reader.flag("invalid_mac").unwrap_or(false);
    let parse = if any { words::invalid_mac } else { words::mac };
    reader.need("mac", reader.word("mac", parse))
}

/// Reads what the VMM is told about a NIC.
pub(super) fn nic(context: &Context<'_>, reader: &Reader<'_>) -> NicOptions {
    let checksum = reader.flag("checksum_offload").unwrap_or(true);
    let segmentation = reader.flag("segmentation_offload");
    if segmentation == Some(true) && !checksum {
        let message = "`segmentation_offload` without `checksum_offload`".to_owned();
        let label = "each segment needs a checksum of its own".to_owned();
        let place = |key| reader.entry(key).map(|entry| &entry.key);
        let place: &Place = place("segmentation_offload").unwrap_or(reader.place);
        context
            .faults
            .add(Fault::new(place, code::CONFLICT, message, label));
    }
    NicOptions {
        open: reader
            .word("open", words::tap_open)
            .map(|open| open.value)
            .unwrap_or_default(),
        queues: reader.number("queues", 1..=MOST_QUEUES).unwrap_or(1),
        vhost: reader.flag("vhost").unwrap_or(false),
        mtu: reader.number("mtu", LEAST_MTU..=u16::MAX),
        checksum_offload: checksum,
        segmentation_offload: segmentation.unwrap_or(checksum),
    }
}

/// The host's end of a NIC with several queues is made as microvm.nix's `tap-up` makes it, `multi_queue` exactly then.
/// Reports queues that the lab could not open.
pub(super) fn queues(
    context: &Context<'_>,
    reader: &Reader<'_>,
    nic_type: Option<NicType>,
    nic: &NicOptions,
    end: &mut HostEnd,
) {
    let Some(entry) = reader.entry("multi_queue") else {
        end.multi_queue = nic.queues > 1;
        return;
    };
    // A macvtap's node can be opened again and again; there the flag is the descriptor's.
    if nic_type != Some(NicType::Macvtap)
        && nic.open == TapOpen::Fd
        && nic.queues > 1
        && !end.multi_queue
    {
        let message = format!("{} queues of a TAP without `multi_queue`", nic.queues);
        let label = "the kernel opens such a TAP once".to_owned();
        let fault = Fault::new(&entry.node.place, code::CONFLICT, message, label);
        let help =
            "with `open = \"name\"` it is the VMM that the kernel refuses, and `vmm` checks that";
        context.faults.add(fault.help(help.to_owned()));
    }
}

/// Where a check of a guest's VMM looks from when it does not say: the machine that holds its TAPs. `None` when its
/// guest cannot be told.
pub(super) fn vantage(context: &Context<'_>, check: &Reader<'_>) -> Option<VantagePoint> {
    let Value::Table(table) = &check.entry("vmm")?.node.value else {
        return None;
    };
    let Value::String(guest) = &table.get("guest")?.node.value else {
        return None;
    };
    holder(context, guest).map(VantagePoint::Machine)
}

/// The machine that holds a guest's TAPs.
fn holder(context: &Context<'_>, guest: &str) -> Option<MachineName> {
    let known = context.known.guests.get(guest)?;
    MachineName::try_from(known.on).ok()
}

/// Reads the check.
pub(super) fn check(
    context: &Context<'_>,
    reader: &Reader<'_>,
    from: Option<&At<'_, VantagePoint>>,
) -> Option<CheckKind> {
    let guest = reader.need("guest", reader.text("guest"));
    if let Some(guest) = &guest
        && !context.known.guests.contains_key(guest.value)
    {
        let known = context.known.guests.keys().copied();
        context
            .faults
            .unknown(guest, ("guest", "guests"), "", known);
    }
    if let (Some(guest), Some(from)) = (&guest, from)
        && let Some(holder) = holder(context, guest.value)
        && from.value != VantagePoint::Machine(holder.clone())
    {
        let message = format!("the VMM of `{}` runs on `{holder}`", guest.value);
        let label = "it cannot be looked at from here".to_owned();
        let fault = Fault::new(from.place, code::CONFLICT, message, label);
        let help = "`vmm` needs no `from`".to_owned();
        context.faults.add(fault.help(help));
    }
    let refused = reader.text("refused");
    if let Some(words) = &refused
        && words.value.trim().is_empty()
    {
        let message = "`refused` has no words".to_owned();
        let label = "what the VMM must say on stderr".to_owned();
        context
            .faults
            .add(Fault::new(words.place, code::BAD_VALUE, message, label));
    }
    Some(CheckKind::Vmm {
        guest: MachineName::try_from(guest?.value).ok()?,
        refused: refused.map(|words| words.value.to_owned()),
    })
}
