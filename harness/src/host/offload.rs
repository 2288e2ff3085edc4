//! Offloads of a link: what `ethtool -K LINK tx off tso off gso off` does, without ethtool, which few machines have.

use std::io;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::sys;
use crate::scenario::names::IfName;

/// Commands of `linux/ethtool.h` to set and to get: checksums of sent frames, and segments larger than the MTU, which
/// the driver (TSO) or the kernel before it (GSO) cuts.
const CHECKSUM: [(u32, u32); 1] = [(number::STXCSUM, number::GTXCSUM)];
const SEGMENTATION: [(u32, u32); 2] = [(number::STSO, number::GTSO), (number::SGSO, number::GGSO)];

/// Numbers of `linux/ethtool.h` that the libc crate has not got.
mod number {
    pub(super) const GTXCSUM: u32 = 0x16;
    pub(super) const STXCSUM: u32 = 0x17;
    pub(super) const GTSO: u32 = 0x1e;
    pub(super) const STSO: u32 = 0x1f;
    pub(super) const GGSO: u32 = 0x23;
    pub(super) const SGSO: u32 = 0x24;
}

/// Offloads of a link that are switched on or off; `None`: left as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Offload {
    /// Checksums of what is sent (`tx`).
    pub checksum: Option<bool>,
    /// Segments larger than the MTU (`tso`, `gso`).
    pub segmentation: Option<bool>,
}

/// Switches the offloads, and reads back whether they are so. Must run on the machine's thread.
///
/// # Errors
/// The kernel's answer, or which offload stayed as it was: the driver has no such switch, or another offload that is
/// off rules it out.
pub fn set(link: &IfName, offload: &Offload) -> io::Result<()> {
    let socket = socket(
        AddressFamily::Inet,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    let wanted = [
        ("tx", offload.checksum, &CHECKSUM[..]),
        ("tso, gso", offload.segmentation, &SEGMENTATION[..]),
    ];
    for (word, on, commands) in wanted {
        let Some(on) = on else { continue };
        for (set, get) in commands {
            sys::ethtool_value(&socket, link.as_str(), *set, u32::from(on))?;
            let found = sys::ethtool_value(&socket, link.as_str(), *get, 0)?;
            if (found != 0) != on {
                let found = if on { "off" } else { "on" };
                return Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    format!("{word} of {link} is still {found}"),
                ));
            }
        }
    }
    Ok(())
}
