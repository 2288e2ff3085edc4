//! What may be used only once: names, ids and addresses.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::scenario::error::{Fault, code};
use crate::scenario::file::Place;
use crate::scenario::read::Faults;

/// Where a value was used, and by whom.
type Use<'a> = (&'a Place, String);

/// Uses of values that must be unique.
#[derive(Debug, Default)]
pub(super) struct Claims<'a>(RefCell<BTreeMap<(String, String), Vec<Use<'a>>>>);

impl<'a> Claims<'a> {
    /// Notes that `owner` uses a value; `thing` names it, `scope` says within what it must be unique.
    pub(super) fn claim(&self, thing: String, scope: &str, place: &'a Place, owner: String) {
        let mut uses = self.0.borrow_mut();
        uses.entry((thing, scope.to_owned()))
            .or_default()
            .push((place, owner));
    }

    /// Reports every use but the first of what was used more than once.
    pub(super) fn report(self, faults: &Faults) {
        for ((thing, scope), mut uses) in self.0.into_inner() {
            uses.sort_by_key(|(place, _)| place.order());
            let mut uses = uses.into_iter();
            let Some((_, first)) = uses.next() else {
                continue;
            };
            for (place, _) in uses {
                let message = format!("{thing} is used twice{scope}");
                let label = format!("first used by {first}");
                faults.add(Fault::new(place, code::DUPLICATE, message, label));
            }
        }
    }
}
