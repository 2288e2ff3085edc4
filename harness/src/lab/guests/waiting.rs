//! Waits for MicroVMs that were started. One whose template fails is booted cold.

use std::time::Duration;

use crate::check::{VmmStart, kinds};
use crate::deadline::Deadline;
use crate::diagnostic::Diagnostic;
use crate::guest::ssh::GuestCommand;
use crate::guest::sysctls::{self, NotSet};
use crate::guest::{Guest, GuestError, PersonalizationError};
use crate::host::service::ServiceError;
use crate::lab::assignment::Assignment;
use crate::lab::boot::{Drawn, Launch, Started, start_again};
use crate::lab::ended::Ended;
use crate::lab::job::StartFrom;
use crate::lab::topology::Lab;
use crate::report::GuestReport;
use crate::scenario::names::MachineName;
use crate::scenario::{Check, Scenario};

/// How long a guest's kernel may take to boot, with KVM.
const BOOT: Duration = Duration::from_secs(60);
/// How long a guest from a template may take until it answers, with KVM. Thirty-two at once on two emulated cores take a third
/// of what this is without KVM. A guest that does not answer boots cold, so this is shorter than [`BOOT`].
const TAKEOVER: Duration = Duration::from_secs(20);

/// A guest that answers, and facts about its start.
pub(super) struct Up {
    pub(super) guest: Guest,
    pub(super) known: Known,
    /// Its sysctls, as its kernel reports them.
    pub(super) set: Vec<String>,
}

/// How a start ended.
pub(super) enum Began {
    Up(Box<Up>),
    /// The guest's VMM refused to start, and a check asks how it starts.
    Refused(Box<Known>, VmmStart),
}

/// What waiting for a guest needs.
pub(super) struct Wait<'r, 'a> {
    pub(super) asked: Assignment<'a>,
    pub(super) lab: &'r Lab,
    pub(super) launch: &'r Launch,
}

impl Wait<'_, '_> {
    /// Waits for a guest. One whose template fails is started again, cold, on the same TAPs.
    pub(super) async fn for_guest(&self, name: &MachineName, one: Started) -> Result<Began, Ended> {
        let by = |limit| Deadline::after(self.asked.patience(limit));
        let limit = match one.from {
            StartFrom::Template { .. } => TAKEOVER,
            StartFrom::Cold { .. } => BOOT,
        };
        let known = Known::of(&one);
        let started = one.booting.wait(by(limit)).await;
        let started = started.map_err(|(error, _)| error);
        let error = match started.and_then(|guest| is_itself(guest, &self.launch.drawn)) {
            Ok(guest) => return self.prove_sysctls(name, guest, known).await,
            // Do not try again where the guest's writes found no room: a kernel that boots writes more than a guest from a
            // template.
            Err(error @ GuestError::NoRoom { .. }) => return Err(error.into()),
            Err(error) => error,
        };
        let StartFrom::Template { .. } = &one.from else {
            return self.refused(name, known, error);
        };
        let why = format!("its template failed: {}", Diagnostic::new(&error));
        self.asked.progress(format!("booting {name} cold: {why}"));
        let plan = &self.asked.scenario.guests[name];
        let again = start_again(
            name,
            plan,
            self.lab,
            self.launch,
            one.taps,
            one.identity,
            why,
        );
        let cold = again.await?;
        let known = Known::of(&cold);
        match cold.booting.wait(by(BOOT)).await {
            Ok(guest) => self.prove_sysctls(name, guest, known).await,
            Err((error, _)) => self.refused(name, known, error),
        }
    }

    /// Asks a guest which of its sysctls are set, since one that could not be set would be lost silently.
    async fn prove_sysctls(
        &self,
        name: &MachineName,
        guest: Guest,
        known: Known,
    ) -> Result<Began, Ended> {
        let mut set = Vec::new();
        if let Some(line) = sysctls::report_line(&self.asked.scenario.guests[name]) {
            let by = Deadline::after(self.asked.patience(BOOT));
            let output = guest.exec_long(GuestCommand::shell(line), by).await?;
            let told = match output.success() {
                true => sysctls::set(&output.stdout),
                false => Err(NotSet {
                    said: output.stderr.trim().to_owned(),
                }),
            };
            set = told.map_err(|NotSet { said }| GuestError::Sysctl {
                guest: name.to_string(),
                said,
            })?;
        }
        Ok(Began::Up(Box::new(Up { guest, known, set })))
    }

    /// Ends the run for a VMM that refused to start, unless a check asks how it starts: then that check tells.
    fn refused(&self, name: &MachineName, known: Known, error: GuestError) -> Result<Began, Ended> {
        match error {
            GuestError::Vmm {
                source: ServiceError::Ended { status, tail, .. },
                ..
            } if is_asked(self.asked.scenario, name) => {
                let said = format!("the VMM of {name} ended with {status}: {tail}");
                self.asked.progress(said);
                let said = tail;
                Ok(Began::Refused(
                    Box::new(known),
                    VmmStart::Refused { status, said },
                ))
            }
            other => Err(other.into()),
        }
    }
}

/// Whether a check asks how a guest's VMM starts.
pub(super) fn is_asked(scenario: &Scenario, name: &MachineName) -> bool {
    let asks = |check: &Check| {
        let vmm = check.kind.downcast_ref::<kinds::Vmm>();
        vmm.is_some_and(|vmm| vmm.guest == *name)
    };
    scenario.checks.iter().any(asks)
}

/// The guest, unless it drew the same random number as another one: then both still have their template's generator.
fn is_itself(guest: Guest, drawn: &Drawn) -> Result<Guest, GuestError> {
    match guest.drawn() {
        Some(number) if !drawn.is_new(number) => Err(GuestError::Personalization {
            guest: guest.name().to_owned(),
            source: PersonalizationError::SameRandom {
                number: number.to_owned(),
            },
        }),
        _ => Ok(guest),
    }
}

/// Facts about a guest's start, for the report.
pub(super) struct Known {
    pub(super) command: String,
    pub(super) host_key: String,
    machine: (String, String),
    from: StartFrom,
}

impl Known {
    fn of(one: &Started) -> Self {
        Self {
            command: one.command.clone(),
            host_key: one.identity.host_key.public_blob().to_owned(),
            machine: (one.machine.0.clone(), one.machine.1.to_owned()),
            from: one.from.clone(),
        }
    }

    pub(super) fn report(self, name: &MachineName) -> GuestReport {
        let (start, start_reason) = match self.from {
            StartFrom::Cold { reason } => ("cold", reason),
            StartFrom::Template { folder, .. } => ("template", folder.display().to_string()),
        };
        GuestReport {
            name: name.to_string(),
            machine: self.machine.0,
            reason: self.machine.1,
            start: start.to_owned(),
            start_reason,
            memory: None,
            nics: Vec::new(),
        }
    }
}
