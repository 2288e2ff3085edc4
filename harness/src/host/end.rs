//! The end of a child process, with its exit status and its last words, for all who wait for it.

use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use tokio::process::Child;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::service::ServiceError;
use super::service_log::Log;

/// How long the last output of an ended process may take to be read. The process's own children may hold its output
/// open.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Lines of its log that an error quotes.
const LINES: usize = 20;

/// How far a process has come.
#[derive(Debug, Clone)]
enum Life {
    Runs,
    /// It has ended; not all of its output may have been read.
    Ended(Status),
    /// It has ended, and its output has been read, as far as its own children let it end.
    Read(Status),
}

type Status = Result<ExitStatus, Arc<io::Error>>;

/// Tells the end of a process to all who wait for it, however often they ask.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pid: Pid,
    life: watch::Receiver<Life>,
    name: String,
    errors: Log,
}

impl End {
    /// Reaps `child` as soon as it ends, whether or not somebody waits for that. `pumps` are the tasks that read its
    /// output.
    pub(crate) fn of(
        name: &str,
        pid: Pid,
        errors: Log,
        mut child: Child,
        pumps: Vec<JoinHandle<()>>,
    ) -> Self {
        let (live, life) = watch::channel(Life::Runs);
        tokio::spawn(async move {
            let status = child.wait().await.map_err(Arc::new);
            live.send_replace(Life::Ended(status.clone()));
            let _ = tokio::time::timeout(LAST_WORDS, join_all(pumps)).await;
            live.send_replace(Life::Read(status));
        });
        let name = name.to_owned();
        Self {
            pid,
            life,
            name,
            errors,
        }
    }

    /// The process's number. Once the process has ended, the number may be another's.
    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    /// Whether the process's end was noticed.
    pub(crate) fn has_come(&self) -> bool {
        !matches!(*self.life.borrow(), Life::Runs)
    }

    /// Whether the process has ended by now, noticed or not: waitid(2), which leaves it to be reaped.
    pub(crate) fn is_here(&self) -> bool {
        if self.has_come() {
            return true;
        }
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        !matches!(waitid(Id::Pid(self.pid), look), Ok(WaitStatus::StillAlive))
    }

    /// Waits for the process's end; returns its exit status or signal.
    pub(crate) async fn status(&mut self) -> io::Result<ExitStatus> {
        let ended = |life: &Life| !matches!(life, Life::Runs);
        match self.life.wait_for(ended).await.as_deref() {
            Ok(Life::Ended(Ok(status)) | Life::Read(Ok(status))) => Ok(*status),
            Ok(Life::Ended(Err(error)) | Life::Read(Err(error))) => {
                Err(io::Error::new(error.kind(), Arc::clone(error)))
            }
            // The task that waited for the process was dropped, and the process was killed by that.
            Ok(Life::Runs) | Err(_) => Err(io::Error::other("its machine has ended")),
        }
    }

    /// Waits for the process's end and for the last of its output; returns both as an error.
    pub(crate) async fn ended_error(&mut self) -> ServiceError {
        let status = self.status().await;
        let read = |life: &Life| matches!(life, Life::Read(_));
        let _ = self.life.wait_for(read).await;
        ServiceError::Ended {
            name: self.name.clone(),
            status: status.map_or_else(|e| e.to_string(), |s| s.to_string()),
            tail: self.errors.last_lines(LINES),
        }
    }
}
