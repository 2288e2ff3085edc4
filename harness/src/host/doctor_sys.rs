//! The one raw system call of the probes.
#![expect(unsafe_code, reason = "an ioctl has no safe wrapper")]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;

mod raw {
    nix::ioctl_write_ptr_bad!(tunsetiff, libc::TUNSETIFF, libc::ifreq);
}

/// Opens the TUN/TAP node for reading and writing.
pub(crate) fn open_tun() -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/net/tun")
}

/// Makes `tun` a TAP named `name` that goes when the file is closed. Equivalent to `ip tuntap add NAME mode tap`,
/// except that it does not stay.
pub(crate) fn make_tap(tun: &File, name: &str) -> io::Result<()> {
    // SAFETY: `ifreq` is plain data for which all zeroes is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    let room = request.ifr_name.len() - 1;
    if name.len() > room {
        return Err(io::Error::other(format!(
            "`{name}` is longer than {room} bytes"
        )));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    // Both flags are far below i16::MAX.
    request.ifr_ifru.ifru_flags = (libc::IFF_TAP | libc::IFF_NO_PI) as i16;
    // SAFETY: the fd is open for the whole call, and TUNSETIFF reads and writes only the `ifreq` it is given.
    unsafe { raw::tunsetiff(tun.as_raw_fd(), &raw const request) }?;
    Ok(())
}
