//! What steps have on the thread of their machine, and what they leave behind.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use super::daemon_times::DAEMON_READY;
use super::error::LabError;
use crate::deadline::Deadline;
use crate::host::capture::Capture;
use crate::host::daemon::MachineKeeper;
use crate::host::netlink::Netlink;
use crate::host::tap::Tap;
use crate::scenario::names::IfName;
use crate::wait;

/// What a machine's thread needs for its steps.
pub(super) struct OnMachine {
    pub(super) machine: String,
    pub(super) netlink: Netlink,
    pub(super) keeper: MachineKeeper,
    /// Whether networkd runs there.
    pub(super) networkd: bool,
    /// The run's private folder.
    pub(super) run: PathBuf,
    /// Of the machines that its cables lead to, and that get links of its.
    pub(super) namespaces: BTreeMap<String, Arc<OwnedFd>>,
    /// Files of its captures, by their labels.
    pub(super) captures: Arc<BTreeMap<String, PathBuf>>,
}

impl OnMachine {
    /// Waits for a link that the machine's networkd makes: it says that it is ready before its netdevs are. Elsewhere the
    /// link is there, or will never be.
    pub(super) async fn has_link(&self, link: &IfName) -> Result<(), LabError> {
        if !self.networkd {
            return Ok(());
        }
        let by = Deadline::after(DAEMON_READY);
        let what = format!("networkd on {} to make {link}", self.machine);
        // Values of its own: whoever waits is sent to the machine's thread.
        let (netlink, name) = (self.netlink.clone(), link.clone());
        let there = wait::until(by, &what, move || {
            let (netlink, name) = (netlink.clone(), name.clone());
            async move { netlink.index(name.as_str()).await }
        });
        there.await.map(drop).map_err(|error| LabError::Io {
            doing: format!("put something on `{link}`"),
            machine: self.machine.clone(),
            source: io::Error::new(io::ErrorKind::TimedOut, error),
        })
    }
}

/// What steps leave behind.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) sysctls: Vec<String>,
    pub(super) captures: Vec<(String, Capture)>,
    /// Hosts' ends of NICs, to hold for the VMM: of which guest, and which of its interfaces it is, from 0.
    pub(super) taps: Vec<(String, usize, Tap)>,
}
