//! What every action of a step can do.

use futures_util::future::LocalBoxFuture;

use crate::deadline::Deadline;
use crate::lab::run::Run;
use crate::lab::steps::NotDone;
use crate::lab::steps::by_hand::ByHand;
use crate::plan::GuestKind;
use crate::scenario::declare::Action;
use crate::scenario::{Scenario, Step};

/// Future of a step under way; its text is what was said about the step.
pub(in crate::lab) type Doing<'r> = LocalBoxFuture<'r, Result<String, NotDone>>;

/// How an action is shown and carried out. No method has a default, so that the compiler asks a new action for each.
pub(in crate::lab) trait CarryOut: Action {
    /// Command that does the same by hand; `bridgelab plan` and the evidence show it.
    fn by_hand(&self, scenario: &Scenario, guests: GuestKind) -> ByHand;

    /// Why ghosts cannot do it; `None` when they can. Decided by the scenario, before the step begins.
    fn ghost_limit(&self, scenario: &Scenario) -> Option<String>;

    /// Carries it out, within the deadline `by`.
    fn act<'r>(&'r self, run: &'r mut Run<'_>, step: &'r Step, by: Deadline) -> Doing<'r>;
}
