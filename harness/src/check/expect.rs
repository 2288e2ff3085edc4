//! Checks in words.

use humantime::format_duration;

use super::kinds;
use crate::scenario::{Check, CheckKind, During};

/// What a check wants, and when, to follow "expected".
pub fn expected(check: &Check) -> String {
    let mut text = wanted(&*check.kind);
    if let Some(During::Check(other)) = &check.during {
        text.push_str(&format!(", when {other} is over"));
    }
    let times = &check.times;
    if times.fails {
        text = format!("never, for {}: {text}", format_duration(times.within));
    }
    if let Some(until) = times.fails_until {
        text.push_str(&format!(", but not before {}", format_duration(until)));
    }
    if let Some(window) = times.holds_for {
        text.push_str(&format!(", and for {} on", format_duration(window)));
    }
    text
}

/// What should hold.
pub fn wanted(kind: &dyn CheckKind) -> String {
    kinds::of(kind).expected()
}
