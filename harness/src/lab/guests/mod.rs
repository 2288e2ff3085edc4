//! What stands for the guests of a run: MicroVMs, or ghosts, which are network namespaces.
//!
//! A run uses a [`GuestRuntime`] and never asks which kind it is. Of what guests are made, the plan says; what ghosts cannot
//! show or do, each kind of check and each action says.

mod ghost;
mod runtime;
mod vm;
mod waiting;

pub(super) use runtime::{Around, Before, Change, GuestRuntime, Plugged, nic_place, nics_of};

use crate::plan::GuestKind;

/// The runtime for guests of that kind.
pub(super) fn runtime(kind: GuestKind) -> Box<dyn GuestRuntime> {
    match kind {
        GuestKind::Vm => Box::new(vm::MicroVms::default()),
        GuestKind::Ghost => Box::new(ghost::Ghosts),
    }
}
