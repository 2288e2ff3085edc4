//! A VMM program as the lab sees it.

use std::path::PathBuf;

use futures_util::future::BoxFuture;

use super::command::CommandLine;
use super::{GuestSpec, Monitor, MonitorError, Steering};
use crate::deadline::Deadline;

/// A VMM program: how it is told what to run, and how it is talked to while that runs.
///
/// Only what all of them do. What scenarios may ask of one is its row of [`Vmm`](crate::scenario::vmm::Vmm).
pub trait Hypervisor: Sync {
    /// The command line of a guest's VMM. Pure; inherited descriptors are named by number.
    fn command(&self, spec: &GuestSpec) -> CommandLine;

    /// Where the guest's steering channel number `channel` is.
    fn steering(&self, spec: &GuestSpec, channel: usize) -> Steering;

    /// What it must be handed to start.
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

    /// Waits until the VMM has stopped the guest because what that wrote to its disk found no room; returns its words. It
    /// waits for ever where the guest has no disk, and with a VMM that stops none: its guest is told of a failed disk.
    fn stopped_for_room<'a>(&'a self, _spec: &'a GuestSpec) -> BoxFuture<'a, String> {
        Box::pin(std::future::pending())
    }
}

/// What the lab makes for a VMM before it starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Unix sockets that listen already, so that nobody has to wait for the VMM to make them, and the descriptor
    /// numbers that it inherits them as.
    pub sockets: Vec<(PathBuf, i32)>,
    /// Files, and what is in them.
    pub files: Vec<(PathBuf, String)>,
    /// A file whose content it inherits as memory that it can open for writing and not write to, and the descriptor number
    /// ([`crate::host::sealed`]).
    pub sealed: Option<(PathBuf, i32)>,
    /// A disk in qcow2 format above the image's, for what the guest writes.
    pub layer: Option<PathBuf>,
    /// A terminal as standard input.
    pub terminal: bool,
}
