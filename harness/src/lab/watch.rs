//! Guests that end while nobody asked them to. Everything that is looked at from one would fail, one deadline after
//! another; so the run ends at once, and says why.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::run::Run;
use crate::deadline::Deadline;
use crate::guest::{GuestError, PANIC};
use crate::host::service::{Log, ServiceError};
use crate::scenario::names::MachineName;

/// Longer than any run.
const FOR_EVER: Duration = Duration::from_secs(1 << 30);
/// From the end of a VMM's output to its exit status.
const END: Duration = Duration::from_secs(2);
/// Lines of the console that an error quotes.
const LINES: usize = 15;

/// A guest that ended.
#[derive(Debug)]
pub(super) struct Lost {
    guest: MachineName,
    panicked: bool,
}

/// Watches guests' consoles.
#[derive(Debug)]
pub(super) struct Watch {
    tell: UnboundedSender<Lost>,
    told: Option<UnboundedReceiver<Lost>>,
    watched: BTreeMap<MachineName, Watched>,
}

/// Not watched any more when it is dropped.
#[derive(Debug)]
struct Watched(JoinHandle<()>);

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Default for Watch {
    fn default() -> Self {
        let (tell, told) = unbounded_channel();
        Self {
            tell,
            told: Some(told),
            watched: BTreeMap::new(),
        }
    }
}

impl Watch {
    /// Watches a guest, from now until [`end`](Self::end).
    pub(super) fn begin(&mut self, guest: &MachineName, console: Log) {
        let (tell, name) = (self.tell.clone(), guest.clone());
        let task = tokio::spawn(async move {
            let panicked = tokio::select! {
                biased;
                _ = console.wait_for(&[PANIC], Deadline::after(FOR_EVER)) => true,
                () = console.ended() => false,
            };
            // The last lines may have come with the end.
            let panicked = panicked || console.line_with(PANIC).is_some();
            let _ = tell.send(Lost {
                guest: name,
                panicked,
            });
        });
        self.watched.insert(guest.clone(), Watched(task));
    }

    /// Whatever becomes of this guest is meant.
    pub(super) fn end(&mut self, guest: &MachineName) {
        self.watched.remove(guest);
    }

    /// Where lost guests are told of; once.
    pub(super) fn told(&mut self) -> Option<UnboundedReceiver<Lost>> {
        self.told.take()
    }
}

impl Run<'_> {
    /// What became of a guest, in words.
    pub(super) async fn lost(&self, lost: Lost) -> GuestError {
        let name = lost.guest.to_string();
        let Some(guest) = self.guests.get(&lost.guest) else {
            return GuestError::Lost {
                guest: name,
                how: "it is gone".to_owned(),
                tail: String::new(),
            };
        };
        let end = guest.vmm_end_within(END).await;
        let how = match (lost.panicked, end) {
            (true, _) => {
                let line = guest.console().line_with(PANIC);
                format!("the console says `{}`", line.as_deref().unwrap_or(PANIC))
            }
            (false, Some(ServiceError::Ended { status, tail, .. })) if tail.is_empty() => {
                format!("its VMM ended with {status}")
            }
            (false, Some(ServiceError::Ended { status, tail, .. })) => {
                format!("its VMM ended with {status}; it said: {tail}")
            }
            (false, _) => "its VMM closed its console".to_owned(),
        };
        GuestError::Lost {
            guest: name,
            how,
            tail: guest.console().last_lines(LINES),
        }
    }
}
