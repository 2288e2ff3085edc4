//! The only polling loop of the crate.
//!
//! Where an event exists it is awaited; where none does, a fact is asked for again and again until it holds or
//! its deadline passes, and the last answer goes into the error.

use std::fmt::Display;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::deadline::Deadline;

/// First pause between two attempts; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// How long an event's companions are waited for.
const BURST: Duration = Duration::from_millis(3);

/// The fact was not seen before the deadline.
#[derive(Debug, thiserror::Error)]
#[error("waited {waited:.1?} for {what}; last seen: {last}")]
pub struct TimedOut {
    /// The fact that was waited for.
    pub what: String,
    /// How long.
    pub waited: Duration,
    /// What the last attempt saw.
    pub last: String,
}

/// Asks `attempt` until it says `Ok` or `by` passes.
///
/// # Errors
/// [`TimedOut`] with the last `Err` of `attempt`.
pub async fn until<T, E: Display>(
    by: Deadline,
    what: &str,
    attempt: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, TimedOut> {
    // A counter that never changes, since its sender is dropped at once.
    let (_, never) = watch::channel(0);
    until_woken(by, what, never, attempt).await
}

/// As [`until`], and asks again at once whenever `events` grows: an event does not say that the fact holds, only that
/// it may. Between events the pauses of [`until`] apply, for what has none.
///
/// # Errors
/// As [`until`].
pub async fn until_woken<T, E: Display>(
    by: Deadline,
    what: &str,
    mut events: watch::Receiver<u64>,
    mut attempt: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, TimedOut> {
    let mut pauses = Pauses::new();
    loop {
        // Before the attempt, so that an event during it counts.
        events.mark_unchanged();
        let last = match attempt().await {
            Ok(value) => return Ok(value),
            Err(last) => last,
        };
        if by.left() <= pauses.next {
            return Err(TimedOut {
                what: what.to_owned(),
                waited: by.elapsed(),
                last: last.to_string(),
            });
        }
        pauses.rest(&mut events, None).await;
    }
}

/// As [`until_woken`], for a watch that knows itself when it is over: `attempt` ends it, or says when the next attempt
/// is due at the latest.
pub async fn watch_woken<T>(
    mut events: watch::Receiver<u64>,
    mut attempt: impl AsyncFnMut() -> ControlFlow<T, Instant>,
) -> T {
    let mut pauses = Pauses::new();
    loop {
        events.mark_unchanged();
        match attempt().await {
            ControlFlow::Break(value) => return value,
            ControlFlow::Continue(due) => pauses.rest(&mut events, Some(due)).await,
        }
    }
}

/// The pauses between attempts.
struct Pauses {
    next: Duration,
}

impl Pauses {
    const fn new() -> Self {
        Self { next: FIRST_PAUSE }
    }

    /// Until the pause is over, `due` has come, or an event has.
    #[expect(
        clippy::disallowed_methods,
        reason = "these are the loops that the ban points to"
    )]
    async fn rest(&mut self, events: &mut watch::Receiver<u64>, due: Option<Instant>) {
        let left = due.map(|due| due.saturating_duration_since(Instant::now()));
        let rest = tokio::time::sleep(left.map_or(self.next, |left| left.min(self.next)));
        let event = async {
            if events.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = rest => self.next = (self.next * 2).min(LONGEST_PAUSE),
            () = event => {
                // Events come in bursts; one look at their end does for all of them.
                self.next = FIRST_PAUSE;
                tokio::time::sleep(BURST).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_event_ends_a_long_pause() {
        let (events, waiting) = watch::channel(0);
        let mut fact = None;
        let mut asked = 0;
        // The event comes when the pauses have grown to their longest, and not by the clock.
        let waited = until_woken(Deadline::secs(20), "the fact", waiting, async || {
            asked += 1;
            if asked == 8 {
                let events = events.clone();
                tokio::spawn(async move { events.send_modify(|count| *count += 1) });
                fact = Some(Instant::now());
                return Err("not yet");
            }
            fact.map(|since| since.elapsed()).ok_or("not yet")
        });
        let took = waited.await.expect("it holds in the end");
        assert!(took < Duration::from_millis(250), "{took:?}");
        assert_eq!(asked, 9);
    }

    #[tokio::test]
    async fn without_events_the_pauses_are_kept_and_the_last_answer_is_told() {
        let by = Deadline::after(Duration::from_millis(60));
        let error = until(by, "the fact", async || Err::<(), _>("no carrier"))
            .await
            .expect_err("it never holds");
        assert_eq!(error.last, "no carrier");
    }

    #[tokio::test]
    async fn a_watch_ends_when_it_says_so_and_not_long_after_what_is_due() {
        let (_events, waiting) = watch::channel(0);
        let begun = Instant::now();
        let due = begun + Duration::from_millis(300);
        let over = watch_woken(waiting, async || match Instant::now() >= due {
            true => ControlFlow::Break(begun.elapsed()),
            false => ControlFlow::Continue(due),
        });
        let took = over.await;
        // Pauses of 5 to 160 ms end at 315 ms; the one that would pass 300 ms is cut short.
        assert!(took >= Duration::from_millis(300), "{took:?}");
    }
}
