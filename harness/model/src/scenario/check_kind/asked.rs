//! A check's table, and what its kind may ask about the scenario while it reads it.

use std::any::Any;
use std::fmt::Debug;
use std::net::IpAddr;

use crate::scenario::VantagePoint;
use crate::scenario::bounds::Bounds;
use crate::scenario::error::code;
use crate::scenario::keys::TableKeys;
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::parse;
use crate::scenario::provides::Provides;
use crate::scenario::read::{At, Reader, parsed};
use crate::scenario::validate::{Context, From, INTERFACE, source};

/// What a scenario says of a kind of check: its keys, from where it can look, and how it is read.
pub trait Declared: Any + Debug + Send + Sync + Sized {
    /// Its table: the kind's name, when it holds, and every key.
    const KEYS: TableKeys;
    /// When it holds, as `scenarios/README.md` has it, in Markdown.
    const HOLDS: &'static str;
    /// From where it can look.
    const LOOKS: Looks;

    /// As [`CheckKind::needs`](super::CheckKind::needs).
    const NEEDS: Option<&'static str> = None;

    /// Reads the table, and reports what is wrong with it.
    fn read(asked: &Asked<'_, '_>) -> Option<Self>;

    /// As [`CheckKind::with`](super::CheckKind::with).
    fn with(&self) -> Option<&VantagePoint> {
        None
    }
}

/// From where a kind of check can look.
#[derive(Debug)]
pub struct Looks {
    from: Places,
    /// What it needs in a guest, if the image has not got it.
    lacks: fn(&Provides) -> Option<&'static str>,
}

#[derive(Debug)]
enum Places {
    Anywhere,
    /// Not from a container.
    MachineOrGuest,
    /// From where a networkd runs.
    WithNetworkd,
    GuestWithContainers,
}

impl Looks {
    /// From every place, and with nothing that an image could lack.
    pub const ANYWHERE: Self = Self {
        from: Places::Anywhere,
        lacks: |_| None,
    };

    /// Not from a container, and from a guest only where `lacks` has no name for what it lacks.
    pub const fn machine_or_guest(lacks: fn(&Provides) -> Option<&'static str>) -> Self {
        let from = Places::MachineOrGuest;
        Self { from, lacks }
    }

    /// From a guest or a machine in which a networkd runs.
    pub const fn networkd() -> Self {
        Self {
            from: Places::WithNetworkd,
            lacks: |image| (!image.networkd).then_some("networkd"),
        }
    }

    /// From a guest that has containers.
    pub const fn docker() -> Self {
        Self {
            from: Places::GuestWithContainers,
            lacks: |image| (!image.docker).then_some("Docker"),
        }
    }

    /// Reports a check whose vantage point has nothing of the kind to look at.
    pub(crate) fn check(&self, context: &Context<'_>, kind: &str, from: From<'_, '_>) {
        let Some(from) = from else { return };
        let add = |message, label: String| context.faults.conflict(from.place, message, label);
        if let VantagePoint::Guest(name) = &from.value {
            let known = context.known.guests.get(name.as_str());
            let provides = Provides::of(known.and_then(|guest| guest.image).unwrap_or("debian"));
            if let Some(missing) = (self.lacks)(provides) {
                let message = format!("`{kind}` cannot look from guest `{name}`");
                let label = format!("the image `{}` has no {missing}", provides.image);
                add(message, label);
                return;
            }
        }
        let has_networkd = |machine: &MachineName| {
            let known = context.known.machines.get(machine.as_str());
            known.is_some_and(|known| known.networkd)
        };
        let needs = match (&self.from, &from.value) {
            (Places::Anywhere, _) | (_, VantagePoint::Guest(_)) => return,
            (Places::MachineOrGuest, VantagePoint::Machine(_)) => return,
            (Places::WithNetworkd, VantagePoint::Machine(name)) if has_networkd(name) => return,
            (Places::MachineOrGuest, _) => "looks from a machine or a guest",
            (Places::WithNetworkd, _) => "looks from a guest or a machine with `networkd`",
            (Places::GuestWithContainers, _) => "looks from a guest that has containers",
        };
        let label = format!("`{kind}` finds nothing to look at here");
        add(format!("`{kind}` {needs}"), label);
    }
}

/// A table of a kind of check.
#[derive(Clone, Copy)]
pub struct Asked<'r, 'a> {
    /// What is known of the rest of the scenario.
    pub context: &'r Context<'a>,
    /// The table.
    pub reader: &'r Reader<'a>,
    /// From where the check looks, where that is known.
    pub from: From<'r, 'a>,
}

impl<'a> Asked<'_, 'a> {
    /// As [`Asked::interface_at`], of the key `interface`.
    pub fn interface(&self) -> Option<IfName> {
        self.interface_at("interface")
    }

    /// An interface as seen from the check's vantage point.
    pub fn interface_at(&self, key: &str) -> Option<IfName> {
        interface_at(self.context, self.reader, key, self.from)
    }

    /// An interface whose wire the lab captures: a guest's `id`, or a plugged interface or TAP of a machine.
    pub fn captured(&self) -> Option<IfName> {
        let text = self
            .reader
            .need("interface", self.reader.text("interface"))?;
        let name = parsed(text, parse::if_name, self.context.faults)?;
        let (scope, known) = match self.from.map(|from| &from.value) {
            Some(VantagePoint::Guest(guest)) => {
                let known = self.context.known.guests.get(guest.as_str())?;
                let taps: Vec<&str> = known.taps.iter().copied().collect();
                (format!(" in guest `{guest}`"), taps)
            }
            Some(VantagePoint::Machine(machine)) => {
                let known = self.context.known.machines.get(machine.as_str())?;
                let wires = known.plugged.iter().chain(&known.taps).copied();
                (
                    format!(" with a wire in machine `{machine}`"),
                    wires.collect(),
                )
            }
            Some(VantagePoint::Container(..)) | None => return Some(name.value),
        };
        (self.context.faults).among(&text, INTERFACE, &scope, known.into_iter());
        Some(name.value)
    }

    /// The address that packets to `to` are sent from, where the check names one.
    pub fn source(&self, to: Option<&At<'_, IpAddr>>) -> Option<IpAddr> {
        source(self.context, self.reader, self.from, to)
    }

    /// A guest of the scenario.
    pub fn guest(&self) -> Option<At<'a, &'a str>> {
        let guest = self.reader.need("guest", self.reader.text("guest"))?;
        self.context.is_guest(&guest);
        Some(guest)
    }

    /// A container of the vantage's guest.
    pub fn container(&self, key: &'static str) -> Option<MachineName> {
        let container = self.reader.need(key, self.reader.text(key));
        if let Some(container) = &container
            && let Some(At {
                value: VantagePoint::Guest(guest),
                ..
            }) = self.from
            && let Some(known) = self.context.known.guests.get(guest.as_str())
        {
            let (names, scope) = (("container", "containers"), format!(" in guest `{guest}`"));
            let known = known.containers.iter().copied();
            (self.context.faults).among(container, names, &scope, known);
        }
        MachineName::try_from(container?.value).ok()
    }

    /// Reports keys that say something about what `absent` says is not there.
    pub fn not_with_absent(&self, keys: &[&str]) -> bool {
        let absent = self.reader.flag("absent").unwrap_or(false);
        if absent {
            let message = |_: &str| "what is absent has no other property".to_owned();
            let help = "leave `absent` or this key out";
            (self.reader).conflicts(keys, message, "says how it is", Some(help));
        }
        absent
    }

    /// Reports a table that says nothing to compare with.
    pub fn says_something(&self, keys: &[&str]) {
        if keys.iter().any(|key| self.reader.entry(key).is_some()) {
            return;
        }
        let listed: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
        let kind = self.reader.table_keys.what;
        let message = format!("{kind} says nothing that must hold");
        let (code, label) = (code::MISSING_KEY, "nothing to compare with");
        let told = (self.context.faults).report(self.reader.place, code, message, label);
        told.help(format!("at least one of {}", listed.join(", ")));
    }
}

/// `least`, or `[least, most]`.
pub fn bounds((least, most): (u32, Option<u32>)) -> Bounds {
    Bounds {
        least: u64::from(least),
        most: most.map(u64::from),
    }
}

/// An interface as seen from a vantage point.
///
/// Only a namespace machine's interfaces are known beforehand; what a guest's kernel and its Docker call theirs is not.
pub(in crate::scenario) fn interface_at(
    context: &Context<'_>,
    reader: &Reader<'_>,
    key: &str,
    from: From<'_, '_>,
) -> Option<IfName> {
    let text = reader.text(key)?;
    let name = parsed(text, parse::if_name, context.faults)?;
    if let Some(VantagePoint::Machine(machine)) = from.map(|from| &from.value) {
        context.interface_exists(machine.as_str(), &text);
    }
    Some(name.value)
}
