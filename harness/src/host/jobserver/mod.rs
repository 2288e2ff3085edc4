//! Admits labs to this machine, a few at a time, for all processes of the user.
//!
//! A run asks for a [`Slot`] with what it [`Need`]s. The requests of all processes stand in one queue, in the order in
//! which they came; the first of it is admitted when it fits beside what runs, or when nothing runs at all. A big
//! request at the head is not overtaken by small ones. The queue is a folder with a file for each request, locked by
//! the process whose request it is: the kernel ends the lock with the process, however that ends, so no request
//! outlives its process and none has to be cleaned up. Why so: `docs/jobserver.md`.

mod budget;
mod error;
mod memory;
mod queue;
mod wake;

pub use budget::{Budget, Limit, Need};
pub use error::JobserverError;
pub use memory::physical_memory;
pub use queue::Waiting;

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use tokio::sync::{mpsc, oneshot};

use error::io_error;
use queue::{Queue, Ticket};
use wake::Woken;

/// The queue of this user's labs on this machine.
#[derive(Debug, Clone)]
pub struct Jobserver {
    folder: PathBuf,
    limit: Limit,
}

/// Admission of one run; ends when dropped, or with the process.
#[derive(Debug)]
#[must_use = "others are admitted as soon as it is dropped"]
pub struct Slot {
    queue: Queue,
    ticket: Ticket,
}

impl Slot {
    /// Gives back what a lab whose guests are up no longer takes ([`Need::at_rest`]), for the rest of its run.
    ///
    /// # Errors
    /// [`JobserverError::Io`]: the queue's files cannot be used; the slot stays as it was.
    pub fn rest(&mut self) -> Result<(), JobserverError> {
        // The folder was removed: those who stand in the new queue do not know of this run.
        if !self.ticket.is_there() {
            return Ok(());
        }
        let need = self.ticket.need().at_rest();
        self.queue.change(&mut self.ticket, need)
    }
}

/// The folder of this user's queue: `$XDG_RUNTIME_DIR/bridgelab-jobs`, where the user owns that folder; otherwise
/// `CACHE/jobs-UID`.
///
/// The user id is in the name because `sudo -E` leaves root with the folders of another user.
pub fn queue_folder(cache: &Path) -> PathBuf {
    use std::os::unix::fs::MetadataExt;
    let uid = nix::unistd::Uid::effective().as_raw();
    let runtime = std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|dir| std::fs::metadata(dir).is_ok_and(|meta| meta.is_dir() && meta.uid() == uid));
    match runtime {
        Some(runtime) => runtime.join("bridgelab-jobs"),
        None => cache.join(format!("jobs-{uid}")),
    }
}

impl Jobserver {
    /// The queue in `folder`, which is made when it is first needed; see [`queue_folder`].
    pub fn new(folder: PathBuf, limit: Limit) -> Self {
        Self { folder, limit }
    }

    /// Stands in the queue until there is room. Calls `waiting` with what the request waits for, whenever that changes.
    ///
    /// Dropping the future gives up the place in the queue.
    ///
    /// # Errors
    /// [`JobserverError`]: the queue's files cannot be used, or the machine has less memory than `need` at all.
    pub async fn acquire(
        &self,
        label: &str,
        need: Need,
        mut waiting: impl FnMut(&Waiting),
    ) -> Result<Slot, JobserverError> {
        let physical = physical_memory();
        if need.memory > physical {
            return Err(JobserverError::TooLarge {
                need: need.memory,
                physical,
            });
        }
        let (told, mut hears) = mpsc::unbounded_channel();
        let (done, admitted) = oneshot::channel();
        let io = |doing| io_error(doing, &self.folder);
        // This end is closed when this future is dropped, and that ends the thread.
        let (_alive, cancelled) = UnixStream::pair().map_err(io("wait at"))?;
        let (folder, limit, label) = (self.folder.clone(), self.limit, label.to_owned());
        // Waiting for a lock blocks, so a thread of its own does it.
        std::thread::Builder::new()
            .name("queue".to_owned())
            .spawn(move || {
                let slot = wait_in_line(&folder, limit, &label, need, &cancelled, &|why| {
                    let _ = told.send(why);
                });
                // If the caller is gone, the slot is dropped here, which ends the admission.
                let _ = done.send(slot);
            })
            .map_err(io("start a thread to wait at"))?;
        while let Some(why) = hears.recv().await {
            waiting(&why);
        }
        match admitted.await {
            Ok(Ok(Some(slot))) => Ok(slot),
            Ok(Err(error)) => Err(error),
            Ok(Ok(None)) | Err(_) => Err(io("wait at")(io::ErrorKind::Interrupted.into())),
        }
    }
}

/// Body of the waiting thread; `None` when it was cancelled.
fn wait_in_line(
    folder: &Path,
    limit: Limit,
    label: &str,
    need: Need,
    cancelled: &UnixStream,
    tell: &dyn Fn(Waiting),
) -> Result<Option<Slot>, JobserverError> {
    let mut queue = Queue::open(folder)?;
    let mut ticket = queue.enter(label, need)?;
    let mut events = None;
    let mut last = None;
    loop {
        let Some(why) = queue.try_admit(&mut ticket, limit)? else {
            return Ok(Some(Slot { queue, ticket }));
        };
        let Some(watch) = &events else {
            // A change before the watch began is seen by another look.
            events = Some(wake::Watch::new(folder)?);
            continue;
        };
        if last.as_ref() != Some(&why) {
            tell(why.clone());
            last = Some(why);
        }
        match watch.wait(cancelled)? {
            Woken::Changed => {}
            Woken::Cancelled => return Ok(None),
        }
        if !ticket.is_there() {
            // The folder was removed, as logging out does with the runtime folder: the request stands in line again.
            drop(ticket);
            queue = Queue::open(folder)?;
            ticket = queue.enter(label, need)?;
            events = None;
        }
    }
}

#[cfg(test)]
mod tests;
