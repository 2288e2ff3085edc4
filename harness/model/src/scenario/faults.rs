//! Where faults are collected while a scenario is read.

use std::cell::RefCell;

use super::error::{Fault, code};
use super::file::{Node, Place};
use crate::did_you_mean::suggest;

/// So many faults get a suggestion of what was meant: each compares a name with all that there are.
const SUGGESTED: usize = 200;

/// Where faults are collected.
#[derive(Debug, Default)]
pub struct Faults(RefCell<Vec<Fault>>);

impl Faults {
    /// Adds one.
    pub fn add(&self, fault: Fault) {
        self.0.borrow_mut().push(fault);
    }

    /// Reports what is wrong at a place.
    pub fn report(
        &self,
        place: &Place,
        code: &'static str,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Reported<'_> {
        self.add(Fault::new(place, code, message, label));
        let at = self.count().checked_sub(1);
        Reported { faults: self, at }
    }

    /// Reports two parts that cannot both hold.
    pub(crate) fn conflict(
        &self,
        place: &Place,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Reported<'_> {
        self.report(place, code::CONFLICT, message, label)
    }

    /// How many there are so far.
    pub(crate) fn count(&self) -> usize {
        self.0.borrow().len()
    }

    /// What may have been meant, as [`suggest`] says it, while there are few enough faults to read.
    pub(crate) fn suggest<'k>(
        &self,
        name: &str,
        what: &str,
        known: impl Iterator<Item = &'k str> + Clone,
    ) -> Option<String> {
        (self.count() < SUGGESTED).then(|| suggest(name, what, known))
    }

    pub(crate) fn into_vec(self) -> Vec<Fault> {
        self.0.into_inner()
    }

    /// A value of another type than the key takes.
    pub(crate) fn wrong_type(&self, node: &Node, key: &str, wanted: &str) {
        let message = format!("`{key}` takes {wanted}, not {}", node.value.kind());
        let label = format!("expected {wanted}");
        self.report(&node.place, code::WRONG_TYPE, message, label);
    }

    /// Whether what a reference names is there; reports it as [`Faults::unknown`] does.
    pub(crate) fn among<'k>(
        &self,
        at: &At<'_, &str>,
        names: (&str, &str),
        scope: &str,
        known: impl Iterator<Item = &'k str> + Clone,
    ) -> bool {
        let found = known.clone().any(|name| name == at.value);
        if !found {
            self.unknown(at, names, scope, known);
        }
        found
    }

    /// A reference to something that is not there; `scope` says where, or is empty.
    pub fn unknown<'k>(
        &self,
        at: &At<'_, &str>,
        (one, many): (&str, &str),
        scope: &str,
        known: impl Iterator<Item = &'k str> + Clone,
    ) {
        let message = format!("there is no {one} `{}`{scope}", at.value);
        let label = format!("not a known {one}");
        let help = self.suggest(at.value, &format!("{many}{scope}"), known);
        let told = self.report(at.place, code::UNKNOWN_NAME, message, label);
        told.help_if(help);
    }
}

/// A fault that was reported, if there was anything to report.
pub struct Reported<'f> {
    faults: &'f Faults,
    at: Option<usize>,
}

impl<'f> Reported<'f> {
    pub(super) fn nothing(faults: &'f Faults) -> Self {
        Self { faults, at: None }
    }

    /// Says what to write instead.
    pub fn help(self, help: impl Into<String>) {
        self.help_if(Some(help.into()));
    }

    /// The same, where anything is known.
    pub(crate) fn help_if(self, help: Option<String>) {
        let mut all = self.faults.0.borrow_mut();
        if let Some(fault) = self.at.and_then(|at| all.get_mut(at)) {
            fault.set_help(help);
        }
    }
}

/// A value and its place.
#[derive(Debug, Clone, Copy)]
pub struct At<'a, T> {
    /// What was read.
    pub value: T,
    /// Where it stands.
    pub place: &'a Place,
}

impl<'a, T> At<'a, T> {
    /// What it means, in the same place.
    pub(crate) fn with<U>(&self, value: U) -> At<'a, U> {
        let place = self.place;
        At { value, place }
    }
}
