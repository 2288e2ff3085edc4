//! Commands of steps that run in the background, until a later step, the last check or the end of the run ends them.
//!
//! Checks are looked at while such a command runs. So the run is broken, by the step's name, when one ends by itself. On a
//! machine its end is noticed at once; a guest is asked for it after the checks of each step.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::assignment::Assignment;
use super::ended::Ended;
use super::gathered;
use super::guests::GuestRuntime;
use super::record::Record;
use crate::deadline::Deadline;
use crate::diagnostic::{Diagnose, Diagnostic};
use crate::guest::background;
use crate::guest::ssh::{GuestCommand, Output};
use crate::guest::{Guest, GuestError};
use crate::host::confine::{Background, Over};
use crate::host::output::Printed;
use crate::scenario::VantagePoint;
use crate::scenario::names::{MachineName, StepId};
use crate::wait::until;

/// How long a guest may take to answer one question about its commands.
const ASKED: Duration = Duration::from_secs(10);
/// How long a command in a guest may take to end after SIGTERM, and how long after SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// Lines of a command's output that an error quotes.
const LINES: usize = 5;
/// Folder of the evidence with the output of each command.
const FOLDER: &str = "background";

/// Code of the error that a command ended by itself.
pub(super) const ENDED_EARLY: &str = "step.background-ended";

/// A command in the background ended, and nobody had ended it.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "keep the command of step `{step}` running on `{on}`: it ended by itself after {ran:.1?}, {how}; checks were to be \
     looked at while it runs; it said: {said}"
)]
pub(super) struct EndedEarly {
    step: String,
    on: String,
    ran: Duration,
    how: String,
    said: String,
}

impl Diagnose for EndedEarly {
    fn code(&self) -> &'static str {
        ENDED_EARLY
    }

    fn help(&self) -> Option<String> {
        Some(format!(
            "one that is not meant to run until the last check is ended before: `kill = {{ run = \"{}\" }}`; one that may \
             end by itself says `may_fail = true`",
            self.step
        ))
    }
}

/// Commands in the background that nobody has ended yet.
#[derive(Debug)]
pub(super) struct Backgrounds {
    tell: UnboundedSender<EndedEarly>,
    told: Option<UnboundedReceiver<EndedEarly>>,
    running: BTreeMap<StepId, Running>,
}

/// A command in the background.
#[derive(Debug)]
struct Running {
    about: About,
    /// Where it runs, which decides how it is ended.
    place: Place,
}

/// What is known of a command in the background.
#[derive(Debug, Clone)]
struct About {
    step: StepId,
    on: VantagePoint,
    /// The command that does the same by hand.
    command: String,
    begun: Instant,
    /// Whether it may end by itself.
    may_end: bool,
}

#[derive(Debug)]
enum Place {
    Cell(Background),
    Guest(MachineName),
}

impl About {
    fn ended_early(&self, status: Option<i32>, said: &str) -> EndedEarly {
        let lines: Vec<&str> = said
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let last = &lines[lines.len().saturating_sub(LINES)..];
        EndedEarly {
            step: self.step.to_string(),
            on: self.on.to_string(),
            ran: self.begun.elapsed(),
            how: with(status),
            said: match last.is_empty() {
                true => "nothing".to_owned(),
                false => last.join("\n"),
            },
        }
    }
}

fn with(status: Option<i32>) -> String {
    status.map_or("by a signal".to_owned(), |status| {
        format!("with exit status {status}")
    })
}

/// What a command said on both of its outputs.
fn both(said: &Printed) -> String {
    format!("{}\n{}", said.stdout.trim_end(), said.stderr.trim_end())
}

impl Default for Backgrounds {
    fn default() -> Self {
        let (tell, told) = unbounded_channel();
        Self {
            tell,
            told: Some(told),
            running: BTreeMap::new(),
        }
    }
}

impl Backgrounds {
    /// Whether any command runs that nobody has ended.
    pub(super) fn any(&self) -> bool {
        !self.running.is_empty()
    }

    /// The receiver of commands that ended by themselves on machines; `None` the second time.
    pub(super) fn early_ends(&mut self) -> Option<UnboundedReceiver<EndedEarly>> {
        self.told.take()
    }

    /// Lets every command that still runs end by itself.
    pub(super) fn let_end(&mut self) {
        for running in self.running.values_mut() {
            running.about.may_end = true;
        }
    }

    /// Forgets the commands in a guest that is stopped: they end with it.
    pub(super) fn forget(&mut self, guest: &MachineName) {
        self.running.retain(|_, one| match &one.about.on {
            VantagePoint::Machine(_) => true,
            VantagePoint::Guest(on) | VantagePoint::Container(on, _) => on != guest,
        });
    }
}

/// What a step starts in the background.
pub(super) struct Begun<'a> {
    pub(super) step: &'a StepId,
    pub(super) on: &'a VantagePoint,
    pub(super) command: String,
    pub(super) may_end: bool,
}

impl Begun<'_> {
    fn about(self) -> About {
        About {
            step: self.step.clone(),
            on: self.on.clone(),
            command: self.command,
            begun: Instant::now(),
            may_end: self.may_end,
        }
    }
}

/// How a command ended that the lab was about to end.
pub(super) enum Ending {
    /// By the lab, after that time.
    Asked(Duration),
    /// By itself, before the lab ended it.
    Early(EndedEarly),
    /// By itself, as its step allows.
    Allowed(EndedEarly),
}

impl Backgrounds {
    /// Takes note of a command that runs in a guest.
    pub(super) fn began_in_guest(&mut self, begun: Begun<'_>, guest: &MachineName) {
        let (about, place) = (begun.about(), Place::Guest(guest.clone()));
        let running = &mut self.running;
        running.insert(about.step.clone(), Running { about, place });
    }

    /// Starts a command on a machine. `start` gets the function to call when the command ends by itself.
    pub(super) async fn begin_in_cell<E>(
        &mut self,
        begun: Begun<'_>,
        start: impl AsyncFnOnce(Box<dyn FnOnce(&Printed) + Send>) -> Result<Background, E>,
    ) -> Result<(), E> {
        let about = begun.about();
        let (tell, known) = (self.tell.clone(), about.clone());
        let ended = move |said: &Printed| {
            if !known.may_end {
                // Ignore an error: nobody listens once there is a verdict.
                let _ = tell.send(known.ended_early(said.status, &both(said)));
            }
        };
        let place = Place::Cell(start(Box::new(ended)).await?);
        let running = &mut self.running;
        running.insert(about.step.clone(), Running { about, place });
        Ok(())
    }

    /// Ends the command of a step, and saves what it said. `None`: that step has no command in the background.
    ///
    /// # Errors
    /// The command's guest cannot be asked.
    pub(super) async fn end_one(
        &mut self,
        step: &StepId,
        guests: &dyn GuestRuntime,
        record: &mut Record<'_>,
    ) -> Result<Option<Ending>, GuestError> {
        let asked = record.asked;
        let Some(Running { about, place }) = self.running.remove(step) else {
            return Ok(None);
        };
        let over = match place {
            // A machine that is gone has taken its command along.
            Place::Cell(background) => background.end().await,
            Place::Guest(name) => match guests.vm(&name) {
                Some(guest) => Some(end_in_guest(asked, guest, step).await?),
                None => None,
            },
        };
        let Some(over) = over else {
            return Ok(Some(Ending::Asked(about.begun.elapsed())));
        };
        let ran = about.begun.elapsed();
        let how = match over.asked {
            true => format!("ended by the lab after {ran:.1?}"),
            false => format!(
                "ended by itself after at most {ran:.1?}, {}",
                with(over.said.status)
            ),
        };
        let file = asked
            .folders
            .evidence
            .join(FOLDER)
            .join(format!("{step}.txt"));
        let (command, said) = (&about.command, &over.said);
        let errors = match said.stderr.is_empty() {
            true => String::new(),
            false => format!("# on standard error\n{}", said.stderr),
        };
        let text = format!("# {command}\n# {how}\n{}{errors}", said.stdout);
        gathered::write(&file, &text);
        let mut steps = record.report.steps.iter_mut();
        if let Some(report) = steps.find(|report| report.id == step.as_str()) {
            report.said = how;
        }
        let early = about.ended_early(over.said.status, &both(&over.said));
        Ok(Some(match (over.asked, about.may_end) {
            (true, _) => Ending::Asked(ran),
            (false, false) => Ending::Early(early),
            (false, true) => Ending::Allowed(early),
        }))
    }

    /// Ends all commands.
    ///
    /// # Errors
    /// [`Ended::Broken`] by the first command that had ended by itself, or whose guest cannot be asked.
    pub(super) async fn end(
        &mut self,
        guests: &dyn GuestRuntime,
        record: &mut Record<'_>,
    ) -> Result<(), Ended> {
        let mut first = Ok(());
        let steps: Vec<StepId> = self.running.keys().cloned().collect();
        for step in steps {
            let ended = match self.end_one(&step, guests, record).await {
                Ok(Some(Ending::Early(early))) => Err(Ended::Broken(Diagnostic::new(&early))),
                Ok(_) => Ok(()),
                Err(error) => Err(Ended::from(error)),
            };
            first = first.and(ended);
        }
        first
    }

    /// Fails unless every command in a guest runs that must. One on a machine is noticed when it ends.
    ///
    /// # Errors
    /// As [`Backgrounds::end`].
    pub(super) async fn run_still(
        &mut self,
        guests: &dyn GuestRuntime,
        record: &mut Record<'_>,
    ) -> Result<(), Ended> {
        let running = self.running.values();
        let in_guests: Vec<(StepId, MachineName)> = running
            .filter(|one| !one.about.may_end)
            .filter_map(|one| match &one.place {
                Place::Cell(_) => None,
                Place::Guest(guest) => Some((one.about.step.clone(), guest.clone())),
            })
            .collect();
        for (step, name) in in_guests {
            let Some(guest) = guests.vm(&name) else {
                continue;
            };
            let line = background::status(step.as_str());
            let status = ask_of(record.asked, guest, line).await?;
            if !status.stdout.trim().is_empty()
                && let Some(Ending::Early(early)) = self.end_one(&step, guests, record).await?
            {
                return Err(Ended::Broken(Diagnostic::new(&early)));
            }
        }
        Ok(())
    }
}

async fn ask_of(asked: Assignment<'_>, guest: &Guest, line: String) -> Result<Output, GuestError> {
    let by = Deadline::after(asked.patience(ASKED));
    let _turn = guest.turn().await;
    guest.exec(GuestCommand::shell(line), by).await
}

async fn end_in_guest(
    asked_for: Assignment<'_>,
    guest: &Guest,
    step: &StepId,
) -> Result<Over, GuestError> {
    let id = step.as_str();
    let before = ask_of(asked_for, guest, background::ask(id)).await?.stdout;
    let asked = before.trim().is_empty();
    for kill in [false, true] {
        let by = Deadline::after(asked_for.patience(GRACE));
        let over = until(by, "the end of a command", async || {
            if kill {
                ask_of(asked_for, guest, background::kill(id))
                    .await
                    .map_err(drop_source)?;
            }
            let over = ask_of(asked_for, guest, background::is_over(id)).await;
            match over.map_err(drop_source)?.success() {
                true => Ok(()),
                false => Err("it runs".to_owned()),
            }
        });
        if over.await.is_ok() || !asked {
            break;
        }
    }
    // End what the command has started, too. After a command that ended by itself it goes on, as after any other command.
    if asked {
        ask_of(asked_for, guest, background::kill(id)).await?;
    }
    let status = ask_of(asked_for, guest, background::status(id))
        .await?
        .stdout;
    let stdout = ask_of(asked_for, guest, background::print_output(id))
        .await?
        .stdout;
    let said = Printed {
        stdout,
        stderr: String::new(),
        status: status.trim().parse().ok().filter(|status| *status <= 128),
    };
    Ok(Over { asked, said })
}

fn drop_source(error: GuestError) -> String {
    Diagnostic::new(&error).to_string()
}
