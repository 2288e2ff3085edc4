//! What machines are plugged into: cables and switches.

use std::collections::BTreeMap;

use super::names::{IfName, MachineName};
use super::topology::BridgePort;

/// A layer-2 segment between machines of the lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// A veth pair between exactly two interfaces.
    Cable,
    /// A bridge in the lab's fabric namespace with one port for each interface.
    Switch(Switch),
}

/// What a LAN switch is told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Switch {
    /// MTU of its sockets in bytes: what is longer is lost; that of the interface plugged in when absent.
    pub mtu: Option<u32>,
    /// IGMP and MLD snooping.
    pub multicast_snooping: bool,
    /// As of a machine's bridge.
    pub group_fwd_mask: Option<u16>,
    /// Options of ports, by the machine and its interface that are plugged in.
    pub ports: BTreeMap<(MachineName, IfName), BridgePort>,
}
