//! A moment of the day, as reports write it.

use std::time::SystemTime;

/// The moment in UTC by RFC 3339, to the millisecond: `2026-11-30T16:21:09.123Z`.
pub fn moment(at: SystemTime) -> String {
    humantime::format_rfc3339_millis(at).to_string()
}
