//! The boot stage of a run: all guests at once, and a cold boot for one whose template failed it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::boot::{Drawn, GuestImages, Launch, Started, start_again, start_guests};
use super::job::{Event, StartFrom};
use super::run::{Ended, Run, patience};
use super::topology::LabError;
use crate::deadline::Deadline;
use crate::diagnostic::Diagnostic;
use crate::guest::identity::KeyPair;
use crate::guest::{Guest, GuestError};
use crate::report::GuestReport;
use crate::scenario::names::MachineName;

/// How long a guest's kernel may take to boot, with KVM.
const BOOT: Duration = Duration::from_secs(60);

/// What is to be known about a guest that answers.
struct Up {
    guest: Guest,
    command: String,
    host_key: String,
    report: GuestReport,
}

impl Run<'_> {
    pub(super) async fn boot(&mut self, images: &GuestImages) -> Result<(), Ended> {
        if self.scenario.guests.is_empty() {
            return Ok(());
        }
        let folders = self.folders.clone();
        let login = KeyPair::generate("bridgelab", &folders.run.join("login_key"))
            .map_err(|e| Ended::from(LabError::Guest(e)))?;
        let launch = Launch {
            images,
            accelerator: self.job.accelerator,
            folders: &folders,
            starts: &self.job.starts,
            login: &login,
            drawn: Drawn::default(),
        };
        let booting = start_guests(self.scenario, &mut self.lab, &launch).await?;
        // All at once: they boot at once, and the first that cannot is told at once.
        let mut up = Vec::new();
        {
            let this = &*self;
            let launch = &launch;
            let mut waiting: FuturesUnordered<_> = booting
                .into_iter()
                .map(|(name, one)| async move {
                    let guest = this.wait_for(&name, one, launch).await;
                    guest.map(|guest| (name, guest))
                })
                .collect();
            while let Some(one) = waiting.next().await {
                up.push(one?);
            }
        }
        for (name, one) in up {
            for (what, begun, took) in one.guest.steps() {
                self.waited("boot", format!("{name}: {what}"), *begun, *took);
            }
            self.commands.push(one.command);
            self.surroundings
                .host_keys
                .insert(name.to_string(), one.host_key);
            self.report.guests.push(one.report);
            self.guests.insert(name, Arc::new(one.guest));
        }
        self.report.guests.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(())
    }

    /// Waits for a guest; one whose template fails it is started again, cold, on the same TAPs.
    async fn wait_for(
        &self,
        name: &MachineName,
        one: Started,
        launch: &Launch<'_>,
    ) -> Result<Up, Ended> {
        let by = || Deadline::after(patience(self.job.accelerator, BOOT));
        let known = Known::of(&one);
        let started = one.booting.wait(by()).await;
        let started = started
            .map_err(|(error, _)| error)
            .and_then(|guest| is_itself(guest, &launch.drawn));
        let (guest, known) = match (started, &one.from) {
            (Ok(guest), _) => (guest, known),
            (Err(error), StartFrom::Template { .. }) => {
                let why = format!("its template failed: {}", Diagnostic::new(&error));
                (self.tell)(Event::Progress {
                    text: format!("booting {name} cold: {why}"),
                });
                let plan = &self.scenario.guests[name];
                let cold = start_again(name, plan, &self.lab, launch, one.taps, why).await?;
                let known = Known::of(&cold);
                let guest = cold.booting.wait(by()).await;
                let guest = guest.map_err(|(error, _)| Ended::from(LabError::Guest(error)))?;
                (guest, known)
            }
            (Err(error), StartFrom::Cold { .. }) => {
                return Err(Ended::from(LabError::Guest(error)));
            }
        };
        Ok(known.up(name, guest))
    }
}

/// The guest, unless it drew the random number that another one drew: then both still have their template's generator.
fn is_itself(guest: Guest, drawn: &Drawn) -> Result<Guest, GuestError> {
    match guest.drawn() {
        Some(number) if !drawn.is_new(number) => Err(GuestError::Takeover {
            guest: guest.name().to_owned(),
            why: format!("it drew the same random number as another guest: {number}"),
        }),
        _ => Ok(guest),
    }
}

/// What a start was, for the report.
struct Known {
    command: String,
    host_key: String,
    machine: (String, String),
    from: StartFrom,
}

impl Known {
    fn of(one: &Started) -> Self {
        Self {
            command: one.command.clone(),
            host_key: one.identity.host_key.public_blob().to_owned(),
            machine: (one.machine.0.to_string(), one.machine.1.to_owned()),
            from: one.from.clone(),
        }
    }

    fn up(self, name: &MachineName, guest: Guest) -> Up {
        let (start, start_reason) = match self.from {
            StartFrom::Cold { reason } => ("cold", reason),
            StartFrom::Template { folder, .. } => ("template", folder.display().to_string()),
        };
        Up {
            guest,
            command: self.command,
            host_key: self.host_key,
            report: GuestReport {
                name: name.to_string(),
                machine: self.machine.0,
                reason: self.machine.1,
                start: start.to_owned(),
                start_reason,
                memory: None,
            },
        }
    }
}
