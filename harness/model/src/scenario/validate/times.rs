//! When a check must hold: `within`, `holds_for`, `fails_until` and `fails`.

use std::time::Duration;

use super::Context;
use crate::scenario::read::Reader;
use crate::scenario::{Times, parse};

/// How long a check may take that does not say.
const WITHIN: Duration = Duration::from_secs(30);
/// How long a check that must never hold is watched when it does not say.
const NEVER_WITHIN: Duration = Duration::from_secs(5);

pub(crate) fn times(context: &Context<'_>, reader: &Reader<'_>) -> Times {
    let fails = reader.flag("fails").unwrap_or(false);
    let within = reader.word("within", parse::duration);
    let holds_for = reader.word("holds_for", parse::duration);
    let fails_until = reader.word("fails_until", parse::duration);
    let default = if fails { NEVER_WITHIN } else { WITHIN };
    let times = Times {
        within: within.as_ref().map_or(default, |within| within.value),
        holds_for: holds_for.as_ref().map(|time| time.value),
        fails_until: fails_until.as_ref().map(|time| time.value),
        fails,
    };
    if fails {
        let message =
            |key: &str| format!("`{key}` is for a check that holds, and `fails` says never");
        let keys = ["holds_for", "fails_until"];
        let help = "`within` says how long it is watched";
        reader.conflicts(&keys, message, "it never holds", Some(help));
    } else if let Some(until) = fails_until
        && until.value >= times.within
    {
        let message = "`fails_until` leaves no time to hold";
        let told = humantime::format_duration(times.within);
        let label = match within {
            Some(_) => format!("`within` is {told}"),
            None => format!("`within` is {told} unless given"),
        };
        let help = "both count from the same moment; `within` must be the later one";
        (context.faults.conflict(until.place, message, label)).help(help);
    }
    times
}
