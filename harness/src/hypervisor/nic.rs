//! A guest's NIC: its host end and what the guest is told.
//!
//! Every VMM is handed the host end in the same way, TAP or macvtap: as descriptors `fds` that it inherits, one for
//! each queue. Where there are none, the VMM opens the host end itself: a TAP by its name `tap`, a macvtap by the path
//! `node`.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::scenario::names::IfName;
use crate::scenario::net::Mac;
use crate::scenario::{Guest, GuestInterface, NicOptions, TapOpen};

/// First descriptor number that a VMM inherits for a NIC.
pub const FIRST_NIC_FD: i32 = 30;

/// Root ports of a template: the largest number of NICs that a guest from it can have.
pub const NIC_PORTS: usize = 4;

/// A NIC of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nic {
    /// The guest's MAC address.
    pub mac: Mac,
    /// Name of the TAP or macvtap.
    pub tap: IfName,
    /// Device node of a macvtap, which the VMM's user may open.
    pub node: Option<PathBuf>,
    /// Numbers of the inherited descriptors of its queues; none where the VMM opens the TAP or macvtap itself.
    pub fds: Range<i32>,
    /// What the guest is told about it.
    pub options: NicOptions,
}

/// The NICs of a guest, with the numbers of the descriptors that its VMM inherits. `run`: the run's private folder, with
/// the nodes of macvtaps in it.
pub fn nics(guest: &Guest, run: &Path) -> Vec<Nic> {
    let mut next = FIRST_NIC_FD;
    let numbered = |interface: &GuestInterface| {
        let first = next;
        if interface.nic.open == TapOpen::Fd {
            next += i32::from(interface.nic.queues);
        }
        Nic {
            mac: interface.mac,
            tap: interface.id.clone(),
            node: interface
                .kind
                .is_the_guests()
                .then(|| macvtap_node(run, guest.on.as_ref(), &interface.id)),
            fds: first..next,
            options: interface.nic,
        }
    };
    guest.interfaces.iter().map(numbered).collect()
}

/// The device node of a macvtap of that machine, below a run's private folder.
pub fn macvtap_node(run: &Path, machine: &str, id: &IfName) -> PathBuf {
    run.join("dev").join(machine).join(id.as_str())
}
