//! TAPs, made as microvm.nix's `tap-up` makes them, but owned by a descriptor instead of persisting.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::libc;
use nix::unistd::User;

use super::sys;
use crate::diagnostic::Diagnose;
use crate::scenario::HostEnd;
use crate::scenario::names::IfName;

/// A TAP could not be made.
#[derive(Debug, thiserror::Error)]
#[error("make TAP `{name}` through /dev/net/tun")]
pub struct TapError {
    /// Wanted name.
    pub name: IfName,
    /// The kernel's answer.
    pub source: io::Error,
}

impl Diagnose for TapError {
    fn code(&self) -> &'static str {
        "host.tap"
    }

    fn help(&self) -> Option<String> {
        match self.source.raw_os_error() {
            Some(libc::EACCES | libc::EPERM) => {
                Some("let this user open the device: `chmod 0666 /dev/net/tun` as root".to_owned())
            }
            Some(libc::ENOENT | libc::ENODEV | libc::ENXIO) => {
                Some("load the driver: `modprobe tun` as root".to_owned())
            }
            _ => None,
        }
    }
}

/// A TAP that lives as long as a descriptor to it is open.
///
/// Equivalent: `ip tuntap add name NAME mode tap [user OWNER] [vnet_hdr] [multi_queue]`, without its persistence: when
/// the VMM that was handed the descriptor dies, the kernel removes the interface.
#[derive(Debug)]
#[must_use = "the interface goes away with this value"]
pub struct Tap {
    name: IfName,
    fd: OwnedFd,
}

impl Tap {
    /// Makes the TAP in the network namespace of the calling thread.
    ///
    /// # Errors
    /// [`TapError`] with the remedy for a device node that is missing or closed to this user, or an owner that this
    /// machine does not know.
    pub fn create(name: &IfName, end: &HostEnd) -> Result<Self, TapError> {
        let failed = |source| TapError {
            name: name.clone(),
            source,
        };
        let tun = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/net/tun")
            .map_err(failed)?;
        let mut flags = libc::IFF_TAP | libc::IFF_NO_PI;
        if end.vnet_hdr {
            flags |= libc::IFF_VNET_HDR;
        }
        if end.multi_queue {
            flags |= libc::IFF_MULTI_QUEUE;
        }
        let fd: OwnedFd = tun.into();
        let given = sys::tun_set_iff(fd.as_fd(), name.as_ref(), flags).map_err(failed)?;
        if given != name.as_ref() {
            return Err(failed(io::Error::other(format!(
                "the kernel named it `{given}`"
            ))));
        }
        if let Some(owner) = &end.owner {
            let id = user_id(owner).map_err(failed)?;
            sys::tun_set_owner(fd.as_fd(), id).map_err(failed)?;
        }
        Ok(Self {
            name: name.clone(),
            fd,
        })
    }

    /// Its name on the host side.
    pub fn name(&self) -> &IfName {
        &self.name
    }

    /// Leaves the interface behind without a descriptor: it has no carrier until a VMM opens it by its name, and goes
    /// with its namespace. Equivalent: `ip tuntap add` as it stands.
    ///
    /// # Errors
    /// [`TapError`] when the kernel refuses.
    pub fn let_go(self) -> Result<(), TapError> {
        sys::tun_set_persist(self.fd.as_fd()).map_err(|source| TapError {
            name: self.name,
            source,
        })
    }

    /// Hands the descriptor to a VMM; whoever holds it last keeps the interface alive.
    pub fn into_fd(self) -> OwnedFd {
        self.fd
    }
}

/// A user's number.
fn user_id(owner: &str) -> io::Result<u32> {
    if let Ok(id) = owner.parse() {
        return Ok(id);
    }
    let user = User::from_name(owner)?.ok_or_else(|| {
        let words = format!("there is no user `{owner}` on this machine; its number will do");
        io::Error::new(io::ErrorKind::NotFound, words)
    });
    Ok(user?.uid.as_raw())
}

impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
