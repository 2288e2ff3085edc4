//! A run that was asked for, and what is known of it before it begins.

use std::cell::Cell;
use std::collections::BTreeSet;

use bridgelab_harness::host::capability::Capability;
use bridgelab_harness::host::finding::Unmet;
use bridgelab_harness::host::jobserver::Need;
use bridgelab_harness::hypervisor::Accelerator;
use bridgelab_harness::lab::vm::LabVm;

use super::wanted::Wanted;
use crate::cli::Guests;
use crate::template::Starts;

/// One run of an invocation.
pub(super) struct Planned<'a> {
    pub(super) wanted: &'a Wanted,
    /// What it needs of this machine beyond what every run needs, as far as finding that takes more than a look for a program.
    pub(super) needs: BTreeSet<Capability>,
    /// What this machine lacks for it.
    pub(super) lacking: Vec<Unmet>,
    /// Why its lab stands in a VM; `None`: it does not.
    pub(super) in_vm: Option<String>,
    /// The VM that its lab stands in; `None`: it stands on this machine.
    pub(super) vm: Option<LabVm>,
    /// What its guests start from. The run takes this and drops it at its end.
    pub(super) starts: Cell<Starts>,
}

impl<'a> Planned<'a> {
    /// A run of which nothing is known yet.
    pub(super) fn new(wanted: &'a Wanted) -> Self {
        Self {
            wanted,
            needs: BTreeSet::new(),
            lacking: Vec::new(),
            in_vm: None,
            vm: None,
            starts: Cell::default(),
        }
    }

    /// What the run takes of this machine, whose guests run on `here`.
    pub(super) fn need(&self, guests: Guests, here: Accelerator) -> Need {
        match (&self.vm, guests) {
            (Some(vm), _) => vm.need(),
            (None, Guests::Vm) => {
                let starts = self.starts.take();
                let sealed = starts.sealed();
                self.starts.set(starts);
                Need::of(&self.wanted.scenario, here).and_memory(sealed)
            }
            (None, Guests::Ghost) => Need::of_a_lab(),
        }
    }
}
