//! The way of a packet through the state of the machines, hop by hop, there and back.
//!
//! Where something is missing the walk goes on as it is meant to be, so that it finds all that is in the way.

mod across;
mod arrive;
mod bridge;
mod flow;
mod frame;
mod hop;
mod packet;
mod segment;
mod walked;

pub(super) use across::{broadcast, same_mac, to_all_nodes, unicast};
pub(super) use arrive::unusable;
pub(super) use bridge::{by_stp, has_stp};
pub(super) use flow::both_ways;

pub(super) use packet::{Carries, Packet};
pub(super) use segment::membership;
