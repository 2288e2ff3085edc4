//! The unit files and links of a machine or guest that runs networkd.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::diagnosis::facts::Answers;
use crate::diagnosis::observed::Observed;
use crate::diagnosis::state;
use crate::host::networkd_said::UnitSaid;
use crate::networkd::{Link, LinkKind, LinkName, Links, Unit, UnitFile, UnitKind};
use crate::scenario::VantagePoint;

/// What a machine's networkd has read, and the links that it found.
#[derive(Debug)]
pub(super) struct UnitMachine<'o> {
    /// Its name.
    pub(super) name: String,
    /// The unit files.
    pub(super) files: &'o [UnitFile],
    /// The units, in the order in which networkd tries them.
    pub(super) units: Vec<Unit>,
    /// The links that its kernel has.
    pub(super) links: Links,
    /// What its networkd said of the files.
    pub(super) said: &'o [UnitSaid],
    answers: Option<&'o Answers>,
    managed: BTreeMap<String, state::Managed>,
}

impl<'o> UnitMachine<'o> {
    /// The machine or guest at a place with its unit files, and the links that it has by the scenario.
    pub(super) fn of(
        (place, files, known): (VantagePoint, &'o [UnitFile], Links),
        observed: &Observed<'o>,
    ) -> Self {
        let name = place.to_string();
        let answers = observed.facts.get(&name);
        let seen = answers.map(links).unwrap_or_default();
        let links = match seen.is_empty() {
            true => known,
            false => Links {
                all: seen,
                open: false,
                ..known
            },
        };
        let managed = answers.and_then(state::managed);
        let said = observed.said.get(&name);
        Self {
            name,
            files,
            units: Unit::all(files),
            links,
            said: said.map_or(&[][..], Vec::as_slice),
            answers,
            managed: managed.unwrap_or_default(),
        }
    }

    /// Its links with their addresses, but for the loopback.
    pub(super) fn state(&self) -> Vec<state::Link> {
        let links = self.answers.map(state::links).unwrap_or_default();
        let others = links.into_iter().filter(|link| link.name != "lo");
        others.collect()
    }

    /// The `.network` units.
    pub(super) fn networks(&self) -> impl Iterator<Item = &Unit> {
        let mut units = self.units.iter();
        std::iter::from_fn(move || units.next()).filter(|unit| unit.kind == UnitKind::Network)
    }

    /// The link of this name.
    pub(super) fn link(&self, name: &str) -> Option<&Link> {
        let is_it = |link: &&Link| matches!(&link.name, LinkName::Exactly(known) if known == name);
        self.links.all.iter().find(is_it)
    }

    /// The unit that networkd says it has applied to a link (`networkctl status`); `None`: none, or nobody knows.
    pub(super) fn applied(&self, link: &str) -> Option<&Unit> {
        let name = self.managed.get(link)?.file()?;
        self.networks().find(|unit| unit.name == name)
    }

    /// Whether networkd has told what it has applied to its links.
    pub(super) fn answered(&self) -> bool {
        !self.managed.is_empty()
    }

    /// Whether networkd says that it has applied a unit to any link.
    pub(super) fn is_applied(&self, unit: &Unit) -> bool {
        let mut links = self.managed.values();
        links.any(|link| link.file() == Some(&unit.name))
    }

    /// The file of this name.
    pub(super) fn file(&self, name: &str) -> Option<&'o UnitFile> {
        self.files.iter().find(|file| file.name == name)
    }
}

/// Its links, as a `[Match]` knows them.
fn links(answers: &Answers) -> Vec<Link> {
    let link = |one: state::Link| {
        let kind = match (one.linkinfo.kind, one.name.as_str()) {
            (_, "lo") => LinkKind::Loopback,
            // A TAP is a `tun` for the kernel.
            (Some(kind), _) if kind == "tun" => LinkKind::made("tap"),
            (Some(kind), _) => LinkKind::Made(Cow::Owned(kind)),
            (None, _) => LinkKind::Nic,
        };
        Link {
            name: LinkName::Exactly(one.name),
            mac: Some(one.mac).filter(|mac| !mac.is_empty()),
            kind,
        }
    };
    let named = state::links(answers).into_iter();
    named.filter(|one| !one.name.is_empty()).map(link).collect()
}
