//! The steps of a scenario: what is done, one thing after another, once the lab stands and its guests are up.
//!
//! A scenario without steps is looked at once. With them, the checks that name no step are looked at first, then each
//! step is done, and after it the checks that name it ([`Check::after`](super::Check::after)).

use std::sync::Arc;
use std::time::Duration;

use super::action::Action;
use super::names::StepId;

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Unique among the steps.
    pub id: StepId,
    /// How long it may take. Deadlines are stretched under TCG.
    pub within: Duration,
    /// What the kernel or the tool must say to it.
    pub answer: Answer,
    /// What is done; `None`: a variant took it away, and the checks after it are looked at all the same.
    pub action: Option<Arc<dyn Action>>,
}

/// What a step expects of whom it asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Answer {
    /// It is done. Otherwise there is no verdict: the run is broken.
    #[default]
    Done,
    /// Done or refused, the run goes on (`may_fail`).
    Either,
    /// Refused with these words (`refused`). Otherwise the network is not as the scenario says.
    Refused(String),
}
