//! Why a check says nothing with ghosts in the place of guests.

use super::ghosts::{Ghosts, no_docker};
use super::kinds;
use crate::scenario::{Check, Scenario, VantagePoint};

/// Why ghosts cannot show what `check` asks; `None` when they can.
pub fn ghost_limit(scenario: &Scenario, check: &Check) -> Option<String> {
    let from = &check.from;
    if let VantagePoint::Container(guest, _) = from {
        return Some(no_docker(guest));
    }
    let (ghosts, kind) = (Ghosts { scenario, from }, kinds::of(&*check.kind));
    let links = kind.links();
    let missing = links.iter().find_map(|link| ghosts.not_on_the_host(link));
    missing.or_else(|| kind.ghost_limit(&ghosts))
}
