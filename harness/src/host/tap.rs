//! TAPs, made as microvm.nix's `tap-up` makes them, but owned by a descriptor instead of persisting.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use nix::libc;
use nix::mount::MsFlags;
use nix::sys::stat::{Mode, SFlag, mknod};
use nix::unistd::User;

use super::isolate::mount_at;
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
    /// A descriptor for each queue; there is one at least.
    queues: Vec<OwnedFd>,
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
        let fd = open(name, end).map_err(failed)?;
        if let Some(owner) = &end.owner {
            let id = user_id(owner).map_err(failed)?;
            sys::tun_set_owner(fd.as_fd(), id).map_err(failed)?;
        }
        Ok(Self {
            name: name.clone(),
            queues: vec![fd],
        })
    }

    /// Opens one more of its queues, for which it must have been made with `multi_queue`.
    ///
    /// # Errors
    /// [`TapError`] when the kernel refuses.
    pub fn add_queue(&mut self, end: &HostEnd) -> Result<(), TapError> {
        let opened = open(&self.name, end).map_err(|source| TapError {
            name: self.name.clone(),
            source,
        });
        self.queues.push(opened?);
        Ok(())
    }

    /// A macvtap's queues. Unlike a TAP it stays when the last of them is closed.
    pub(super) fn of_macvtap(name: &IfName, queues: Vec<OwnedFd>) -> Self {
        Self {
            name: name.clone(),
            queues,
        }
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
        sys::tun_set_persist(self.queues[0].as_fd()).map_err(|source| TapError {
            name: self.name,
            source,
        })
    }

    /// Hands over the descriptors of its queues, for a VMM. The interface lives until the last of them is closed.
    pub fn into_queues(self) -> Vec<OwnedFd> {
        self.queues
    }
}

/// The device node by which TAPs are made.
const TUN: &str = "/dev/net/tun";

/// Lets every user open `/dev/net/tun`, as most distributions do: where its mode does not, a node in `folder` is bound
/// over it in this mount namespace alone. Which user may attach to a TAP is decided by the TAP's owner, not by this
/// mode.
///
/// # Errors
/// The kernel's answer; making a node takes root.
pub fn open_to_everyone(folder: &Path) -> io::Result<()> {
    let meta = fs::metadata(TUN)?;
    if meta.mode() & 0o006 == 0o006 {
        return Ok(());
    }
    let node = folder.join("tun");
    mknod(&node, SFlag::S_IFCHR, Mode::empty(), meta.rdev())?;
    fs::set_permissions(&node, fs::Permissions::from_mode(0o666))?;
    let source = node.to_string_lossy();
    mount_at(Some(&source), TUN, None, MsFlags::MS_BIND, None).map_err(io::Error::other)
}

/// Attaches a descriptor to the TAP, which is made if it is not there.
fn open(name: &IfName, end: &HostEnd) -> io::Result<OwnedFd> {
    let mut options = OpenOptions::new();
    let tun = options.read(true).write(true).open(TUN)?;
    let fd: OwnedFd = tun.into();
    let given = sys::tun_set_iff(fd.as_fd(), name.as_ref(), flags(end))?;
    if given == name.as_ref() {
        return Ok(fd);
    }
    Err(io::Error::other(format!("the kernel named it `{given}`")))
}

/// Flags for `TUNSETIFF` (`linux/if_tun.h`).
pub(super) fn flags(end: &HostEnd) -> libc::c_int {
    let mut flags = libc::IFF_TAP | libc::IFF_NO_PI;
    if end.vnet_hdr {
        flags |= libc::IFF_VNET_HDR;
    }
    if end.multi_queue {
        flags |= libc::IFF_MULTI_QUEUE;
    }
    flags
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
        self.queues[0].as_fd()
    }
}
