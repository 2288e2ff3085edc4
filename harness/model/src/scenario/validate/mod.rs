//! What it means: reads a laid tree into a [`Scenario`], collecting every fault.
//!
//! First `Known` gathers, without judging, which names exist; so a reference can be checked the moment it is
//! read, and a fault in one machine does not make every mention of it a fault as well.

mod bridge;
mod carrier;
mod check;
mod claims;
mod container;
mod contents;
mod dnsmasq;
mod during;
mod guest;
mod image;
mod known;
mod machine;
mod next_hop;
mod nic_backend;
mod plain;
mod port;
mod ra;
mod routes;
mod rules;
mod rules_words;
mod segment;
mod services;
mod source;
mod steps;
mod times;
mod units;
mod variant;
mod vmm;

pub use bridge::options_of_step as bridge_options;
pub(crate) use carrier::alone as carried_alone;
pub(crate) use carrier::link as carrier;
pub use check::read_kind;
pub use check::vantage;
pub(crate) use contents::Laid;
pub(crate) use known::KnownMachine;
pub(crate) use known::unit_files;
pub use port::flags as port_flags;
pub use port::stepped as port_options;
pub use routes::same_family;
pub(crate) use source::source;
pub use steps::{Asked as AskedAction, Takes};
pub(crate) use units::UnitFolders;
pub(crate) use variant::{Expectations, expectations};
pub(crate) use vmm::Machine as VmmAsked;
pub(crate) use vmm::is_imposed;
pub use vmm::{holder, refused};

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use self::claims::Claims;
use self::known::Known;
use super::beneath::{Beneath, Unread};
use super::error::{Fault, code};
use super::file::{Place, Table};
use super::keys::FILE;
use super::read::{At, Faults, Reader};
use super::units::{Meant, warnings};
use super::{HypervisorKind, Scenario, parse};

/// Where a scenario comes from.
#[derive(Debug)]
pub(crate) struct Origin {
    /// Folder or file stem.
    pub(crate) name: String,
    /// The file.
    pub(crate) path: PathBuf,
    /// What the paths in it are relative to, and stay beneath.
    pub(crate) files: Beneath,
    /// What is laid over guests' root file systems.
    pub(crate) laid: Laid,
}

/// What every part of the validation needs.
pub struct Context<'a> {
    /// What is wrong so far.
    pub faults: &'a Faults,
    /// Which names there are.
    pub known: Known<'a>,
    /// What must not be there twice.
    pub claims: Claims<'a>,
    /// What VMMs that the command line imposes cannot do.
    beyond: RefCell<Vec<(HypervisorKind, String)>>,
    /// Unit files that are meant to be as they are.
    meant: RefCell<Meant>,
    /// What the scenario's paths are relative to, and stay beneath.
    pub files: &'a Beneath,
    units: &'a UnitFolders,
    laid: &'a Laid,
}

/// From where a check looks or where a step is done, where that is known.
pub type From<'f, 'a> = Option<&'f At<'a, super::VantagePoint>>;

/// One and many, as faults call interfaces.
pub(crate) const INTERFACE: (&str, &str) = ("interface", "interfaces");

/// Where faults say that something is missing.
pub(crate) fn in_machine(machine: &str) -> String {
    format!(" in machine `{machine}`")
}

impl Context<'_> {
    /// Reports a path that was not read. `what` it should have been, and what it would have been for.
    pub fn unread(
        &self,
        path: &At<'_, &str>,
        (what, label): (&str, &str),
        unread: &Unread,
        code: &'static str,
    ) {
        let code = unread.code(code);
        let message = unread.told(what, path.value);
        let told = self.faults.report(path.place, code, message, label);
        told.help_if(unread.help());
    }

    /// Whether a path is none beside the scenario's file; reports it.
    pub(crate) fn is_absolute(&self, path: &At<'_, &str>, key: &str, code: &'static str) -> bool {
        let is = Path::new(path.value).is_absolute();
        if is {
            let message = format!("`{key}` is an absolute path");
            let label = "must be relative to the scenario file";
            self.faults.report(path.place, code, message, label);
        }
        is
    }

    /// Whether there is such a guest; reports where there is none.
    pub(crate) fn is_guest(&self, guest: &At<'_, &str>) -> bool {
        let known = self.known.guests.keys().copied();
        self.faults.among(guest, ("guest", "guests"), "", known)
    }

    /// Notes why what the command line imposes cannot be in this scenario, which is skipped then.
    pub(crate) fn is_beyond(&self, vmm: HypervisorKind, reason: String) {
        self.beyond.borrow_mut().push((vmm, reason));
    }

    /// Reports an interface that its machine does not have.
    pub fn interface_exists(&self, machine: &str, interface: &At<'_, &str>) {
        let Some(known) = self.known.machines.get(machine) else {
            return;
        };
        if known.complete && !known.has_interface(interface.value) {
            let (scope, known) = (in_machine(machine), known.interfaces());
            self.faults.unknown(interface, INTERFACE, &scope, known);
        }
    }
}

/// Reads a laid tree. The scenario is only good when there are no faults.
pub(crate) fn scenario(
    tree: &Table,
    place: &Place,
    origin: &Origin,
    units: &UnitFolders,
) -> (Scenario, Vec<Fault>) {
    let faults = Faults::default();
    let root = Reader::new(tree, place, &FILE, &faults);
    let context = Context {
        faults: &faults,
        known: Known::gather(tree, &origin.files, units),
        claims: Claims::default(),
        beyond: RefCell::default(),
        meant: RefCell::default(),
        files: &origin.files,
        units,
        laid: &origin.laid,
    };
    let (machines, ends) = machine::machines(&context, &root);
    let (steps, timeline) = steps::steps(&context, &root);
    let mut scenario = Scenario {
        name: origin.name.clone(),
        variant: None,
        summary: summary(&context, &root),
        source: root.text("source").map(|text| text.value.to_owned()),
        tags: (root.texts("tags").iter())
            .map(|tag| tag.value.to_owned())
            .collect(),
        needs: root.values("needs", parse::capability),
        matrix: Vec::new(),
        overrides: Vec::new(),
        path: origin.path.clone(),
        segments: segment::segments(&context, &root, &ends),
        machines,
        guests: guest::guests(&context, &root),
        checks: check::checks(&context, &root, &timeline),
        steps,
        must_fail: BTreeMap::new(),
        any_of: Vec::new(),
        beyond: Vec::new(),
        warnings: Vec::new(),
        faulty_units: BTreeSet::new(),
    };
    scenario.beyond = context.beyond.take();
    let meant = context.meant.take();
    let named = meant.iter().map(|(at, name, _)| (at.clone(), name.clone()));
    scenario.faulty_units = named.collect();
    context.claims.report(&faults);
    let mut faults = faults.into_vec();
    faults.extend(warnings(&scenario, &meant));
    (scenario, faults)
}

/// The summary: one line.
fn summary(context: &Context<'_>, root: &Reader<'_>) -> String {
    let Some(text) = root.need("summary", root.text("summary")) else {
        return String::new();
    };
    if text.value.trim().is_empty() || text.value.contains(char::is_control) {
        let (message, label) = ("`summary` is not one line of text", "not one line");
        (context.faults).report(text.place, code::BAD_VALUE, message, label);
    }
    text.value.to_owned()
}
