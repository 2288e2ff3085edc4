//! Wakes processes that wait in the queue: inotify(7) on its folder. Nothing is polled.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent};

use super::error::{JobserverError, io_error};
use super::queue::parse_name;

/// Why [`Watch::wait`] returned.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Woken {
    /// The queue changed; look again.
    Changed,
    /// The other end of the socket was closed.
    Cancelled,
}

pub(super) struct Watch {
    folder: PathBuf,
    inotify: Inotify,
}

impl Watch {
    pub(super) fn new(folder: &Path) -> Result<Self, JobserverError> {
        let failed = |errno: Errno| io_error("watch", folder)(errno.into());
        let flags = InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK;
        let inotify = Inotify::init(flags).map_err(failed)?;
        // Events when a request is admitted, needs less, leaves or dies, and when the folder itself goes. New files are
        // not watched for, since a new request stands behind this one.
        let what = AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_MODIFY
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF;
        inotify.add_watch(folder, what).map_err(failed)?;
        Ok(Self {
            folder: folder.to_owned(),
            inotify,
        })
    }

    /// Waits until a request was admitted, changed, left or died, or until the other end of `cancelled` is closed.
    pub(super) fn wait(&self, cancelled: &UnixStream) -> Result<Woken, JobserverError> {
        let failed = |errno: Errno| io_error("watch", &self.folder)(errno.into());
        loop {
            let mut fds = [
                PollFd::new(self.inotify.as_fd(), PollFlags::POLLIN),
                PollFd::new(cancelled.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut fds, PollTimeout::NONE) {
                Err(Errno::EINTR) => continue,
                other => other.map_err(failed)?,
            };
            if fds[1].any() == Some(true) {
                return Ok(Woken::Cancelled);
            }
            let events = match self.inotify.read_events() {
                Err(Errno::EAGAIN) => continue,
                other => other.map_err(failed)?,
            };
            // `concerns` is called for every event, also after one that is enough, because it waits for the locks of
            // the dead.
            if events.iter().filter(|event| self.concerns(event)).count() > 0 {
                return Ok(Woken::Changed);
            }
        }
    }

    /// Whether the event is about a request, or about the folder. The turnstile is opened and closed by every process
    /// that looks.
    fn concerns(&self, event: &InotifyEvent) -> bool {
        let Some(name) = &event.name else { return true };
        if parse_name(&name.to_string_lossy()).is_none() {
            return false;
        }
        if event.mask.contains(AddWatchFlags::IN_CLOSE_WRITE)
            && let Ok(file) = File::open(self.folder.join(name))
        {
            // Only the owner opens the file for writing, so the owner died; no other request ever has this name. The
            // kernel tells of the end before it releases the lock. The lock is waited for, or the next look might still
            // find the request alive.
            let _ = Flock::lock(file, FlockArg::LockShared);
        }
        true
    }
}
