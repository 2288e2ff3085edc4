//! Frames that no network stack would send: handed to a link as they are.
//!
//! Equivalent: `arping -U`, or scapy's `sendp(frame, iface=LINK)`; packet(7).

use std::io;
use std::os::fd::OwnedFd;

use super::netlink::LinkError;
use super::netns::{Netns, NetnsError};
use super::sys;
use crate::diagnostic::Diagnose;

/// A link could not be opened for sending.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InjectError {
    /// The link is not there.
    #[error("send out of `{link}`")]
    Link {
        /// Link.
        link: String,
        /// The kernel's answer.
        source: LinkError,
    },
    /// The link's socket or its address in `/sys` could not be opened.
    #[error("open `{link}` for sending")]
    Io {
        /// Link.
        link: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The machine has gone.
    #[error("send out of `{link}`")]
    Machine {
        /// Link.
        link: String,
        /// Why.
        source: NetnsError,
    },
}

impl Diagnose for InjectError {
    fn code(&self) -> &'static str {
        "host.inject"
    }
}

/// A link that frames are sent out of.
#[derive(Debug)]
pub struct Injector {
    socket: OwnedFd,
    mac: [u8; 6],
}

impl Injector {
    /// Opens `link` of `machine`.
    ///
    /// # Errors
    /// [`InjectError`].
    pub async fn open(machine: &Netns, link: &str) -> Result<Self, InjectError> {
        let name = || link.to_owned();
        let failed = |source| InjectError::Link {
            link: name(),
            source,
        };
        let index = machine.netlink().index(link).await.map_err(failed)?;
        let path = format!("/sys/class/net/{link}/address");
        let opened = machine.run(async move {
            let socket = sys::packet_socket(index)?;
            // `/sys/class/net` of the machine, which its own thread sees.
            let text = std::fs::read_to_string(path)?;
            let mac = parse_mac(text.trim());
            let mac = mac.ok_or_else(|| io::Error::other(format!("its address is `{text}`")))?;
            Ok(Self { socket, mac })
        });
        let opened = opened.await.map_err(|source| InjectError::Machine {
            link: name(),
            source,
        })?;
        opened.map_err(|source| InjectError::Io {
            link: name(),
            source,
        })
    }

    /// The link's own MAC address.
    pub fn mac(&self) -> [u8; 6] {
        self.mac
    }

    /// Sends one frame, from its destination address on.
    ///
    /// # Errors
    /// The kernel's: `ENETDOWN` when the link is down, `EMSGSIZE` when the frame is longer than its MTU allows.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        let sent = nix::unistd::write(&self.socket, frame)?;
        match sent == frame.len() {
            true => Ok(()),
            false => Err(io::ErrorKind::WriteZero.into()),
        }
    }
}

fn parse_mac(text: &str) -> Option<[u8; 6]> {
    let mut mac = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut mac {
        *byte = u8::from_str_radix(parts.next()?, 16).ok()?;
    }
    parts.next().is_none().then_some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ethernet_addresses_are_taken() {
        assert_eq!(parse_mac("02:00:00:00:00:0b"), Some([2, 0, 0, 0, 0, 11]));
        assert_eq!(parse_mac("127.0.0.1"), None);
        assert_eq!(parse_mac("02:00:00:00:00:0b:0c"), None);
    }
}
