//! Hands open descriptors to a VMM over its monitor's socket: SCM_RIGHTS of unix(7).

use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd, RawFd};

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

/// Sends `bytes`, and `handed` with the first of them. Returns how many bytes went; `WouldBlock` when none can.
pub(super) fn send(
    socket: &impl AsRawFd,
    bytes: &[u8],
    handed: &[impl AsRawFd],
) -> io::Result<usize> {
    let rights: Vec<RawFd> = handed.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&rights)];
    let bytes = [IoSlice::new(bytes)];
    let socket = socket.as_raw_fd();
    Ok(sendmsg::<()>(
        socket,
        &bytes,
        &rights,
        MsgFlags::empty(),
        None,
    )?)
}
