//! How a guest is run, and the check of it.

use std::path::Path;

use super::Context;
use crate::scenario::error::code;
use crate::scenario::file::Place;
use crate::scenario::lookup;
use crate::scenario::names::MachineName;
use crate::scenario::net::Mac;
use crate::scenario::nic_kind;
use crate::scenario::overrides::COMMAND_LINE;
use crate::scenario::parse::one_of;
use crate::scenario::provides::Provides;
use crate::scenario::read::{At, Reader, parsed};
use crate::scenario::vmm::{Feature, VMM_USER, Vmm};
use crate::scenario::{
    HostEnd, HypervisorKind, MachineType, NicOptions, TapOpen, Transport, VantagePoint, parse,
};

/// Whether a value is the command line's.
pub(crate) fn is_imposed(place: &Place) -> bool {
    place.source.shown == Path::new(COMMAND_LINE)
}

/// What a guest's VMM and machine are.
pub(crate) struct Machine<'a> {
    pub(crate) hypervisor: HypervisorKind,
    pub(crate) machine_type: MachineType,
    pub(crate) transport: Transport,
    /// Where its VMM is named; `None`: nowhere.
    named: Option<&'a Place>,
}

impl Machine<'_> {
    pub(crate) fn row(&self) -> &'static Vmm {
        self.hypervisor.row()
    }

    /// A key at `place` asks for what the VMM cannot do. In a file both are written in, they contradict each other. What
    /// the command line imposes on a file meets what was written for something else: then the scenario is skipped.
    pub(crate) fn cannot(
        &self,
        context: &Context<'_>,
        place: &Place,
        key: &str,
        why: &str,
        help: String,
    ) {
        let name = self.row().name;
        let mut places = self.named.into_iter().chain([place]);
        if places.any(is_imposed) {
            let reason = format!("`{key}`: {name} {why}");
            context.beyond.borrow_mut().push((self.hypervisor, reason));
            return;
        }
        let message = format!("`{key}` is not for `hypervisor = \"{name}\"`");
        let told = (context.faults).conflict(place, message, format!("{name} {why}"));
        told.help(help);
    }

    /// As [`cannot`](Self::cannot), of a feature that some VMMs have.
    fn lacks(&self, context: &Context<'_>, reader: &Reader<'_>, key: &str, feature: Feature) {
        if self.row().can(feature) {
            return;
        }
        let place = reader.entry(key).map(|entry| &entry.key);
        let place = place.or(self.named).unwrap_or(reader.place);
        let help = format!("{} can ({})", feature.owners(), feature.name());
        self.cannot(context, place, key, self.row().without(feature), help);
    }
}

/// Reads `hypervisor`, `machine` and `transport`.
pub(crate) fn machine<'a>(context: &Context<'_>, reader: &Reader<'a>) -> Machine<'a> {
    let hypervisor = reader.word("hypervisor", parse::hypervisor);
    let mut read = Machine {
        hypervisor: hypervisor
            .as_ref()
            .map_or_else(HypervisorKind::default, |kind| kind.value),
        machine_type: MachineType::default(),
        transport: Transport::default(),
        named: hypervisor.map(|kind| kind.place),
    };
    let machine = among(context, reader, &read, "machine", |row| row.machines);
    let transport = among(context, reader, &read, "transport", |row| row.transports);
    if let (Some(machine), Some(transport)) = (&machine, &transport)
        && (machine.value, transport.value) == (MachineType::Q35, Transport::Mmio)
    {
        let (message, label) = (
            "machine `q35` has no virtio-mmio",
            "its virtio devices are on PCI",
        );
        let told = context.faults.conflict(transport.place, message, label);
        told.help("`machine = \"microvm\"` has both");
    }
    read.machine_type = machine.map(|at| at.value).unwrap_or_default();
    read.transport = transport.map(|at| at.value).unwrap_or_default();
    read
}

/// Reports an image whose disk the VMM would write to.
pub(crate) fn disk(
    context: &Context<'_>,
    reader: &Reader<'_>,
    machine: &Machine<'_>,
    image: &Provides,
) {
    if image.disk.is_some() {
        machine.lacks(context, reader, "image", Feature::CopyOnWriteDisk);
    }
}

/// One of the words that the VMM's row knows, or of those that any row knows, which are then said to be another's.
fn among<'a, T: Copy + 'static>(
    context: &Context<'_>,
    reader: &Reader<'a>,
    machine: &Machine<'_>,
    key: &str,
    words: fn(&'static Vmm) -> &'static [(&'static str, T)],
) -> Option<At<'a, T>> {
    let text = reader.text(key)?;
    let own = words(machine.row());
    let known = |word: &str| own.iter().any(|(own, _)| *own == word);
    let other = HypervisorKind::all().flat_map(|kind| words(kind.row()));
    if !known(text.value) && other.clone().any(|(word, _)| *word == text.value) {
        let has: Vec<String> = own.iter().map(|(word, _)| format!("`{word}`")).collect();
        let why = format!("has no {key} `{}`", text.value);
        let help = format!("its words for `{key}`: {}", has.join(", "));
        machine.cannot(context, text.place, key, &why, help);
        return None;
    }
    parsed(text, |text| one_of(text, key, own), context.faults)
}

/// Reads a NIC's MAC address: one that an interface may have, unless the scenario asks for any.
pub(crate) fn mac<'a>(reader: &Reader<'a>) -> Option<At<'a, Mac>> {
    let any = reader.flag("invalid_mac").unwrap_or(false);
    let parse = if any { parse::invalid_mac } else { parse::mac };
    let mac = reader.need("mac", reader.word("mac", parse))?;
    if any && mac.value.is_valid() {
        let message = format!("`invalid_mac` of `{}`, which is a valid one", mac.value);
        reader.conflict("invalid_mac", message, "an interface may have it");
    }
    Some(mac)
}

/// Reads what the VMM is told about a NIC.
pub(crate) fn nic(
    context: &Context<'_>,
    reader: &Reader<'_>,
    kind: Option<&nic_kind::Row>,
    machine: &Machine<'_>,
) -> NicOptions {
    let checksum = reader.flag("checksum_offload").unwrap_or(true);
    let segmentation = reader.flag("segmentation_offload");
    if segmentation == Some(true) && !checksum {
        let message = "`segmentation_offload` without `checksum_offload`";
        let label = "each segment needs a checksum of its own";
        reader.conflict("segmentation_offload", message, label);
    }
    let nic = NicOptions {
        open: reader
            .meaning("open", &TapOpen::WORDS)
            .map_or_else(|| machine.row().open(), |open| open.value),
        queues: reader.number("queues").unwrap_or(1),
        vhost: reader.flag("vhost").unwrap_or(false),
        mtu: reader.number::<u16>("mtu"),
        checksum_offload: checksum,
        segmentation_offload: segmentation.unwrap_or(checksum),
    };
    let is_a_tap = kind.is_none_or(nic_kind::Row::is_opened_as_a_tap);
    let by_descriptor = nic.open == TapOpen::Fd && is_a_tap;
    let segmentation_off = checksum && !nic.segmentation_offload;
    let asked = [
        ("open", by_descriptor, Feature::TapDescriptor),
        ("queues", nic.queues > 1, Feature::Queues),
        ("vhost", nic.vhost, Feature::Vhost),
        ("mtu", nic.mtu.is_some(), Feature::Mtu),
        ("checksum_offload", !checksum, Feature::Offloads),
        ("segmentation_offload", segmentation_off, Feature::Offloads),
    ];
    for (key, _, feature) in asked.into_iter().filter(|(_, asked, _)| *asked) {
        machine.lacks(context, reader, key, feature);
    }
    nic
}

/// The host's end of a NIC with several queues is made as microvm.nix's `tap-up` makes it, `multi_queue` exactly then.
/// Reports queues that the lab could not open. A VMM that opens its TAPs by name, unasked, gets one that is its user's, as
/// by microvm.nix.
pub(crate) fn queues(
    context: &Context<'_>,
    reader: &Reader<'_>,
    kind: Option<&nic_kind::Row>,
    nic: &NicOptions,
    end: &mut HostEnd,
) {
    let is_a_tap = kind.is_some_and(nic_kind::Row::is_opened_as_a_tap);
    let by_name = nic.open == TapOpen::Name && is_a_tap;
    if by_name && reader.entry("open").is_none() && reader.entry("owner").is_none() {
        end.owner = Some(VMM_USER.to_owned());
    }
    let Some(entry) = reader.entry("multi_queue") else {
        end.multi_queue = nic.queues > 1;
        return;
    };
    // A node of its own can be opened again and again; there the flag is the descriptor's.
    if is_a_tap && nic.open == TapOpen::Fd && nic.queues > 1 && !end.multi_queue {
        let message = format!("{} queues of a TAP without `multi_queue`", nic.queues);
        let label = "the kernel opens such a TAP once";
        let told = context.faults.conflict(&entry.node.place, message, label);
        told.help(
            "with `open = \"name\"` it is the VMM that the kernel refuses, and `vmm` checks that",
        );
    }
}

/// Where a check of a guest's VMM looks from when it does not say: the machine that holds its TAPs. `None` when its
/// guest cannot be told.
pub(crate) fn vantage(context: &Context<'_>, check: &Reader<'_>) -> Option<VantagePoint> {
    let table = check.entry("vmm")?.node.value.as_table()?;
    holder(context, lookup::text(table, "guest")?).map(VantagePoint::Machine)
}

/// The machine that holds a guest's TAPs.
pub fn holder(context: &Context<'_>, guest: &str) -> Option<MachineName> {
    let known = context.known.guests.get(guest)?;
    MachineName::try_from(known.on).ok()
}

/// The words with which somebody must refuse; `label` says what they are.
pub fn refused(context: &Context<'_>, reader: &Reader<'_>, label: &str) -> Option<String> {
    let words = reader.text("refused")?;
    if words.value.trim().is_empty() {
        (context.faults).report(
            words.place,
            code::BAD_VALUE,
            "`refused` has no words",
            label,
        );
    }
    Some(words.value.to_owned())
}
