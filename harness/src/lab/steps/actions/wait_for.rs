//! Steps that wait for a fact.

use std::sync::Arc;

use super::{ByHand, CarryOut, Doing};
use crate::check::progress::Progress;
use crate::check::{Since, wanted};
use crate::deadline::Deadline;
use crate::diagnostic::Diagnostic;
use crate::lab::assignment::Assignment;
use crate::lab::checking::Checker;
use crate::lab::run::Run;
use crate::lab::steps::NotDone;
use crate::plan::GuestKind;
use crate::report::CheckOutcome;
use crate::scenario::declare::{
    Asked, Change, Declared, KeyType, TableKeys, kinds, must, read_kind, table_keys,
};
use crate::scenario::names::CheckId;
use crate::scenario::{Check, CheckKind, Scenario, Step, Times, VantagePoint};

/// Waits for a fact, which is looked at as a check is.
#[derive(Debug)]
pub(super) struct WaitFor {
    from: VantagePoint,
    fact: Arc<dyn CheckKind>,
}

impl Declared for WaitFor {
    const KEYS: TableKeys = TableKeys {
        one_of: kinds,
        ..table_keys(
            "wait_for",
            "waits until that check would hold, at most `within`",
            &[must("from", KeyType::Text, "where to look from")],
        )
    };
    const REMARK: &'static str = "Beside `from` stands one kind of check";

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        let from = asked.looks_from();
        let fact = read_kind(asked.context, asked.reader, from.as_ref())?;
        Some(Self {
            from: from?.value,
            fact,
        })
    }

    fn changes(&self) -> Vec<Change<'_>> {
        Vec::new()
    }

    fn needs(&self) -> Vec<&'static str> {
        self.fact.needs().into_iter().collect()
    }
}

impl CarryOut for WaitFor {
    fn by_hand(&self, _: &Scenario, _: GuestKind) -> ByHand {
        ByHand::Fact(format!("{} at {}", wanted(&*self.fact), self.from))
    }

    fn ghost_limit(&self, _: &Scenario) -> Option<String> {
        // The look itself says what ghosts cannot show of it.
        None
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, step: &'r Step, _: Deadline) -> Doing<'r> {
        Box::pin(self.wait(step, run.asked, run.checker()))
    }
}

impl WaitFor {
    /// Waits for the fact, as a check is looked at.
    async fn wait(
        &self,
        step: &Step,
        asked: Assignment<'_>,
        checker: Checker<'_>,
    ) -> Result<String, NotDone> {
        let times = Times {
            within: asked.patience(step.within),
            holds_for: None,
            fails_until: None,
            fails: false,
        };
        let id = CheckId::try_from(step.id.as_str());
        let id = id.map_err(|error| NotDone::Refused(error.to_string()))?;
        let fact = Check {
            id,
            from: self.from.clone(),
            after: None,
            during: None,
            times,
            kind: self.fact.clone(),
        };
        let seen = checker
            .watch(&fact, Progress::waiting(times), Since::now(), None)
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
