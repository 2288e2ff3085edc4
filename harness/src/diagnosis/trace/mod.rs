//! What `nft monitor trace` prints of packets that meet the chains of [`instrument`](super::instrument), and the course that it
//! shows.
//!
//! ```text
//! line    one line of nft(8)
//! sights  the places at which a machine saw each kind of packet
//! course  the sights of all machines in the order in which the packet came by
//! ```

mod course;
mod line;
mod sights;

pub use course::{Followed, Wire};
pub(super) use sights::TAKEN;
pub use sights::{Sight, sights};
