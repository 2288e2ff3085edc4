//! Guests that end, or are stopped for want of room, while nobody asked them to. Everything that is looked at from one would fail, one deadline after
//! another; so the run ends at once, and says why.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use crate::deadline::Deadline;
use crate::guest::{Guest, GuestError, PANIC, used_up};
use crate::host::service::ServiceError;
use crate::scenario::names::MachineName;

/// From the end of a VMM's output to its exit status.
const END: Duration = Duration::from_secs(2);
/// Lines of the console that an error quotes.
const LINES: usize = 15;

/// A guest that ended.
#[derive(Debug)]
pub(super) struct Lost {
    guest: MachineName,
    how: How,
}

/// How it ended.
#[derive(Debug)]
enum How {
    /// Its console says that its kernel gave up.
    Panicked,
    /// Its VMM closed its console.
    Closed,
    /// What it wrote found no room, and how that is known.
    NoRoom(String),
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
    pub(super) fn begin(&mut self, name: &MachineName, guest: &Guest) {
        let (tell, name) = (self.tell.clone(), name.clone());
        let (console, spec) = (guest.console().clone(), guest.spec().clone());
        let watched = name.clone();
        let task = tokio::spawn(async move {
            let how = tokio::select! {
                biased;
                _ = console.wait_for(&[PANIC], Deadline::never()) => How::Panicked,
                said = used_up(&spec, &console) => How::NoRoom(said),
                // The last lines may have come with the end.
                () = console.ended() => match console.line_with(PANIC) {
                    Some(_) => How::Panicked,
                    None => How::Closed,
                },
            };
            let _ = tell.send(Lost { guest: name, how });
        });
        self.watched.insert(watched, Watched(task));
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

impl Lost {
    /// Whose it is.
    pub(super) fn guest(&self) -> &MachineName {
        &self.guest
    }

    /// Whether it is still there, and answers nobody.
    pub(super) fn stands_still(&self) -> bool {
        matches!(self.how, How::NoRoom(_))
    }

    /// What became of it, in words.
    pub(super) async fn error(self, guest: Option<&Guest>) -> GuestError {
        let name = self.guest.to_string();
        let Some(guest) = guest else {
            return GuestError::Lost {
                guest: name,
                how: "it is gone".to_owned(),
                tail: String::new(),
            };
        };
        if let How::NoRoom(said) = self.how {
            return guest.without_room(said);
        }
        let end = guest.vmm_end_within(END).await;
        let how = match (self.how, end) {
            (How::Panicked, _) => {
                let line = guest.console().line_with(PANIC);
                format!("the console says `{}`", line.as_deref().unwrap_or(PANIC))
            }
            (_, Some(ServiceError::Ended { status, tail, .. })) if tail.is_empty() => {
                format!("its VMM ended with {status}")
            }
            (_, Some(ServiceError::Ended { status, tail, .. })) => {
                format!("its VMM ended with {status}; it said: {tail}")
            }
            _ => "its VMM closed its console".to_owned(),
        };
        GuestError::Lost {
            guest: name,
            how,
            tail: guest.console().last_lines(LINES),
        }
    }
}
