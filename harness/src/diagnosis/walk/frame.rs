//! A frame.

use std::net::IpAddr;

use super::packet::Packet;

/// A frame on its way.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// What it carries.
    pub(super) packet: Packet,
    /// Address of the next hop, whose MAC address is asked for.
    pub(super) next: IpAddr,
    /// Its length on the wire, without the Ethernet header.
    pub(super) length: u32,
    /// Destination: the MAC address of the last end of the way.
    pub(super) mac: Option<String>,
    /// Whether the sender knows that MAC address already, so that it does not ask for it.
    pub(super) known: bool,
    /// Its VLAN, where it has a tag.
    pub(super) tag: Option<u16>,
}
