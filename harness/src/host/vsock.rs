//! Connections to guests by the host kernel's vsock: vsock(7).

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, VsockAddr, connect, socket};

/// Connects to a port of a guest. Equivalent: `socat - VSOCK-CONNECT:CID:PORT`.
///
/// The standard library has no stream of this family. Reading, writing and shutting down are the same for all streams,
/// so a `UnixStream` carries it.
///
/// # Errors
/// `ENODEV` while there is no such guest, `ECONNRESET` while no program in it listens on the port.
pub(crate) fn connect_vsock(cid: u32, port: u32) -> io::Result<UnixStream> {
    let socket: OwnedFd = socket(
        AddressFamily::Vsock,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    connect(socket.as_raw_fd(), &VsockAddr::new(cid, port))?;
    Ok(socket.into())
}
