//! `run --hold`: for a test that holds the lab with `bridgelab-client`. Its requests come on stdin. Answers go to
//! stdout, and at the end the report.

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bridgelab_client::protocol::{Ask, HoldEvent, VERSION};
use bridgelab_harness::report::RunReport;
use tokio::sync::{mpsc, watch};

/// Events for the test. The report of the run is sent whole.
pub(super) type Event = HoldEvent<RunReport>;

/// Whether the lab has been handed over to the test.
#[derive(Debug, Clone, Default)]
pub(super) struct Handed(Arc<AtomicBool>);

impl Handed {
    /// Passes on an event of the lab.
    pub(super) fn tell(&self, event: &Event) {
        if matches!(event, Event::Held { .. }) {
            self.0.store(true, Ordering::Release);
        }
        tell(event);
    }
}

/// Names the program and the version of the protocol. Comes before anything that may fail.
pub(super) fn greet() {
    tell(&Event::Hello {
        protocol: VERSION,
        program: concat!("bridgelab ", env!("CARGO_PKG_VERSION")).to_owned(),
    });
}

/// Prints an event as a line of JSON. Errors are ignored: a test that no longer reads has closed stdin too, and that ends the
/// lab.
pub(super) fn tell(event: &Event) {
    let mut out = std::io::stdout().lock();
    let line = serde_json::to_string(event).unwrap_or_default();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Requests from stdin. Its end ends the lab: in good order once the lab was handed over, with an interrupt before that.
pub(super) fn asked(
    handed: &Handed,
    interrupt: watch::Sender<u32>,
) -> mpsc::UnboundedReceiver<String> {
    let (ask, asked) = mpsc::unbounded_channel();
    let handed = handed.clone();
    // The reader blocks for ever and would keep the runtime from ending, so it has a thread of its own.
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
