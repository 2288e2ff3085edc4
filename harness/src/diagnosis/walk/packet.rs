//! What is sent.

use std::net::IpAddr;

/// What a packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnosis) enum Carries {
    /// An ICMP echo.
    Echo,
    /// UDP to this port.
    Udp(u16),
    /// TCP to this port.
    Tcp(u16),
}

impl Carries {
    /// Its protocol, as nft(8) names it.
    pub(in crate::diagnosis) fn protocol(self, v6: bool) -> &'static str {
        match self {
            Self::Echo if v6 => "ipv6-icmp",
            Self::Echo => "icmp",
            Self::Udp(_) => "udp",
            Self::Tcp(_) => "tcp",
        }
    }

    /// The port that it is for.
    pub(in crate::diagnosis) fn port(self) -> Option<u16> {
        match self {
            Self::Echo => None,
            Self::Udp(port) | Self::Tcp(port) => Some(port),
        }
    }
}

/// A packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnosis) struct Packet {
    /// Its source; `None`: the kernel chooses.
    pub(in crate::diagnosis) from: Option<IpAddr>,
    /// Its destination.
    pub(in crate::diagnosis) to: IpAddr,
    /// What it carries.
    pub(in crate::diagnosis) carries: Carries,
    /// Its length in bytes, with the IP header.
    pub(in crate::diagnosis) length: u32,
    /// Whether routers must not cut it.
    pub(in crate::diagnosis) whole: bool,
    /// Whether it is an answer.
    pub(in crate::diagnosis) answer: bool,
}

impl Packet {
    /// The length of what is on a wire when links of this MTU have cut the packet.
    pub(super) fn on_wire(&self, mtu: u32) -> u32 {
        if self.whole || mtu == 0 {
            return self.length;
        }
        self.length.min(mtu)
    }
}
