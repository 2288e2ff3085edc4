//! The end of a child process: told to everybody who asks, with its exit status and its last words.

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

/// How long the last words of a process that ended may take to be read. Its own children may hold its output open.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Lines of its log that an error quotes.
const LINES: usize = 20;

/// How far a process has come.
#[derive(Debug, Clone)]
enum Life {
    Runs,
    /// It has ended, and may have said more than was read.
    Ended(Status),
    /// And all that it said has been read, as far as its own children let it.
    Read(Status),
}

type Status = Result<ExitStatus, Arc<io::Error>>;

/// Tells of a process's end to whoever asks, however often.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pid: Pid,
    life: watch::Receiver<Life>,
    name: String,
    errors: Log,
}

impl End {
    /// Reaps `child` as soon as it ends, whether or not somebody waits for that. `pumps` read what it says.
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

    /// Of the process; once its end has come, the number may be another's.
    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    /// Whether it has ended, as far as it was told.
    pub(crate) fn has_come(&self) -> bool {
        !matches!(*self.life.borrow(), Life::Runs)
    }

    /// Whether it has ended at this moment, told or not: waitid(2), which leaves it to be reaped.
    pub(crate) fn is_here(&self) -> bool {
        if self.has_come() {
            return true;
        }
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        !matches!(waitid(Id::Pid(self.pid), look), Ok(WaitStatus::StillAlive))
    }

    /// Waits for it: exit status or signal.
    pub(crate) async fn status(&mut self) -> io::Result<ExitStatus> {
        let ended = |life: &Life| !matches!(life, Life::Runs);
        match self.life.wait_for(ended).await.as_deref() {
            Ok(Life::Ended(Ok(status)) | Life::Read(Ok(status))) => Ok(*status),
            Ok(Life::Ended(Err(error)) | Life::Read(Err(error))) => {
                Err(io::Error::new(error.kind(), Arc::clone(error)))
            }
            // Whoever waited for it ended first, and has killed it.
            Ok(Life::Runs) | Err(_) => Err(io::Error::other("its machine has ended")),
        }
    }

    /// Waits for it, with everything that the process said before.
    pub(crate) async fn told(&mut self) -> ServiceError {
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
