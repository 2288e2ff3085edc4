//! Which checks hold because something is not there, and which count what traffic left behind.
//!
//! Neither says anything at a first look: nothing is there before anything was sent. `lab::order` has them wait.

use super::check_kind;
use super::facts::Bounds;
use super::{AddressState, CheckKind, DnsExpect};

impl CheckKind {
    /// Whether it counts what the traffic of others left behind.
    pub fn counts(&self) -> bool {
        self.tally().is_some()
    }

    /// Whether it counts, and there may be too many.
    pub fn has_upper_bound(&self) -> bool {
        self.tally().is_some_and(|bounds| bounds.most.is_some())
    }

    /// Whether it counts all that came since the beginning, so that the count only grows.
    pub fn only_grows(&self) -> bool {
        match self {
            Self::Packet(packet) => packet.last.is_none(),
            Self::Counter(_) => true,
            _ => false,
        }
    }

    fn tally(&self) -> Option<Bounds> {
        match self {
            Self::Packet(packet) => Some(packet.count),
            Self::Counter(counter) => Some(counter.packets),
            _ => None,
        }
    }

    /// Whether it holds where something is missing: an address, a process, an answer, a carrier.
    pub fn holds_by_lack(&self) -> bool {
        match self {
            Self::Address(check_kind::Address { state, .. }) => *state == AddressState::Absent,
            Self::Route(check_kind::Route { absent, .. }) => *absent,
            Self::Link(link) => link.absent || link.nomaster || link.carrier == Some(false),
            Self::Neighbour(neighbour) => neighbour.absent,
            Self::Fdb(fdb) => fdb.absent,
            Self::Mdb(mdb) => mdb.absent,
            Self::BridgeVlan(vlan) => vlan.absent,
            Self::Process(process) => process.absent,
            Self::Dns(check_kind::Dns { expect, .. }) => *expect == DnsExpect::Silence,
            Self::Ping(ping) => ping.loss.0 > 0,
            _ => false,
        }
    }
}
