//! An instant by which something must have happened.

use std::time::{Duration, Instant};

/// An instant by which something must have happened, with the instant at which it was set.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    at: Instant,
    started: Instant,
}

impl Deadline {
    /// A deadline `from_now` in the future.
    pub fn after(from_now: Duration) -> Self {
        let started = Instant::now();
        Self {
            at: started + from_now,
            started,
        }
    }

    /// A deadline `secs` seconds in the future.
    pub fn secs(secs: u64) -> Self {
        Self::after(Duration::from_secs(secs))
    }

    /// A deadline for a wait that something else ends: 34 years from now, longer than any run. It is finite because
    /// `Instant` overflows at the longest durations.
    pub fn never() -> Self {
        Self::secs(1 << 30)
    }

    /// The earlier of this deadline and `from_now`: a child never outlives its parent.
    #[must_use]
    pub fn child(self, from_now: Duration) -> Self {
        let child = Self::after(from_now);
        Self {
            at: child.at.min(self.at),
            started: child.started,
        }
    }

    /// Time left; zero when it has passed.
    pub fn left(self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// Whether the deadline has passed.
    pub fn passed(self) -> bool {
        self.left().is_zero()
    }

    /// Time since the deadline was set.
    pub fn elapsed(self) -> Duration {
        self.started.elapsed()
    }

    /// The deadline as the instant that tokio's timers take.
    pub(crate) fn tokio(self) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.at)
    }
}
