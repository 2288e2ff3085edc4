//! Connections to guests by the host kernel's vsock: vsock(7).

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, VsockAddr, connect, socket};

/// Connects to a port of a guest. Equivalent: `socat - VSOCK-CONNECT:CID:PORT`.
///
/// What is read, written and shut down is the same for all streams, so the standard library's stream of another family
/// carries it.
///
/// # Errors
/// `ENODEV` while there is no such guest, `ECONNRESET` while nobody listens there.
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
