//! Why a step was not done.

use crate::check::ProbeError;
use crate::diagnostic::Diagnostic;
use crate::hypervisor::MonitorError;
use crate::lab::ended::Ended;
use crate::lab::error::LabError;
use crate::lab::no_vantage::NoVantage;

/// Why a step was not done.
#[derive(Debug)]
pub(in crate::lab) enum NotDone {
    /// It was refused, in these words: by the kernel, by a tool, or because its guest does not run.
    Refused(String),
    /// The kernel or the tool could not even be asked.
    Broken(Diagnostic),
    /// The guests of this kind cannot do it.
    Unshown(String),
}

impl From<LabError> for NotDone {
    fn from(error: LabError) -> Self {
        let diagnostic = Diagnostic::new(&error);
        match error {
            // These errors have the words of the kernel or of a daemon.
            LabError::Link(_)
            | LabError::Service(_)
            | LabError::Tap(_)
            | LabError::Macvtap(_)
            | LabError::Io { .. }
            | LabError::Disk { .. } => Self::Refused(diagnostic.to_string()),
            _ => Self::Broken(diagnostic),
        }
    }
}

/// A guest that does not run cannot be asked.
impl From<NoVantage> for NotDone {
    fn from(none: NoVantage) -> Self {
        Self::Refused(none.to_string())
    }
}

impl From<ProbeError> for NotDone {
    fn from(error: ProbeError) -> Self {
        let diagnostic = Diagnostic::new(&error);
        match error {
            ProbeError::Machine(_) | ProbeError::Guest(_) => Self::Broken(diagnostic),
            _ => Self::Refused(diagnostic.to_string()),
        }
    }
}

impl From<Ended> for NotDone {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Broken(diagnostic) | Ended::TimedOut(diagnostic) => Self::Broken(diagnostic),
            Ended::Skipped(problem) => Self::Unshown(problem.chain.join(": ")),
        }
    }
}

impl From<MonitorError> for NotDone {
    fn from(error: MonitorError) -> Self {
        match error {
            MonitorError::Cannot { .. } => Self::Unshown(error.to_string()),
            said => Self::Refused(Diagnostic::new(&said).to_string()),
        }
    }
}
