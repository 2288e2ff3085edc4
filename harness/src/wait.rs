//! The only polling loop of the crate.
//!
//! Where an event exists it is awaited; where none does, a fact is asked for again and again until it holds or
//! its deadline passes, and the last answer goes into the error.

use std::fmt::Display;
use std::time::Duration;

use crate::deadline::Deadline;

/// First pause between two attempts; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

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
    mut attempt: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, TimedOut> {
    let mut pause = FIRST_PAUSE;
    loop {
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
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
