//! What an explanation is made of, and what comes of it.

use crate::diagnosis::found::Found;
use crate::diagnosis::net::{End, Net};
use crate::diagnosis::observed::Unheld;
use crate::diagnosis::state::State;
use crate::diagnosis::walk::{Packet, both_ways};

/// A check that does not hold, and the lab.
#[derive(Clone, Copy)]
pub(in crate::diagnosis) struct At<'a> {
    /// The lab.
    pub(in crate::diagnosis) net: &'a Net<'a>,
    /// The check.
    pub(in crate::diagnosis) unheld: &'a Unheld<'a>,
}

/// What keeps a check from holding.
#[derive(Debug, Default)]
pub(in crate::diagnosis) struct Explained {
    /// All that was found, in the order in which a packet meets it.
    pub(in crate::diagnosis) found: Vec<Found>,
    /// Machines on the way that did not answer.
    pub(in crate::diagnosis) unwatched: Vec<String>,
}

impl Explained {
    /// What was found without sending anything.
    pub(super) fn of(found: Vec<Found>) -> Self {
        Self {
            found,
            unwatched: Vec::new(),
        }
    }

    /// Both, one after the other.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.found.extend(other.found);
        self.unwatched.extend(other.unwatched);
        self
    }

    /// Whether nothing was found.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

impl<'a> At<'a> {
    /// The kind of the check, where it is that one.
    pub(super) fn kind<T: crate::scenario::CheckKind>(&self) -> Option<&'a T> {
        self.unheld.check.kind.downcast_ref::<T>()
    }

    /// The machine, guest or `GUEST/CONTAINER` that looks.
    pub(super) fn machine(&self) -> String {
        self.unheld.check.from.to_string()
    }

    /// Its state.
    pub(super) fn state(&self) -> Option<&'a State> {
        self.net.state(&self.machine())
    }

    /// A link of whoever looks, by the check's name for it.
    pub(super) fn end(&self, name: &str) -> End {
        let link = self.net.link_name(&self.unheld.check.from, name);
        End::new(self.machine(), link)
    }

    /// What a packet from here to there and its answer meet.
    pub(super) fn flow(&self, packet: Packet) -> Explained {
        self.flow_from(&self.machine(), packet)
    }

    /// What a packet from a machine and its answer meet.
    pub(super) fn flow_from(&self, machine: &str, packet: Packet) -> Explained {
        let walked = both_ways(self.net, machine, packet);
        Explained {
            found: walked.found,
            unwatched: walked.unwatched,
        }
    }
}
