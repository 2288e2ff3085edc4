//! What should hold, looked at and judged.
//!
//! A check is split in two: *observing* does I/O from a [`Vantage`] and may be repeated until a deadline;
//! *judging* what was observed is pure, and tested on recorded output of the real tools.

mod bridge;
mod expect;
mod from_source;
mod ghost_limit;
mod ghosts;
mod iproute2;
mod kind;
pub mod kinds;
mod look;
mod looking;
mod no_verdict;
pub mod progress;
mod source;
mod started;
mod vantage;

pub use expect::{expected, wanted};
pub use ghost_limit::ghost_limit;
pub use ghosts::no_server;
pub(crate) use ghosts::{no_docker, not_on_the_host};
pub use kind::{Asks, Flow};
pub(crate) use kinds::networkctl::{READ_LINK, is_under_way};
pub(crate) use kinds::of;
pub use kinds::packet::filter_faults;
pub use looking::{CheckContext, Looking, Since};
pub use started::{ContainerStart, VmmStart};
pub use vantage::{ProbeError, Vantage};
pub(crate) use vantage::{in_container, not_in_cell};

/// What a look at the network showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is as it should be.
    pub holds: bool,
    /// Whether no later look can find it otherwise, as with a count that is too large already. Never where it holds.
    pub for_good: bool,
    /// What was seen, as one short sentence.
    pub got: String,
}

impl Verdict {
    /// A verdict that it is as it should be.
    pub fn holds(got: impl Into<String>) -> Self {
        Self {
            holds: true,
            for_good: false,
            got: got.into(),
        }
    }

    /// A verdict that it is not as it should be.
    pub fn violated(got: impl Into<String>) -> Self {
        Self {
            holds: false,
            for_good: false,
            got: got.into(),
        }
    }

    /// A verdict that it is not as it should be, now and later.
    pub fn lost(got: impl Into<String>) -> Self {
        Self {
            for_good: true,
            ..Self::violated(got)
        }
    }
}
