//! Notices guests that end, or that are stopped for want of room, though nobody asked for it. Everything that is looked at from
//! such a guest would fail, one deadline after another, so the run ends at once and says why.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use crate::deadline::Deadline;
use crate::guest::{Guest, GuestError, PANIC, used_up};
use crate::host::service::ServiceError;
use crate::scenario::names::MachineName;

/// Longest time from the end of a VMM's output to its exit status.
const END: Duration = Duration::from_secs(2);
/// Lines of the console that an error quotes.
const LINES: usize = 15;

/// A guest that ended or stands still.
#[derive(Debug)]
pub(super) struct Lost {
    guest: MachineName,
    how: How,
}

/// What became of the guest.
#[derive(Debug)]
enum How {
    /// Its console says that its kernel gave up.
    Panicked,
    /// Its VMM closed its console.
    Closed,
    /// The guest found no room for what it wrote, and stands still; with how that is known.
    NoRoom(String),
}

/// Watches guests' consoles.
#[derive(Debug)]
pub(super) struct Watch {
    tell: UnboundedSender<Lost>,
    told: Option<UnboundedReceiver<Lost>>,
    watched: BTreeMap<MachineName, Watched>,
}

/// Task that watches a guest, until this is dropped.
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
                // The guest's last lines may have come together with the end.
                () = console.ended() => match console.line_with(PANIC) {
                    Some(_) => How::Panicked,
                    None => How::Closed,
                },
            };
            let _ = tell.send(Lost { guest: name, how });
        });
        self.watched.insert(watched, Watched(task));
    }

    /// Stops watching a guest, whose end is meant from now on.
    pub(super) fn end(&mut self, guest: &MachineName) {
        self.watched.remove(guest);
    }

    /// The receiver of lost guests; `None` the second time.
    pub(super) fn losses(&mut self) -> Option<UnboundedReceiver<Lost>> {
        self.told.take()
    }
}

impl Lost {
    /// The guest's name.
    pub(super) fn guest(&self) -> &MachineName {
        &self.guest
    }

    /// Whether the guest still exists, but answers nobody.
    pub(super) fn stands_still(&self) -> bool {
        matches!(self.how, How::NoRoom(_))
    }

    /// The error that says what became of the guest.
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
