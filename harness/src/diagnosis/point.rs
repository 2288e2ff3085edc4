//! Places at which a packet can be seen.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A place in a kernel that a packet comes by: a hook of netfilter (`include/uapi/linux/netfilter.h`), or a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Station {
    /// The program that sends.
    Sender,
    /// `inet output`: the kernel took it from a program of this machine.
    InetOutput,
    /// `inet postrouting`: it is about to leave by a link.
    InetPostrouting,
    /// `arp output`.
    ArpOutput,
    /// `netdev egress`: the link was given it.
    Egress,
    /// `netdev ingress`: the link received it.
    Ingress,
    /// `bridge prerouting`: it came in by a port.
    BridgePrerouting,
    /// `bridge input`: it goes from the bridge to the machine itself.
    BridgeInput,
    /// `bridge output`: the machine itself sends it by the bridge.
    BridgeOutput,
    /// `bridge forward`: the bridge passes it from a port to another.
    BridgeForward,
    /// `bridge postrouting`: it is about to leave by a port.
    BridgePostrouting,
    /// `arp input`.
    ArpInput,
    /// `inet prerouting`.
    InetPrerouting,
    /// `inet forward`: the machine routes it.
    InetForward,
    /// `inet input`: it is for a program of this machine.
    InetInput,
    /// The program that receives.
    Receiver,
}

impl Station {
    /// Its name, as nft(8) has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sender => "sender",
            Self::InetOutput => "inet output",
            Self::InetPostrouting => "inet postrouting",
            Self::ArpOutput => "arp output",
            Self::Egress => "egress",
            Self::Ingress => "ingress",
            Self::BridgePrerouting => "bridge prerouting",
            Self::BridgeInput => "bridge input",
            Self::BridgeOutput => "bridge output",
            Self::BridgeForward => "bridge forward",
            Self::BridgePostrouting => "bridge postrouting",
            Self::ArpInput => "arp input",
            Self::InetPrerouting => "inet prerouting",
            Self::InetForward => "inet forward",
            Self::InetInput => "inet input",
            Self::Receiver => "receiver",
        }
    }
}

/// A station of a machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Point {
    /// The machine, guest, or `GUEST/CONTAINER`.
    pub machine: String,
    /// Where in its kernel.
    pub station: Station,
    /// The link by which the packet came or goes, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.machine, self.station.name())?;
        match &self.link {
            Some(link) => write!(f, " {link}"),
            None => Ok(()),
        }
    }
}
