//! Where the host's end of a guest's steering channel is.

use std::fmt;
use std::path::{Path, PathBuf};

/// Steering channels of each guest: 0 for checks, 1 stays free for `bridgelab enter`, 2 for what takes long.
pub const STEER_PORTS: usize = 3;

/// The vsock port on which guests serve SSH.
pub const STEER_VSOCK_PORT: u32 = 1024;

/// The host's end of a guest's steering channel: always a stream, however the VMM carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Steering {
    /// A virtio-serial port, as a unix socket: one endless stream with no notion of a connection.
    Port(PathBuf),
    /// A vsock that the VMM maps to a unix socket of its own: `CONNECT PORT`, and what follows the answer is a
    /// connection. docs/vsock.md of cloud-hypervisor and of firecracker.
    Mapped {
        /// The VMM's socket.
        socket: PathBuf,
        /// The guest's port.
        port: u32,
    },
    /// A vsock of the host's kernel (vhost-vsock), whose context ids are the whole machine's: vsock(7).
    Vsock {
        /// The guest's context id.
        cid: u32,
        /// The guest's port.
        port: u32,
    },
}

impl Steering {
    /// The socket of a virtio-serial port, the only kind of channel that guests from templates have; `None`: another
    /// kind.
    pub fn port(&self) -> Option<&Path> {
        match self {
            Self::Port(socket) => Some(socket),
            Self::Mapped { .. } | Self::Vsock { .. } => None,
        }
    }
}

impl fmt::Display for Steering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(socket) => write!(f, "{}", socket.display()),
            Self::Mapped { socket, port } => write!(f, "{} port {port}", socket.display()),
            Self::Vsock { cid, port } => write!(f, "vsock {cid} port {port}"),
        }
    }
}
