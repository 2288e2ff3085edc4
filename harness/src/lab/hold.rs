//! The worker's side of a held lab: does what a test asks for, until the test is over.

use std::time::Duration;

use bridgelab_client::protocol::{Answer, Ask, Output, Places};

use super::ask_refused::{AskInvalid, AskRefused};
use super::asked_for::AskedFor;
use super::ended::Ended;
use super::job::Event;
use super::run::Run;
use super::steps::actions::needs_of;
use crate::deadline::Deadline;
use crate::host::unwritten;
use crate::scenario::names::{MachineName, NameError};
use crate::scenario::{Scenario, VantagePoint, instances::GREEN, load_text_with};

/// The file in the evidence with the scenario as it was when a held lab was asked for something last.
pub const ASKED: &str = "asked.toml";

impl Run<'_> {
    /// Hands the lab over to whoever holds it; returns when they are done with it.
    ///
    /// # Errors
    /// [`Ended::Broken`] when a step that they asked for was not done, and nobody said that it may be refused.
    pub(super) async fn hand_over(&mut self) -> Result<(), Ended> {
        let Some(mut asked) = self.wishes.take() else {
            return Ok(());
        };
        let begun = self.record.stage("held", "held");
        let guests = &self.asked.scenario.guests;
        let is_guest = |name: &String| guests.keys().any(|guest| guest.as_ref() == name);
        let machines = self
            .testbed
            .lab
            .machines()
            .map(|machine| machine.name().to_owned());
        let containers = guests.iter().flat_map(|(guest, inside)| {
            let names = inside.containers.keys();
            names.map(move |name| format!("{guest}/{name}"))
        });
        let places = Places {
            // A ghost is a machine of the lab, and yet the scenario's guest.
            machines: machines.filter(|name| !is_guest(name)).collect(),
            guests: guests.keys().map(ToString::to_string).collect(),
            containers: containers.collect(),
        };
        (self.asked.tell)(Event::Held { places });
        let mut asked_for = AskedFor::new(&self.asked.job.sources.text);
        while let Some(line) = asked.recv().await {
            let answer = match serde_json::from_str::<Ask>(&line) {
                Ok(Ask::Finish) => break,
                Ok(ask) => self.answer(ask, &mut asked_for).await,
                Err(error) => Err(AskRefused::Garbled(error)),
            };
            let answer = answer.unwrap_or_else(|refused| Answer::Refused {
                why: refused.to_string(),
            });
            (self.asked.tell)(Event::Answer { answer });
        }
        self.record.done("held", begun);
        self.stopped()
    }

    async fn answer(&mut self, ask: Ask, asked_for: &mut AskedFor) -> Result<Answer, AskRefused> {
        match ask {
            Ask::Exec {
                from,
                words,
                seconds,
            } => {
                if words.is_empty() {
                    return Err(AskRefused::NoWords);
                }
                let vantage = self.testbed.vantage(&self.place_of(&from)?)?;
                let time = self.asked.patience(Duration::from_secs(seconds));
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let _turn = vantage.turn().await;
                let output = vantage.exec(&words, Deadline::after(time)).await;
                let output = output.map_err(AskRefused::Probe)?;
                let output = Output {
                    stdout: output.stdout,
                    stderr: output.stderr,
                    status: output.status,
                };
                Ok(Answer::Ran { output })
            }
            Ask::Check { id, keys } => {
                let more = asked_for.with_check(&id, &keys).map_err(AskInvalid::from);
                let (more, form) = match more.and_then(|more| self.form_of(more)) {
                    Ok(valid) => valid,
                    Err(invalid) => return Ok(answer_to(&invalid)),
                };
                let mut checks = form.checks.iter();
                let check = checks.find(|check| check.id.as_str() == id);
                let check = check.ok_or(AskRefused::NoCheck { id })?;
                self.take(asked_for, more);
                let report = self.checker().check_one(check).await;
                self.record.report.checks.push(report.clone());
                let check = Box::new(report);
                Ok(Answer::Checked { check })
            }
            Ask::Step { id, numbered, keys } => {
                let id = if numbered { asked_for.unused(&id) } else { id };
                let more = asked_for.with_step(&id, &keys).map_err(AskInvalid::from);
                let (more, form) = match more.and_then(|more| self.form_of(more)) {
                    Ok(valid) => valid,
                    Err(invalid) => return Ok(answer_to(&invalid)),
                };
                let mut steps = form.steps.iter();
                let step = steps.find(|step| step.id.as_str() == id);
                let step = step.ok_or(AskRefused::NoStep { id })?;
                needs_of(&self.testbed.lab, std::slice::from_ref(step)).await?;
                self.take(asked_for, more);
                let report = self.step(step).await;
                self.record.report.steps.push(report.clone());
                let step = Box::new(report);
                Ok(Answer::Stepped { step })
            }
            Ask::Finish => Err(AskRefused::Over),
        }
    }

    /// The form that is held, of a scenario with more in it.
    ///
    /// # Errors
    /// [`AskInvalid`]
    fn form_of(&self, more: AskedFor) -> Result<(AskedFor, Scenario), AskInvalid> {
        let loaded = load_text_with(
            &self.asked.scenario.path,
            more.text().to_owned(),
            &self.asked.job.overrides,
        );
        let loaded = loaded.map_err(|errors| AskInvalid::Scenario {
            rendered: errors.render(false),
        })?;
        let form = self.asked.job.variant.as_deref().unwrap_or(GREEN);
        let forms = loaded.named(form)?;
        let form = forms.first().map(|form| (*form).clone());
        let form = form.ok_or(AskInvalid::NoForm)?;
        Ok((more, form))
    }

    /// What is valid and will be done is part of the scenario from now on.
    fn take(&self, asked_for: &mut AskedFor, more: AskedFor) {
        let file = self.asked.job.evidence.join(ASKED);
        if let Err(error) = std::fs::write(&file, more.text()) {
            unwritten::note(&file, &error);
        }
        *asked_for = more;
    }

    /// What a place is called in a scenario: `MACHINE`, `GUEST` or `GUEST/CONTAINER`.
    fn place_of(&self, text: &str) -> Result<VantagePoint, NameError> {
        if let Some((guest, container)) = text.split_once('/') {
            let (guest, container) = (guest.try_into()?, container.try_into()?);
            return Ok(VantagePoint::Container(guest, container));
        }
        let name = MachineName::try_from(text)?;
        if self.asked.scenario.guests.contains_key(&name) {
            return Ok(VantagePoint::Guest(name));
        }
        Ok(VantagePoint::Machine(name))
    }
}

/// The answer where what was asked for makes no valid scenario.
fn answer_to(invalid: &AskInvalid) -> Answer {
    Answer::Invalid {
        errors: invalid.to_string(),
    }
}
