//! All that may keep one check from holding.

use super::{unexplained, wire};
use crate::diagnosis::course::Course;
use crate::diagnosis::explain::{At, explain};
use crate::diagnosis::found::Found;
use crate::diagnosis::net::Net;
use crate::diagnosis::observed::{Observed, Unheld};
use crate::diagnosis::point::Point;

/// What may keep a check from holding.
#[derive(Debug)]
pub(super) struct Suspects<'a> {
    /// The check's id.
    pub(super) check: &'a str,
    /// The most likely first.
    pub(super) found: Vec<Found>,
    /// Where its packets were seen.
    pub(super) course: Option<&'a Course>,
    /// The last point at which they were, by the wire.
    pub(super) last_seen: Option<Point>,
    /// What was not established.
    pub(super) not_established: Vec<String>,
}

/// Seeks them.
pub(super) fn of<'a>(net: &Net<'_>, observed: &Observed<'a>, unheld: &Unheld<'a>) -> Suspects<'a> {
    let check = unheld.check.id.as_str();
    let course = observed.courses.get(check);
    let at = At { net, unheld };
    let explained = explain(&at);
    let follows = explained.is_some();
    let explained = explained.unwrap_or_default();
    let mut not_established = Vec::new();
    let mut found = explained.found;
    let mut last_seen = None;
    if let Some(course) = course {
        let joined = wire::join(course, found);
        found = joined.found;
        last_seen = joined.last_seen;
        not_established.extend(joined.not_established);
        not_established.extend(course.blind.iter().cloned());
    } else if found.iter().any(|one| one.between.is_some()) {
        let words =
            "the packet was not followed: where it stopped is what the state of the machines says";
        not_established.push(words.to_owned());
    }
    // What only may be the cause counts where nothing is certain.
    if found.iter().any(|one| one.certain) {
        found.retain(|one| one.certain);
    }
    if found.is_empty() {
        let unknown = unexplained::why(unheld, follows, &explained.unwatched, course);
        found.push(unknown);
    } else if !explained.unwatched.is_empty() {
        let names = explained.unwatched.join(", ");
        not_established.push(format!("what {names} does: it did not answer"));
    }
    if found.iter().all(|one| !one.certain) {
        let words = "that the check would hold without it: the state alone does not prove it";
        not_established.push(words.to_owned());
    }
    Suspects {
        check,
        found,
        course,
        last_seen,
        not_established,
    }
}
