//! Terminals for programs that start on nothing else.

use std::io;
use std::os::fd::OwnedFd;

use nix::pty::openpty;

/// A pseudo-terminal: pty(7).
#[derive(Debug)]
pub(crate) struct Terminal {
    /// The harness's end. When it is closed, the program's end is hung up.
    pub(crate) ours: OwnedFd,
    /// The program's end.
    pub(crate) theirs: OwnedFd,
}

impl Terminal {
    /// Makes a terminal: openpty(3).
    ///
    /// # Errors
    /// The kernel's answer, for example without `/dev/ptmx`.
    pub(crate) fn open() -> io::Result<Self> {
        let pair = openpty(None, None)?;
        Ok(Self {
            ours: pair.master,
            theirs: pair.slave,
        })
    }
}
