//! What the lab asks of a running VMM, whichever it is.

use std::io;
use std::os::fd::OwnedFd;

use futures_util::future::BoxFuture;

use super::Nic;
use crate::deadline::Deadline;
use crate::diagnostic::Diagnose;

/// A VMM's control socket: QEMU's QMP, cloud-hypervisor's HTTP.
///
/// The trait has what all monitors can do. Some VMMs have no monitor.
pub trait Monitor: Send {
    /// The VMM's own word for what the machine does: `running`, `Paused`.
    ///
    /// # Errors
    /// [`MonitorError`].
    fn status(&mut self, by: Deadline) -> BoxFuture<'_, Result<String, MonitorError>>;

    /// Presses the power button, as `systemctl stop microvm@GUEST` of microvm.nix does; what comes of it is up to the
    /// guest.
    ///
    /// # Errors
    /// [`MonitorError`] when the button could not be pressed.
    fn power_button(&mut self, by: Deadline) -> BoxFuture<'_, Result<(), MonitorError>>;

    /// Plugs in a NIC on the open queues of a TAP or macvtap, as the guest's NIC number `index`, from 0.
    ///
    /// # Errors
    /// [`MonitorError::Refused`] with the VMM's words.
    fn plug<'a>(
        &'a mut self,
        index: usize,
        nic: &'a Nic,
        queues: &'a [OwnedFd],
        by: Deadline,
    ) -> BoxFuture<'a, Result<(), MonitorError>>;

    /// Unplugs the guest's NIC number `index`.
    ///
    /// # Errors
    /// [`MonitorError::Refused`] with the VMM's words; [`MonitorError::Timeout`] when the guest holds on to it.
    fn unplug(&mut self, index: usize, by: Deadline) -> BoxFuture<'_, Result<(), MonitorError>>;
}

/// A conversation with a VMM's monitor failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MonitorError {
    /// Connecting to the socket, reading from it or writing to it failed.
    #[error("{doing} the monitor of {vmm}")]
    Io {
        /// Which VMM.
        vmm: &'static str,
        /// What was being done.
        doing: &'static str,
        /// The kernel's answer; "unexpected end of file" when the VMM has ended.
        source: io::Error,
    },
    /// The VMM refused a command.
    #[error("have {vmm} execute `{command}`: {said}")]
    Refused {
        /// Which VMM.
        vmm: &'static str,
        /// The command with its arguments.
        command: String,
        /// Its words.
        said: String,
    },
    /// The VMM has no monitor, or cannot do what was asked.
    #[error("{vmm} {why}")]
    Cannot {
        /// Which VMM.
        vmm: &'static str,
        /// Why, in words that follow its name.
        why: String,
    },
    /// An answer or an event did not come in time.
    #[error("wait {waited:.1?} for {vmm} {what}")]
    Timeout {
        /// Which VMM.
        vmm: &'static str,
        /// For what.
        what: String,
        /// How long.
        waited: std::time::Duration,
    },
}

impl MonitorError {
    /// What the kernel answered while something was done to that VMM's monitor.
    pub(super) fn io(vmm: &'static str, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { vmm, doing, source }
    }
}

impl Diagnose for MonitorError {
    fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "vmm.monitor",
            Self::Refused { .. } => "vmm.refused",
            Self::Cannot { .. } => "vmm.cannot",
            Self::Timeout { .. } => "vmm.monitor-timeout",
        }
    }

    fn help(&self) -> Option<String> {
        None
    }
}
