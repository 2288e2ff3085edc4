//! Checks: what should hold, looked at from where, and when. What can be asked for is in `check_kind`.

use std::sync::Arc;
use std::time::Duration;

use super::check_kind::CheckKind;
use super::names::{CheckId, StepId};
use super::vantage_point::VantagePoint;

/// One property of the network that should hold.
#[derive(Debug, Clone)]
pub struct Check {
    /// Unique in the scenario.
    pub id: CheckId,
    /// Where to look from.
    pub from: VantagePoint,
    /// Looked at when this step is done and before the next one; `None`: before the first.
    pub after: Option<StepId>,
    /// Whose traffic it is about; `None`: that of all other checks with the same `after`.
    pub during: Option<During>,
    /// When it must hold, and when not.
    pub times: Times,
    /// What should hold.
    pub kind: Arc<dyn CheckKind>,
}

/// Whose traffic a check is about: it begins when that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum During {
    /// That of another check with the same `after`.
    Check(CheckId),
    /// That of the step in `after`, which is over before any check begins.
    Step,
}

/// The times of a check, from when it begins. What they mean together is `check::progress`'s business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// How long it may take to become true. Stretched under TCG.
    pub within: Duration,
    /// How long it must then stay true.
    pub holds_for: Option<Duration>,
    /// Before this it must not hold. Less than `within`.
    pub fails_until: Option<Duration>,
    /// It must not hold at any time until `within`.
    pub fails: bool,
}
