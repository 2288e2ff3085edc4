//! Carries out a scenario's steps, each with the checks after it, in order.
//!
//! What is done is in `actions`, in a file for each kind of action.

pub(in crate::lab) mod actions;
mod by_hand;
mod command;
mod not_done;
mod planned;
mod settled;

pub use by_hand::ByHand;
pub(in crate::lab) use command::Places;
pub(in crate::lab) use not_done::NotDone;
pub use planned::by_hand;
pub(super) use planned::render;

use std::time::{Instant, SystemTime};

use super::ended::Ended;
use super::run::Run;
use super::testbed::Testbed;
use crate::deadline::Deadline;
use crate::diagnostic::{Diagnose, Diagnostic};
use crate::report::{StepOutcome, StepReport};
use crate::scenario::step::Answer;
use crate::scenario::{Action, Step};

/// Most characters of a tool's output that a report keeps.
const SAID: usize = 600;

/// A step was refused that must not be.
#[derive(Debug, thiserror::Error)]
#[error("step `{id}`: `{command}`: {said}")]
struct Stopped {
    id: String,
    command: String,
    said: String,
    refused: bool,
}

impl Diagnose for Stopped {
    fn code(&self) -> &'static str {
        match self.refused {
            true => "step.refused",
            false => "step.broken",
        }
    }

    fn help(&self) -> Option<String> {
        self.refused.then(|| {
            "a step that may be refused says `may_fail = true`, one that must be says `refused = \"words\"`".to_owned()
        })
    }
}

impl Run<'_> {
    /// Carries out every step, and after each the checks that name it.
    ///
    /// # Errors
    /// [`Ended::Broken`] at the first step that is not done, unless the scenario says that it may be refused.
    pub(super) async fn steps(&mut self) -> Result<(), Ended> {
        let scenario = self.asked.scenario;
        for step in &scenario.steps {
            self.remember_before(&step.id).await;
            let report = self.step(step).await;
            self.record.report.steps.push(report);
            self.stopped()?;
            let after = Some(&step.id);
            let mut checks = scenario.checks.iter();
            if checks.any(|check| check.after.as_ref() == after) {
                self.checks_after(after).await?;
                let Testbed {
                    backgrounds,
                    guests,
                    ..
                } = &mut self.testbed;
                let run = backgrounds.run_still(&**guests, &mut self.record);
                run.await?;
            }
        }
        self.record.order_checks();
        Ok(())
    }

    /// Fails if a step has ended the run.
    ///
    /// # Errors
    /// [`Ended::Broken`] by the first step that has.
    pub(in crate::lab) fn stopped(&self) -> Result<(), Ended> {
        let mut steps = self.record.report.steps.iter();
        let Some(step) = steps.find(|step| step.ends_the_run()) else {
            return Ok(());
        };
        let stopped = Stopped {
            id: step.id.clone(),
            command: step.command.clone(),
            said: step.said.clone(),
            refused: step.outcome == StepOutcome::Refused,
        };
        Err(Ended::Broken(Diagnostic::new(&stopped)))
    }

    /// Carries out one step, and reports what came of it.
    pub(in crate::lab) async fn step(&mut self, step: &Step) -> StepReport {
        let (name, command) = match &step.action {
            None => ("", String::new()),
            Some(action) => {
                let (scenario, guests) = (self.asked.scenario, self.asked.job.guests);
                let by_hand = actions::of(action.as_ref()).by_hand(scenario, guests);
                (action.key(), by_hand.line(guests))
            }
        };
        let stage = format!("step {}", step.id);
        let begun = self.record.stage(&stage, &format!("{stage}: {command}"));
        // Checks after this step, and the step's own wait, judge only what comes from now on.
        self.observer.context.since = Some(SystemTime::now());
        let ended = match (&step.action, self.record.blind()) {
            (None, _) => (StepOutcome::TakenAway, String::new()),
            (Some(_), Some(why)) => (StepOutcome::Skipped, why),
            (Some(action), None) => self.attempt(step, action.as_ref()).await,
        };
        let (outcome, said) = ended;
        if outcome != StepOutcome::Done {
            let text = format!("step {} is {}: {said}", step.id, outcome.word());
            self.asked.progress(text);
        }
        self.record.done(&stage, begun);
        StepReport {
            id: step.id.to_string(),
            action: name.to_owned(),
            command,
            outcome,
            may_fail: step.answer == Answer::Either,
            refused: match &step.answer {
                Answer::Refused(words) => Some(words.clone()),
                Answer::Done | Answer::Either => None,
            },
            said: shortened(&said),
            at_ms: self.asked.at_ms(begun),
            ms: Instant::now().duration_since(begun).as_millis() as u64,
        }
    }

    async fn attempt(&mut self, step: &Step, action: &dyn Action) -> (StepOutcome, String) {
        let limit = || actions::of(action).ghost_limit(self.asked.scenario);
        let ghosts = !self.testbed.guests.boots();
        if let Some(why) = ghosts.then(limit).flatten() {
            return (StepOutcome::Skipped, why);
        }
        match self.act(step, action).await {
            Ok(said) => (StepOutcome::Done, said),
            Err(NotDone::Refused(said)) => (StepOutcome::Refused, said),
            Err(NotDone::Broken(why)) => (StepOutcome::Broken, why.to_string()),
            Err(NotDone::Unshown(why)) => (StepOutcome::Skipped, why),
        }
    }

    /// Carries out an action. Returns what was said about it.
    async fn act(&mut self, step: &Step, action: &dyn Action) -> Result<String, NotDone> {
        let by = Deadline::after(self.asked.job.patience(step.within));
        let places = self.places();
        places.let_networkd_finish(self.asked, action, by).await?;
        actions::of(action).act(self, step, by).await
    }
}

/// Cuts an output short for the report; all of it is in the evidence, or can be had again.
fn shortened(said: &str) -> String {
    let said = said.trim();
    match said.char_indices().nth(SAID) {
        None => said.to_owned(),
        Some((at, _)) => format!("{} ...", &said[..at]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_tool_says_is_cut_between_characters() {
        assert_eq!(shortened(" a\n"), "a");
        let long = "\u{e4}".repeat(SAID + 1);
        assert_eq!(shortened(&long).chars().count(), SAID + 4);
        assert_eq!(shortened(&long[2..]).chars().count(), SAID);
    }
}
