//! How far a walk has come.

use crate::diagnosis::found::Found;
use crate::diagnosis::net::End;

/// What was found on the way.
#[derive(Debug, Default)]
pub(in crate::diagnosis) struct Walked {
    /// All that is in the way, in the order in which the packet comes by.
    pub(in crate::diagnosis) found: Vec<Found>,
    /// Machines on the way that did not answer.
    pub(in crate::diagnosis) unwatched: Vec<String>,
    /// Firewalls that passed the request on with its source as it was, although they replace sources: at fault where no way leads
    /// back to it.
    pub(super) untouched: Vec<Found>,
}

/// Where a packet is.
pub(super) struct Place {
    /// Whether it is sent there, and not only passed on.
    pub(super) sends: bool,
    /// Its machine.
    pub(super) machine: String,
    /// The link that it came in by; `None`: it is sent here.
    pub(super) came_by: Option<End>,
}
