//! Counts what has come in of the bytes that looks of checks send to the lab's web servers.
//!
//! A sender cannot know what has come in: its kernel takes all that it is given, and the server's answer may be lost.
//! So the server counts, and the check asks here, in the same process.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::bytes_page::first_other;

/// How long a connection may be silent before it is given up. The kernel sends what was lost again after 0.2 s, and each time
/// waits twice as long (RFC 6298): within the first ten seconds never longer than 6.4.
pub const SILENCE: Duration = Duration::from_secs(10);

/// All looks that send bytes, by their numbers.
#[derive(Debug, Default)]
pub struct Received(Mutex<Vec<Taken>>);

/// What has come in of one look's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// How many bytes.
    pub bytes: u64,
    /// When the last of them came, after the server had accepted the connection.
    pub last: Duration,
    /// Place of the first byte that differs from what was sent, from 0.
    pub other: Option<u64>,
}

impl Received {
    /// The number of a look that is about to send.
    pub(crate) fn begin(&self) -> usize {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.push(Taken::default());
        looks.len() - 1
    }

    /// Counts `part`, which came so long after the server had accepted the connection. A number that no look has is
    /// ignored.
    pub(crate) fn note(&self, look: usize, part: &[u8], after: Duration) {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(taken), false) = (looks.get_mut(look), part.is_empty()) {
            taken.other = taken.other.or_else(|| first_other(part, taken.bytes));
            taken.bytes += part.len() as u64;
            taken.last = after;
        }
    }

    /// What has come in so far of a look's bytes.
    pub(crate) fn of(&self, look: usize) -> Taken {
        let looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.get(look).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes_page::lines;

    #[test]
    fn each_look_has_its_own_count() {
        let received = Received::default();
        let (one, two) = (received.begin(), received.begin());
        let sent: Vec<u8> = lines(3000).flatten().copied().collect();
        let ms = Duration::from_millis;
        received.note(one, &sent[..1000], ms(1));
        received.note(two, b"other", ms(2));
        received.note(one, &sent[1000..], ms(3));
        received.note(one, &[], ms(9));
        received.note(7, b"nobody's", ms(9));
        let taken = |bytes, last, other| Taken { bytes, last, other };
        assert_eq!(received.of(one), taken(3000, ms(3), None));
        assert_eq!(received.of(two), taken(5, ms(2), Some(0)));
        assert_eq!(received.of(7), Taken::default());
    }
}
