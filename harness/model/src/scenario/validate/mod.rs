//! What it means: reads a laid tree into a [`Scenario`], collecting every fault.
//!
//! First `gather` finds, without judging, which names exist; so a reference can be checked the moment it is
//! read, and a fault in one machine does not make every mention of it a fault as well.

mod bridge;
mod carrier;
mod check;
mod claims;
mod container;
mod contents;
mod context;
mod dnsmasq;
mod during;
mod gather;
mod guest;
mod image;
mod known;
mod laid;
mod machine;
mod next_hop;
mod nic;
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
mod unit_folders;
mod units;
mod variant;
mod vmm;

pub use bridge::options_of_step as bridge_options;
pub(crate) use carrier::alone as carried_alone;
pub(crate) use carrier::link as carrier;
pub use check::read_kind;
pub use check::vantage;
pub use context::{Context, From};
pub(crate) use context::{INTERFACE, Meant, in_machine};
pub(crate) use gather::unit_files;
pub(crate) use known::KnownMachine;
pub(crate) use laid::Laid;
pub use port::flags as port_flags;
pub use port::stepped as port_options;
pub use routes::same_family;
pub(crate) use source::source;
pub use steps::{Asked as AskedAction, Takes};
pub(crate) use unit_folders::UnitFolders;
pub(crate) use variant::{Expectations, expectations};
pub(crate) use vmm::Machine as VmmAsked;
pub use vmm::{holder, refused};

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use self::claims::Claims;
use super::beneath::Beneath;
use super::error::{Fault, code};
use super::file::{Place, Table};
use super::keys::FILE;
use super::read::{Faults, Reader};
use super::units::warnings;
use super::{Scenario, parse};

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
        known: gather::names(tree, &origin.files, units),
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
