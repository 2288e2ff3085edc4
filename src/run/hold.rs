//! `run --hold`: for a test that holds the lab by the library's `lab::scope`. Its wishes come on stdin; the lab's answers
//! go to stdout, and at the end the report.

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bridgelab_harness::lab::{Ask, Event};
use tokio::sync::{mpsc, watch};

/// Whether the lab has been handed over.
#[derive(Debug, Clone, Default)]
pub(super) struct Handed(Arc<AtomicBool>);

impl Handed {
    /// Passes on what the lab says.
    pub(super) fn tell(&self, event: &Event) {
        if matches!(event, Event::Held { .. }) {
            self.0.store(true, Ordering::Release);
        }
        tell(event);
    }
}

/// One line of JSON; whoever no longer listens has closed stdin as well, which ends the lab.
pub(super) fn tell(event: &Event) {
    let mut out = std::io::stdout().lock();
    let line = serde_json::to_string(event).unwrap_or_default();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// What comes on stdin. Its end is the end of the lab: in good order once it was handed over, before that by an
/// interrupt.
pub(super) fn asked(
    handed: &Handed,
    interrupt: watch::Sender<u32>,
) -> mpsc::UnboundedReceiver<String> {
    let (ask, asked) = mpsc::unbounded_channel();
    let handed = handed.clone();
    // A reader that blocks for ever must not keep the runtime from ending.
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if ask.send(line).is_err() {
                return;
            }
        }
        if handed.0.load(Ordering::Acquire) {
            let _ = ask.send(serde_json::to_string(&Ask::Finish).unwrap_or_default());
        } else {
            interrupt.send_modify(|count| *count += 1);
        }
    });
    asked
}
