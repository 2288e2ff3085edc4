//! Facts that steps wait for.

use super::super::run::Run;
use super::NotDone;
use crate::check::Since;
use crate::check::progress::Progress;
use crate::diagnostic::Diagnostic;
use crate::report::CheckOutcome;
use crate::scenario::names::CheckId;
use crate::scenario::{Check, CheckKind, Step, Times, VantagePoint};

impl Run<'_> {
    /// Waits as a check would.
    pub(super) async fn wait_for_fact(
        &self,
        step: &Step,
        from: &VantagePoint,
        kind: &CheckKind,
    ) -> Result<String, NotDone> {
        let times = Times {
            within: self.asked.job.patience(step.within),
            holds_for: None,
            fails_until: None,
            fails: false,
        };
        let id = CheckId::try_from(step.id.as_str());
        let id = id.map_err(|error| NotDone::Refused(error.to_string()))?;
        let fact = Check {
            id,
            from: from.clone(),
            after: None,
            during: None,
            times,
            kind: kind.clone(),
        };
        let seen = self
            .checker()
            .watch(&fact, Progress::waiting(times), Since::now())
            .await;
        match seen.outcome {
            CheckOutcome::Passed => Ok(seen.got),
            CheckOutcome::Failed => Err(NotDone::Refused(format!(
                "it does not hold after {:.1?}: {}",
                times.within, seen.got
            ))),
            CheckOutcome::NotRun | CheckOutcome::Undecided => {
                Err(NotDone::Broken(Diagnostic::plain("step.wait", seen.got)))
            }
            CheckOutcome::Skipped => Err(NotDone::Unshown(seen.got)),
        }
    }
}
