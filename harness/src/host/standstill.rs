//! Notices when this process stood still: the machine was suspended, or somebody stopped the whole process tree.
//!
//! Deadlines count time in which things could happen. While a process is stopped nothing of its own happens, but the
//! kernel's clock runs on; after a suspend the world outside has moved on. Neither says anything about the network.
//!
//! A thread looks at two clocks four times a second: `CLOCK_MONOTONIC`, by which deadlines are kept, and
//! `CLOCK_BOOTTIME`, which also counts a suspend (clock_gettime(2)). A look that comes seconds late was a standstill.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

/// How often the clocks are looked at.
const TICK: Duration = Duration::from_millis(250);
/// A look that comes later than this was not merely waiting for a processor: an overloaded machine delays a thread by
/// tenths of a second.
const LATE: Duration = Duration::from_secs(2);

/// A time in which the process stood still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standstill {
    /// When it was over.
    pub ended: Instant,
    /// How long it lasted.
    pub lasted: Duration,
    /// How much of that deadlines have counted: all of a stop, nothing of a suspend.
    pub counted: Duration,
}

/// Looks at the clocks until it is dropped.
#[derive(Debug)]
pub struct Standstills {
    seen: Arc<Mutex<Seen>>,
    /// Closed when this is dropped; that ends the thread.
    _alive: mpsc::Sender<()>,
}

impl Standstills {
    /// Begins to look.
    ///
    /// # Errors
    /// When the kernel gives no thread or no clock.
    pub fn watch() -> io::Result<Self> {
        let seen = Arc::new(Mutex::new(Seen::at(Instant::now(), boottime()?)));
        let (alive, dropped) = mpsc::channel::<()>();
        let looked = Arc::clone(&seen);
        std::thread::Builder::new()
            .name("standstill".to_owned())
            .spawn(move || {
                while dropped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                    look(&looked);
                }
            })?;
        Ok(Self {
            seen,
            _alive: alive,
        })
    }

    /// All so far, one that just ended included.
    pub fn all(&self) -> Vec<Standstill> {
        look(&self.seen)
    }

    /// How much of the time since `begun` deadlines have counted although nothing could happen.
    pub fn counted_since(&self, begun: Instant) -> Duration {
        let all = self.all().into_iter();
        all.filter(|one| one.ended > begun)
            .map(|one| one.counted)
            .sum()
    }
}

fn look(seen: &Mutex<Seen>) -> Vec<Standstill> {
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    if let Ok(boottime) = boottime() {
        seen.look(Instant::now(), boottime);
    }
    seen.standstills.clone()
}

fn boottime() -> io::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_BOOTTIME)?.into())
}

#[derive(Debug)]
struct Seen {
    monotonic: Instant,
    boottime: Duration,
    standstills: Vec<Standstill>,
}

impl Seen {
    fn at(monotonic: Instant, boottime: Duration) -> Self {
        Self {
            monotonic,
            boottime,
            standstills: Vec::new(),
        }
    }

    fn look(&mut self, monotonic: Instant, boottime: Duration) {
        let lasted = boottime.saturating_sub(self.boottime);
        if lasted > TICK + LATE {
            self.standstills.push(Standstill {
                ended: monotonic,
                lasted,
                counted: monotonic.saturating_duration_since(self.monotonic),
            });
        }
        (self.monotonic, self.boottime) = (monotonic, boottime);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_stop_is_counted_by_deadlines_and_a_suspend_is_not() {
        let begun = Instant::now();
        let mut seen = Seen::at(begun, SECOND);
        seen.look(begun + TICK, SECOND + TICK);
        seen.look(begun + 2 * SECOND, 3 * SECOND);
        assert_eq!(seen.standstills, [], "late, as on a loaded machine");
        seen.look(begun + 7 * SECOND, 8 * SECOND);
        seen.look(begun + 7 * SECOND, 3608 * SECOND);
        let (stop, suspend) = (seen.standstills[0], seen.standstills[1]);
        assert_eq!((stop.lasted, stop.counted), (5 * SECOND, 5 * SECOND));
        assert_eq!(
            (suspend.lasted, suspend.counted),
            (3600 * SECOND, Duration::ZERO)
        );
    }

    #[test]
    fn a_process_that_runs_has_not_stood_still() {
        let watch = Standstills::watch().expect("a thread and a clock");
        assert_eq!(watch.all(), []);
        assert_eq!(watch.counted_since(Instant::now()), Duration::ZERO);
    }
}
