//! Time that runs out, and what it was for.

use std::time::{Duration, Instant};

/// An instant by which something must have happened, with the name of what is being waited for.
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

    /// For a wait that something else ends: in thirty years, longer than any run. Timers take no more than they can add.
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

    /// Whether it has passed.
    pub fn passed(self) -> bool {
        self.left().is_zero()
    }

    /// Time since the deadline was set.
    pub fn elapsed(self) -> Duration {
        self.started.elapsed()
    }

    /// As the instant that tokio's timers take.
    pub(crate) fn tokio(self) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.at)
    }
}
