//! Transfers of so many known bytes over TCP: whether all arrive, and how far those come that do not.
//!
//! A connection that is accepted shows only that small packets pass. Where large packets get lost silently, or have checksums
//! that the receiver refuses, the transfer hangs.

use std::time::Duration;

use crate::check::Verdict;

/// Time after the last byte from which on the connection was silent; with less, it ended.
const SILENT: Duration = Duration::from_secs(1);

/// How far a transfer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::check::kinds) struct Transfer {
    /// Bytes that arrived.
    pub(in crate::check::kinds) arrived: u64,
    /// Time from the beginning until the last of them arrived.
    pub(in crate::check::kinds) last: Duration,
    /// Time from the beginning until the end.
    pub(in crate::check::kinds) over: Duration,
    /// Place, from 0, of the first byte that is not the one that was sent.
    pub(in crate::check::kinds) other: Option<u64>,
}

impl Transfer {
    /// Says how many of so many bytes arrived, and until when.
    pub(in crate::check::kinds) fn short_of(&self, bytes: u32) -> String {
        let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
        let Self {
            arrived,
            last,
            over,
            ..
        } = *self;
        let silence = over.saturating_sub(last);
        match arrived {
            0 => format!("0 bytes of {bytes} in {}", seconds(over)),
            _ if silence < SILENT => format!(
                "{arrived} bytes of {bytes} in {}, then the end of the connection",
                seconds(last)
            ),
            _ => format!(
                "{arrived} bytes of {bytes} in {}, then none for {}",
                seconds(last),
                seconds(silence)
            ),
        }
    }
}

/// Judges a transfer. `answer` is the first line of the server's answer, empty where there was none.
pub(in crate::check::kinds) fn judge(bytes: u32, sent: &Transfer, answer: &str) -> Verdict {
    if sent.arrived != u64::from(bytes) {
        let short = sent.short_of(bytes);
        return Verdict::violated(match (sent.arrived, answer) {
            // A server that answers and has counted nothing is none of the lab's.
            (0, answer) if !answer.is_empty() => format!("{short}: the answer `{answer}`"),
            _ => short,
        });
    }
    match sent.other {
        None => Verdict::holds(format!("all {bytes} bytes")),
        Some(place) => Verdict::violated(format!(
            "{bytes} bytes, but not those that were sent, from the {}. on",
            place + 1
        )),
    }
}

/// How much longer a look may take that transfers so many bytes: 2 MB a second is little even for an emulated NIC.
pub(in crate::check::kinds) fn time(bytes: Option<u32>) -> Duration {
    bytes.map_or(Duration::ZERO, |bytes| {
        Duration::from_micros(u64::from(bytes) / 2)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(arrived: u64, last: f64, over: f64) -> Transfer {
        Transfer {
            arrived,
            last: Duration::from_secs_f64(last),
            over: Duration::from_secs_f64(over),
            other: None,
        }
    }

    #[test]
    fn all_bytes_must_arrive_and_be_those_that_were_sent() {
        let whole = sent(3000, 0.2, 0.2);
        assert_eq!(judge(3000, &whole, ""), Verdict::holds("all 3000 bytes"));
        let harmed = Transfer {
            other: Some(1448),
            ..whole
        };
        assert_eq!(
            judge(3000, &harmed, "HTTP/1.1 200 OK"),
            Verdict::violated("3000 bytes, but not those that were sent, from the 1449. on")
        );
    }

    #[test]
    fn too_few_bytes_are_told_with_when_the_last_of_them_came() {
        let told = |sent, answer| judge(3000, &sent, answer);
        assert_eq!(
            told(sent(1024, 0.31, 10.4), ""),
            Verdict::violated("1024 bytes of 3000 in 0.3 s, then none for 10.1 s")
        );
        assert_eq!(
            told(sent(1024, 0.31, 0.5), ""),
            Verdict::violated("1024 bytes of 3000 in 0.3 s, then the end of the connection")
        );
        assert_eq!(
            told(sent(0, 0.0, 10.0), ""),
            Verdict::violated("0 bytes of 3000 in 10.0 s")
        );
        assert_eq!(
            told(sent(0, 0.0, 0.1), "HTTP/1.0 501 Not Implemented"),
            Verdict::violated(
                "0 bytes of 3000 in 0.1 s: the answer `HTTP/1.0 501 Not Implemented`"
            )
        );
        assert!(!told(sent(3001, 0.0, 0.1), "").holds);
    }
}
