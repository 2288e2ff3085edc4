//! What should hold, looked at and judged.
//!
//! A check is split in two: *observing* does I/O from a [`Vantage`] and may be repeated until a deadline;
//! *judging* what was observed is pure, and tested on recorded output of the real tools.

pub mod address;
pub mod bridge_tables;
pub mod command;
pub mod container;
pub mod counter;
pub mod course;
pub mod dad;
pub mod dns;
mod expect;
mod ghost;
pub mod http;
pub mod ip;
pub mod keyscan;
pub mod link;
pub mod neighbour;
pub mod networkd;
mod observe;
pub mod packet;
pub mod ping;
pub mod process;
pub mod route;
pub mod router_advert;
pub mod source;
pub mod transfer;
mod unshown;
mod vantage;
pub mod vmm;

pub use expect::{expected, kind_name, wanted};
pub use ghost::{look_from_ghost, nic_of_ghost};
pub use observe::{
    ContainerStart, Since, Surroundings, Vmm, filter_faults, link_name, look, look_since,
};
pub use unshown::{no_server, undoable, unshown};
pub use vantage::{ProbeError, Vantage};

/// What a look at the network showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is as it should be.
    pub holds: bool,
    /// Where it is not, whether no later look can find it otherwise: a count that is too large already.
    pub for_good: bool,
    /// What was seen, as one short sentence.
    pub got: String,
}

impl Verdict {
    /// As it should be.
    pub fn holds(got: impl Into<String>) -> Self {
        Self {
            holds: true,
            for_good: false,
            got: got.into(),
        }
    }

    /// Not as it should be.
    pub fn violated(got: impl Into<String>) -> Self {
        Self {
            holds: false,
            for_good: false,
            got: got.into(),
        }
    }

    /// Not as it should be, now and later.
    pub fn lost(got: impl Into<String>) -> Self {
        Self {
            for_good: true,
            ..Self::violated(got)
        }
    }
}
