//! The lab as one graph: what is connected with what, as it is and as it is meant to be.
//!
//! Its nodes are ends: a link of a machine. Two ends are joined by a wire (a veth pair, a cable, a TAP and the guest's NIC), by a
//! bridge and its port, or by a link and what is put upon it. What is meant to be joined and is not is an edge, too, so that the
//! way of a packet can be said even where it is broken.

mod graph;
mod made;
mod meant;
mod nics;
mod path;
mod wires;

pub(super) use graph::{End, Join, Net};
pub(super) use meant::should_own;
pub(super) use path::Hop;
pub(super) use wires::plugged;
