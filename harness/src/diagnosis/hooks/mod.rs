//! What a firewall does with a packet, as far as its rules' texts tell: nft(8)'s JSON and iptables-save(8).
//!
//! What a rule asks that nothing here knows makes it one that may match: a packet then may be dropped by it, and no more is said.

mod iptables;
mod nft;
mod rule;
mod verdict;

pub(super) use verdict::{
    Way, bridged, changes_destination, dropped, leaves_source, replaces_source,
};
