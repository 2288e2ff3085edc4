//! What every part of the validation needs: where faults go, and what is known of the rest of the scenario.

use std::cell::RefCell;
use std::path::Path;

use super::claims::Claims;
use super::known::Known;
use super::laid::Laid;
use super::unit_folders::UnitFolders;
use crate::scenario::beneath::{Beneath, Unread};
use crate::scenario::file::Place;
use crate::scenario::read::{At, Faults};
use crate::scenario::{HypervisorKind, VantagePoint};

/// What every part of the validation needs.
pub struct Context<'a> {
    /// What is wrong so far.
    pub faults: &'a Faults,
    /// Which names there are.
    pub known: Known<'a>,
    /// What must not be there twice.
    pub claims: Claims<'a>,
    /// What VMMs that the command line imposes cannot do.
    pub(super) beyond: RefCell<Vec<(HypervisorKind, String)>>,
    /// Unit files that are meant to be as they are.
    pub(super) meant: RefCell<Meant>,
    /// What the scenario's paths are relative to, and stay beneath.
    pub files: &'a Beneath,
    pub(super) units: &'a UnitFolders,
    pub(super) laid: &'a Laid,
}

/// Units that are meant to be as they are: the place they are at, and the name with where it stands.
pub(crate) type Meant = Vec<(VantagePoint, String, Place)>;

/// From where a check looks or where a step is done, where that is known.
pub type From<'f, 'a> = Option<&'f At<'a, VantagePoint>>;

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
        let message = unread.in_words(what, path.value);
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
