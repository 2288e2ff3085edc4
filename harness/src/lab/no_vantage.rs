//! Why one cannot look from a place.

use super::error::LabError;
use crate::scenario::names::MachineName;

/// A place that a scenario names is not one to look from now.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoVantage {
    /// The guest is not up.
    #[error("guest `{guest}` is not running")]
    NotRunning {
        /// Its name.
        guest: MachineName,
    },
    /// The lab has not got the machine.
    #[error(transparent)]
    NoMachine(#[from] LabError),
}
