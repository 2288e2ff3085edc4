//! How a guest is run, and the check of it.

use super::Context;
use crate::scenario::error::code;
use crate::scenario::file::Place;
use crate::scenario::lookup;
use crate::scenario::names::MachineName;
use crate::scenario::parse::one_of;
use crate::scenario::provides::Provides;
use crate::scenario::read::{At, Reader, parsed};
use crate::scenario::vmm::{Feature, Vmm};
use crate::scenario::{HypervisorKind, MachineType, Transport, VantagePoint, parse};

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
        if places.any(Place::is_imposed) {
            let reason = format!("`{key}`: {name} {why}");
            context.beyond.borrow_mut().push((self.hypervisor, reason));
            return;
        }
        let message = format!("`{key}` is not for `hypervisor = \"{name}\"`");
        let told = (context.faults).conflict(place, message, format!("{name} {why}"));
        told.help(help);
    }

    /// As [`cannot`](Self::cannot), of a feature that some VMMs have.
    pub(super) fn lacks(
        &self,
        context: &Context<'_>,
        reader: &Reader<'_>,
        key: &str,
        feature: Feature,
    ) {
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
