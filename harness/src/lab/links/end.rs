//! The host's ends of guests' NICs.

use std::sync::Arc;

use crate::host::tap::Tap;
use crate::lab::on_machine::Done;
use crate::plan::link::{NicEnd, NicLink};
use crate::scenario::{GuestInterface, NicKind};

/// The host's end of a NIC of that kind.
#[derive(Debug)]
pub(super) struct End<K> {
    /// What the scenario says of it.
    pub(super) kind: K,
    pub(super) nic: NicEnd,
}

impl<K: NicKind + Clone> End<K>
where
    Self: NicLink,
{
    pub(super) fn of(interface: &GuestInterface, nic: NicEnd) -> Option<Arc<dyn NicLink>> {
        let kind = interface.kind.downcast_ref::<K>()?.clone();
        Some(Arc::new(Self { kind, nic }))
    }

    /// Has the lab hold it for the guest's VMM.
    pub(super) fn hold(&self, opened: Tap, done: &mut Done) {
        let NicEnd { guest, index, .. } = &self.nic;
        done.taps.push((guest.clone(), *index, opened));
    }
}
