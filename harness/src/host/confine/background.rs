//! A command that runs in a cell in the background, until it is ended or ends by itself.

use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;

use tokio::sync::oneshot;

use super::entry;
use super::{NotRun, Started, start};
use crate::deadline::Deadline;
use crate::host::output::{Outputs, Printed};

/// How a command in the background ended.
#[derive(Debug)]
pub(crate) struct Over {
    /// Whether it was asked to end; otherwise it has ended by itself.
    pub(crate) asked: bool,
    /// Its status, and what it said.
    pub(crate) said: Printed,
}

/// A command in the background. Dropping it ends it, with everything that it has started.
#[derive(Debug)]
#[must_use = "dropping it ends the command"]
pub(crate) struct Background {
    end: oneshot::Sender<()>,
    over: oneshot::Receiver<Over>,
}

impl Background {
    /// Starts a command in a machine's cell, on the machine's thread; returns when it is executed. `tell` is called when it
    /// ends by itself.
    pub(crate) async fn start(
        door: OwnedFd,
        words: &[String],
        by: Deadline,
        tell: impl FnOnce(&Printed) + Send + 'static,
    ) -> Result<Self, NotRun> {
        let started = tokio::time::timeout_at(by.tokio(), start(door, words)).await;
        let started = started.map_err(|_| NotRun::Late)??;
        let (end, ask) = oneshot::channel();
        let (done, over) = oneshot::channel();
        tokio::spawn(async move {
            if let Some(over) = follow(started, ask).await {
                if !over.asked {
                    tell(&over.said);
                }
                // The receiver may have been dropped.
                let _ = done.send(over);
            }
        });
        Ok(Self { end, over })
    }

    /// Ends the command, with SIGTERM first, and returns how it ended; or how it had ended before. `None`: its machine
    /// is gone.
    pub(crate) async fn end(self) -> Option<Over> {
        // The command may have ended by itself, and its task with it.
        let _ = self.end.send(());
        self.over.await.ok()
    }
}

/// Waits for the command's end, and ends the command when asked.
async fn follow(started: Started, ask: oneshot::Receiver<()>) -> Option<Over> {
    let Started { mut child, group } = started;
    let outputs = Outputs::of(&mut child);
    let status = tokio::select! {
        biased;
        status = child.wait() => status,
        asked = ask => {
            match asked {
                Ok(()) => group.tell(entry::ASKED),
                Err(_) => group.tell(nix::sys::signal::Signal::SIGTERM),
            }
            child.wait().await
        }
    };
    group.ended();
    let status = status.ok()?;
    Some(Over {
        asked: status.signal() == Some(entry::ASKED as i32),
        said: outputs.finish(status).await,
    })
}
