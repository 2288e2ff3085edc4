//! A VMM program as the lab sees it.

use std::path::PathBuf;

use futures_util::future::BoxFuture;

use super::command::CommandLine;
use super::{GuestSpec, Monitor, MonitorError, Steering};
use crate::deadline::Deadline;

/// A VMM program: how it is told what to run, and how it is talked to while it runs.
///
/// The trait has what all VMMs do. What a scenario may ask of a VMM is in its row, [`Vmm`](crate::scenario::vmm::Vmm).
pub trait Hypervisor: Sync {
    /// The command line of a guest's VMM. Pure; inherited descriptors are named by number.
    fn command(&self, spec: &GuestSpec) -> CommandLine;

    /// Where the guest's steering channel number `channel` is.
    fn steering(&self, spec: &GuestSpec, channel: usize) -> Steering;

    /// What the lab must make for the VMM before it starts.
    fn needs(&self, _spec: &GuestSpec) -> Needs {
        Needs::default()
    }

    /// Connects to its monitor.
    fn monitor<'a>(
        &'a self,
        spec: &'a GuestSpec,
        _by: Deadline,
    ) -> BoxFuture<'a, Result<Box<dyn Monitor>, MonitorError>> {
        let vmm = spec.hypervisor.row().name;
        let why = "has no monitor, so it plugs and unplugs nothing".to_owned();
        Box::pin(async move { Err(MonitorError::Cannot { vmm, why }) })
    }

    /// Waits until the VMM has stopped the guest because a write to its disk found no room; returns the VMM's words.
    /// Waits for ever where the guest has no disk, and with a VMM that stops no guest for that: there the guest's write
    /// fails.
    fn stopped_for_room<'a>(&'a self, _spec: &'a GuestSpec) -> BoxFuture<'a, String> {
        Box::pin(std::future::pending())
    }
}

/// What the lab makes for a VMM before it starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Unix sockets that listen already, so that the harness need not wait for the VMM to make them, and the descriptor
    /// numbers that the VMM inherits them as.
    pub sockets: Vec<(PathBuf, i32)>,
    /// Files, and what is in them.
    pub files: Vec<(PathBuf, String)>,
    /// A file of which the VMM inherits a sealed copy in memory, which it can open for writing but not change, and the
    /// descriptor number ([`crate::host::sealed`]).
    pub sealed: Option<(PathBuf, i32)>,
    /// A disk in qcow2 format above the image's, for what the guest writes.
    pub layer: Option<PathBuf>,
    /// A terminal as standard input.
    pub terminal: bool,
}
