//! What the language knows of a `type` of guests' NICs: what the host's end of such a NIC is, and how it is read.
//!
//! The kinds stand further to the right, in the files in which those ends are made (`lab::links`). Their table comes from there
//! by [`inventory`]; this room names none of them.

use std::any::Any;
use std::fmt::Debug;
use std::sync::{Arc, OnceLock};

use super::file::{Entry, Place};
use super::keys::Key;
use super::lookup;
use super::names::IfName;
use super::parse::one_of;
use super::read::{At, Reader, parsed};
use super::validate::{Context, KnownMachine, VmmAsked as Machine, carried_alone, carrier};
use super::vmm::Vmm;
use super::{HostEnd, HypervisorKind, MacvlanMode, NicOptions, TapOpen};

/// How a guest's NIC reaches the host.
pub trait NicKind: Any + Debug + Send + Sync {
    /// Its word in `type`, which is what unit files call the `Kind=` of the link on the host.
    fn word(&self) -> &'static str;

    /// The link of the machine that it is put on.
    fn carrier(&self) -> Option<&IfName>;

    /// Whether the link on the host has the guest's MAC address and a device node of its own; a TAP has an address of its
    /// own, and is opened by its name.
    fn is_the_guests(&self) -> bool;

    /// Why there is no such link on the host where ghosts stand for guests, in words that follow its name; `None`: there is.
    fn not_on_the_host(&self) -> Option<&'static str>;

    /// Why a ghost's NIC would mislead, by the host's end and by what the VMM is told; in words that follow the guest's name.
    fn unlike_a_ghost(&self, end: &HostEnd, nic: &NicOptions) -> Vec<&'static str>;
}

impl dyn NicKind {
    /// The kind itself, where it is that one.
    pub fn downcast_ref<T: NicKind>(&self) -> Option<&T> {
        (self as &dyn Any).downcast_ref()
    }
}

/// What a scenario says of a kind.
pub trait Declared: NicKind + Sized {
    /// Its word in `type`.
    const WORD: &'static str;
    /// With its article, as errors say it.
    const WHAT: &'static str;
    /// The key of an interface that is this kind's alone.
    const OWN: Option<Key>;
    /// Keys of an interface that this kind has none of, and why.
    const NONE_OF: &'static [(&'static str, &'static str)];
    /// How a VMM gets at it, what it does by itself first; `None`: as at a TAP.
    const WAYS: Option<fn(&Vmm) -> &'static [TapOpen]>;

    /// Reads it, and reports what is wrong with it.
    fn read(asked: &Asked<'_, '_>) -> Option<Self>;

    /// As the command line has it, of a NIC that the scenario has as another kind.
    ///
    /// # Errors
    /// Why it cannot be so: the scenario is skipped then.
    fn instead(asked: &Asked<'_, '_>) -> Result<Self, String>;

    /// What is left of the host's end that was read.
    fn end(asked: &Asked<'_, '_>, end: HostEnd) -> HostEnd;
}

/// The table of an interface.
pub struct Asked<'r, 'a> {
    /// What is known of the rest of the scenario.
    pub context: &'r Context<'a>,
    /// The table.
    pub reader: &'r Reader<'a>,
    /// Where its `type` stands.
    pub place: &'r Place,
    /// The machine that holds the host's end.
    pub machine: &'r str,
}

impl<'a> Asked<'_, 'a> {
    /// What is known of the machine.
    pub fn known(&self) -> Option<&KnownMachine<'a>> {
        self.context.known.machines.get(self.machine)
    }

    /// The bridge made by rtnetlink that carries what the scenario has in the place of this one.
    pub fn bridge_instead(&self) -> Option<IfName> {
        let mut others = rows().filter_map(|row| row.own(self.reader)?.node.value.as_table());
        let link = lookup::text(others.next()?, "link")?;
        let bridge = self.known()?.bridges.get(link)?;
        IfName::try_from(*bridge).ok()
    }

    /// The link that `link` of the kind's own table names.
    pub fn carrier(&self, own: &Reader<'a>) -> Option<IfName> {
        carrier(self.context, own, self.machine)
    }

    /// Reports a mode that bears no other link on the same one.
    pub fn alone(&self, own: &Reader<'a>, mode: &At<'_, MacvlanMode>) {
        carried_alone(self.context, own, self.machine, mode);
    }
}

/// A kind in the table.
pub struct Row {
    pub(super) word: &'static str,
    pub(super) what: &'static str,
    own: Option<Key>,
    none_of: &'static [(&'static str, &'static str)],
    pub(super) ways: Option<fn(&Vmm) -> &'static [TapOpen]>,
    read: fn(&Asked<'_, '_>) -> Option<Arc<dyn NicKind>>,
    instead: fn(&Asked<'_, '_>) -> Result<Arc<dyn NicKind>, String>,
    pub(super) end: fn(&Asked<'_, '_>, HostEnd) -> HostEnd,
}

impl Row {
    /// That of a kind.
    pub const fn of<N: Declared>() -> Self {
        Self {
            word: N::WORD,
            what: N::WHAT,
            own: N::OWN,
            none_of: N::NONE_OF,
            ways: N::WAYS,
            read: |asked| Some(Arc::new(N::read(asked)?)),
            instead: |asked| Ok(Arc::new(N::instead(asked)?)),
            end: N::end,
        }
    }

    /// Whether a VMM gets at it as at any TAP.
    pub(super) fn is_opened_as_a_tap(&self) -> bool {
        self.ways.is_none()
    }

    /// The key that is this kind's alone, where a table has it.
    fn own<'a>(&self, reader: &Reader<'a>) -> Option<&'a Entry> {
        reader.entry(self.own.as_ref()?.name)
    }
}

/// The table of all kinds; the first stands for what could not be.
pub struct NicKinds(pub &'static [Row]);

inventory::collect!(NicKinds);

fn rows() -> impl Iterator<Item = &'static Row> + Clone {
    inventory::iter::<NicKinds>
        .into_iter()
        .flat_map(|table| table.0)
}

/// The words of `type`.
pub(super) fn words() -> Vec<&'static str> {
    rows().map(|row| row.word).collect()
}

/// The keys of interfaces that are a kind's alone.
pub(super) fn keys() -> &'static [&'static Key] {
    static KEYS: OnceLock<Vec<&'static Key>> = OnceLock::new();
    KEYS.get_or_init(|| rows().filter_map(|row| row.own.as_ref()).collect())
}

/// The kind that `type` names.
pub(super) fn named<'a>(
    context: &Context<'_>,
    reader: &Reader<'a>,
) -> Option<At<'a, &'static Row>> {
    let known: Vec<_> = rows().map(|row| (row.word, row)).collect();
    let text = reader.need("type", reader.text("type"))?;
    parsed(text, |text| one_of(text, "type", &known), context.faults)
}

/// Reads what the scenario says of a NIC of that kind. What cannot be so by the command line is beyond the scenario.
pub(super) fn read(
    row: &'static Row,
    asked: &Asked<'_, '_>,
    vmm: HypervisorKind,
) -> Option<Arc<dyn NicKind>> {
    let others = || {
        let others = rows().filter(|other| other.word != row.word);
        others.filter_map(|other| {
            let own = other.own.as_ref()?.name;
            other.own(asked.reader).map(|_| (other, own))
        })
    };
    let written_as_another = match row.own {
        Some(_) => row.own(asked.reader).is_none(),
        None => others().next().is_some(),
    };
    if written_as_another && asked.place.is_imposed() {
        return match (row.instead)(asked) {
            Ok(kind) => Some(kind),
            Err(reason) => {
                asked.context.is_beyond(vmm, reason);
                rows().next().and_then(|row| (row.read)(asked))
            }
        };
    }
    for (other, own) in others() {
        let label = "what is said here would never be read";
        let message = format!("{} has no `{own}`", row.what);
        let told = asked.reader.conflict(own, message, label);
        told.help(format!("make it `type = \"{}\"`", other.word));
    }
    for (key, why) in row.none_of {
        let message = format!("{} has no `{key}`", row.what);
        asked.reader.conflict(key, message, *why);
    }
    (row.read)(asked)
}

/// How the VMM gets at the host's end: as the scenario says, else in the first of the ways it has. Reports one that it has not.
pub(super) fn open(
    row: &'static Row,
    asked: &Asked<'_, '_>,
    vmm: &Machine<'_>,
    open: &mut TapOpen,
) {
    let Some(ways) = row.ways else { return };
    let ways = ways(vmm.row());
    let (context, word) = (asked.context, row.word);
    let Some(first) = ways.first() else {
        let help = "another VMM, or `type = \"tap\"`".to_owned();
        let why = format!("takes no {word}");
        vmm.cannot(context, asked.place, "type", &why, help);
        return;
    };
    let Some(entry) = asked.reader.entry("open") else {
        *open = *first;
        return;
    };
    if !ways.contains(open) {
        let (why, help) = match open {
            TapOpen::Name => (
                format!("does not open a {word}'s device node itself"),
                "leave `open` out: the lab hands down descriptors",
            ),
            TapOpen::Fd => (
                "takes no descriptors".to_owned(),
                "leave `open` out: it is told the path of the device node",
            ),
        };
        let place = &entry.node.place;
        vmm.cannot(context, place, "open", &why, help.to_owned());
    }
}
