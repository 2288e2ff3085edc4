//! The kinds of links: what the lab makes of each link that a scenario has.
//!
//! What a kind of link is stands in one file of the room that makes links, `lab::links`, which this room does not know: the
//! table of kinds comes from there by [`inventory`].

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use super::link::{Link, LinkEnd};
use super::operation::Operation;
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::net::Mac;
use crate::scenario::{Bridge, GuestInterface, HostEnd, MachineLink, Switch};

/// The host's end of a guest's NIC.
pub trait NicLink: Link {
    /// What is done to it once it is there, before the scenario's own sysctls and before it is brought up.
    fn prepared(&self) -> Vec<Operation>;

    /// The link that stands for it with ghosts and is the ghost's own, with nothing on the host; `there` is the ghost's NIC.
    /// `None`: a veth, whose end on the host is treated as this link would be.
    fn ghost(&self, there: LinkEnd) -> Option<Arc<dyn Link>>;
}

/// Which NIC of which guest a link is the host's end of.
#[derive(Debug, Clone)]
pub struct NicEnd {
    /// Machine that holds it.
    pub machine: String,
    /// Guest it is for.
    pub guest: String,
    /// Which of the guest's interfaces it is, from 0.
    pub index: usize,
    /// Name on the host side.
    pub id: IfName,
    /// The guest's address.
    pub mac: Mac,
    /// Owner and flags; the rest are steps of their own.
    pub end: HostEnd,
    /// How many of its queues the lab holds open for the VMM, to hand down the descriptors. None: a TAP has no carrier until
    /// the VMM opens it by name, or until it is made anew for a start.
    pub held: usize,
}

/// What the lab makes of a machine's link; `None`: it is of another kind.
pub type OfMachine = fn(&Arc<dyn MachineLink>) -> Option<Arc<dyn Link>>;

/// What it makes of a guest's NIC; `None`: that is of another kind.
pub type OfNic = fn(&GuestInterface, NicEnd) -> Option<Arc<dyn NicLink>>;

/// The table of all kinds.
///
/// Cables, switches and bridges are words of the language (`segments`, `bridges`, `master`), and one kind is behind each.
#[derive(Debug)]
pub struct LinkKinds {
    /// What joins two machines, or a machine and a switch.
    pub cable: fn(LinkEnd, LinkEnd) -> Arc<dyn Link>,
    /// What stands for a LAN switch, in a machine by a name.
    pub switch: fn(&str, &MachineName, &Switch) -> Arc<dyn Link>,
    /// A machine's bridge.
    pub bridge: fn(&MachineName, &IfName, &Bridge) -> Arc<dyn Link>,
    /// A machine's other links.
    pub machines: &'static [OfMachine],
    /// The hosts' ends of NICs.
    pub nics: &'static [OfNic],
}

inventory::collect!(LinkKinds);

/// The table, of which there is one.
pub fn kinds() -> &'static LinkKinds {
    let mut tables = inventory::iter::<LinkKinds>.into_iter();
    match tables.next() {
        Some(table) => table,
        None => unreachable!("the lab hands in its kinds of links"),
    }
}

/// What the lab makes of a machine's link.
pub(super) fn of_machine(link: &Arc<dyn MachineLink>) -> Arc<dyn Link> {
    let mut kinds = kinds().machines.iter();
    match kinds.find_map(|kind| kind(link)) {
        Some(link) => link,
        None => unreachable!("`{}` is a kind of link", link.kind()),
    }
}

/// The link itself, where it is of that kind.
pub fn of_kind<L: MachineLink + Link>(link: &Arc<dyn MachineLink>) -> Option<Arc<dyn Link>> {
    let any: Arc<dyn Any + Send + Sync> = link.clone();
    Some(any.downcast::<L>().ok()?)
}

/// The host's end of a guest's NIC.
pub(super) fn nic(interface: &GuestInterface, end: NicEnd) -> Arc<dyn NicLink> {
    let mut kinds = kinds().nics.iter();
    match kinds.find_map(|kind| kind(interface, end.clone())) {
        Some(link) => link,
        None => unreachable!("each `type` of a NIC is a kind of link"),
    }
}
