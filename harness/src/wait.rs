//! The only polling loop of the crate.
//!
//! Where an event exists it is awaited; where none does, a fact is asked for again and again until it holds or
//! its deadline passes, and the last answer goes into the error.

use std::fmt::Display;
use std::time::Duration;

use tokio::sync::watch;

use crate::deadline::Deadline;

/// First pause between two attempts; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// How long an event's companions are waited for.
const BURST: Duration = Duration::from_millis(3);

/// Nobody saw the fact before the deadline.
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
    // A counter that nobody can move any more.
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
    let mut pause = FIRST_PAUSE;
    loop {
        // Before the attempt, so that an event during it counts.
        events.mark_unchanged();
        let last = match attempt().await {
            Ok(value) => return Ok(value),
            Err(last) => last,
        };
        if by.left() <= pause {
            return Err(TimedOut {
                what: what.to_owned(),
                waited: by.elapsed(),
                last: last.to_string(),
            });
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the loop that the ban points to"
        )]
        let rest = tokio::time::sleep(pause);
        let event = async {
            if events.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = rest => pause = (pause * 2).min(LONGEST_PAUSE),
            () = event => {
                // Events come in bursts; one look at their end does for all of them.
                pause = FIRST_PAUSE;
                #[expect(
                    clippy::disallowed_methods,
                    reason = "this is the loop that the ban points to"
                )]
                tokio::time::sleep(BURST).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn an_event_ends_a_long_pause() {
        let (events, waiting) = watch::channel(0);
        let begun = Instant::now();
        let mut fact = false;
        let mut asked = 0;
        // The event comes when the pauses have grown long, and not by the clock.
        let waited = until_woken(Deadline::secs(20), "the fact", waiting, async || {
            asked += 1;
            if asked == 8 {
                let events = events.clone();
                tokio::spawn(async move { events.send_modify(|count| *count += 1) });
                fact = true;
                return Err("not yet");
            }
            if fact {
                Ok(begun.elapsed())
            } else {
                Err("not yet")
            }
        });
        let took = waited.await.expect("it holds in the end");
        // Pauses of 5, 10, 20, 40, 80, 160 and 250 ms before, and none of 250 ms after.
        assert!(took < Duration::from_millis(565 + 200), "{took:?}");
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
}
