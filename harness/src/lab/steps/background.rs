//! Commands that steps start in the background, and end.

use super::super::background::{Begun, EndedEarly, Ending};
use super::super::run::Run;
use super::super::testbed::Testbed;
use super::NotDone;
use super::command::refusal;
use crate::check::{ProbeError, Vantage, in_container, not_in_cell};
use crate::deadline::Deadline;
use crate::diagnostic::Diagnostic;
use crate::guest::background;
use crate::guest::ssh::GuestCommand;
use crate::plan::{action, shell};
use crate::scenario::names::StepId;
use crate::scenario::step::{Action, Answer};
use crate::scenario::{Step, VantagePoint};

impl Run<'_> {
    /// Starts a command; it is done when the command is executed.
    pub(super) async fn start_in_background(
        &mut self,
        step: &Step,
        action: &Action,
        (on, command): (&VantagePoint, &[String]),
        by: Deadline,
    ) -> Result<String, NotDone> {
        let begun = Begun {
            step: &step.id,
            on,
            command: action::by_hand(self.asked.scenario, action, self.asked.job.guests),
            may_end: step.answer == Answer::Either,
        };
        let place = self.place(on)?;
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let (guest, words) = match &place {
            Vantage::Machine(machine) => {
                let start = async |tell| {
                    let words = command.to_vec();
                    let started = machine.start_confined(words, by, tell).await?;
                    started.map_err(|why| not_in_cell(machine, shell::join(command), why, by))
                };
                self.testbed
                    .backgrounds
                    .begin_in_cell::<ProbeError>(begun, start)
                    .await?;
                return Ok(String::new());
            }
            Vantage::Container { guest, name } => (guest, in_container(name, &words)),
            Vantage::Guest(guest) => (guest, words),
        };
        let turn = guest.turn().await;
        let line = GuestCommand::shell(background::start(step.id.as_str(), &words));
        let output = guest.exec(line, by).await.map_err(ProbeError::from)?;
        drop(turn);
        if !output.success() {
            return Err(NotDone::Refused(refusal(command, &output, 0)));
        }
        if let VantagePoint::Guest(name) | VantagePoint::Container(name, _) = on {
            self.testbed.backgrounds.began_in_guest(begun, name);
            self.testbed.used_shell_of(name);
        }
        Ok(format!("process {}", output.stdout.trim()))
    }

    /// Ends the command that a step has started.
    pub(super) async fn kill(&mut self, run: &StepId) -> Result<String, NotDone> {
        let Testbed {
            backgrounds,
            guests,
            ..
        } = &mut self.testbed;
        let ended = backgrounds.end_one(run, &**guests, &mut self.record).await;
        let ended = ended.map_err(ProbeError::from)?;
        match ended {
            None => Err(NotDone::Refused(format!(
                "no command of step `{run}` runs in the background"
            ))),
            Some(Ending::Asked(ran)) => Ok(format!("after {ran:.1?}")),
            Some(Ending::Allowed(early)) => Ok(early.to_string()),
            Some(Ending::Early(early)) => Err(broken(&early)),
        }
    }
}

fn broken(early: &EndedEarly) -> NotDone {
    NotDone::Broken(Diagnostic::new(early))
}
