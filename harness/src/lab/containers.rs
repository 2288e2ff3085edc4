//! Starts the containers of guests. One that Docker refuses to start ends the run without a verdict, in Docker's words,
//! whatever is looked at; unless a check asks for it: then that check tells.

use std::time::{Duration, Instant};

use super::error::LabError;
use super::run::{Ended, Run};
use crate::check::ContainerStart;
use crate::deadline::Deadline;
use crate::guest::contents::start_container;
use crate::guest::ssh::GuestCommand;
use crate::guest::{Guest, GuestError};
use crate::scenario::check_kind;
use crate::scenario::names::MachineName;
use crate::scenario::{Check, CheckKind, VantagePoint};

/// How long Docker may take for its own start, and for that of each container.
const START: Duration = Duration::from_secs(60);

/// How the start of a container went.
#[derive(Debug)]
pub(super) struct Began {
    guest: MachineName,
    container: MachineName,
    start: ContainerStart,
    begun: Instant,
    took: Duration,
}

impl Run<'_> {
    /// Starts the containers of all guests that run, or of one.
    ///
    /// # Errors
    /// [`GuestError::Docker`] where Docker does not run; [`GuestError::Container`] when it refuses a container that no check
    /// asks for.
    pub(super) async fn start_containers(
        &self,
        only: Option<&MachineName>,
    ) -> Result<Vec<Began>, GuestError> {
        let mut began = Vec::new();
        let guests = self.scenario.guests.iter();
        let guests = guests.filter(|(name, _)| only.is_none_or(|only| only == *name));
        for (name, plan) in guests.filter(|(_, plan)| !plan.containers.is_empty()) {
            let Some(guest) = self.guests.get(name) else {
                continue;
            };
            // Docker and the image's loading are services of the guest; waiting for them is systemd's business.
            let services = "systemctl start docker.service bridgelab-container-image.service";
            if let Err(said) = self.told(guest, services.to_owned()).await? {
                let guest = name.to_string();
                return Err(GuestError::Docker { guest, said });
            }
            for (container, options) in &plan.containers {
                let begun = Instant::now();
                let line = start_container(container.as_ref(), options);
                let start = match self.told(guest, line).await? {
                    Ok(()) => ContainerStart::Started,
                    Err(said) if self.is_asked(name, container) => ContainerStart::Refused(said),
                    Err(said) => {
                        return Err(GuestError::Container {
                            guest: name.to_string(),
                            container: container.to_string(),
                            said,
                        });
                    }
                };
                began.push(Began {
                    guest: name.clone(),
                    container: container.clone(),
                    start,
                    begun,
                    took: begun.elapsed(),
                });
            }
        }
        Ok(began)
    }

    /// Runs a line in a guest's shell; inside, what a command said that was refused.
    async fn told(&self, guest: &Guest, line: String) -> Result<Result<(), String>, GuestError> {
        let by = Deadline::after(self.job.patience(START));
        let output = guest.exec_long(GuestCommand::shell(line), by).await?;
        Ok(match output.success() {
            true => Ok(()),
            false => Err(docker_s_words(&output.stderr)),
        })
    }

    /// Whether a check asks how a container starts.
    fn is_asked(&self, guest: &MachineName, container: &MachineName) -> bool {
        let asks = |check: &Check| {
            matches!(&check.kind, CheckKind::Container(check_kind::Container { name, .. }) if name == container)
                && matches!(&check.from, VantagePoint::Guest(from) if from == guest)
        };
        self.scenario.checks.iter().any(asks)
    }

    /// Takes up what was started and what was refused.
    pub(super) fn note_containers(&mut self, began: Vec<Began>) {
        for one in began {
            let (guest, container) = (one.guest.to_string(), one.container.to_string());
            let what = match one.start {
                ContainerStart::Started => "runs",
                ContainerStart::Refused(_) => "is refused",
            };
            let what = format!("{guest}/{container} {what}");
            self.waited("containers", what, one.begun, one.took);
            let known = &mut self.context.containers;
            known.insert((guest, container), one.start);
        }
    }

    /// Why nothing can be seen of a container that Docker refused to start, by a check that does not ask for that.
    pub(super) fn refused_container(&self, check: &Check) -> Option<String> {
        let (guest, container) = match (&check.from, &check.kind) {
            (VantagePoint::Container(guest, container), _)
            | (
                VantagePoint::Guest(guest),
                CheckKind::ContainerVeth(check_kind::ContainerVeth { container, .. }),
            ) => (guest.to_string(), container.to_string()),
            _ => return None,
        };
        let why = format!("Docker in {guest} refused to start {container}");
        let start = self.context.containers.get(&(guest, container))?;
        matches!(start, ContainerStart::Refused(_)).then_some(why)
    }
}

impl From<GuestError> for Ended {
    fn from(error: GuestError) -> Self {
        Self::from(LabError::Guest(error))
    }
}

/// What Docker said, without its advice to read its help.
fn docker_s_words(stderr: &str) -> String {
    let lines = stderr.lines().map(str::trim);
    let lines =
        lines.filter(|line| !line.is_empty() && !line.starts_with("See 'docker run --help'"));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_s_words_are_kept_without_its_advice() {
        let stderr = "docker: Error response from daemon: address already in use.\n\
                      See 'docker run --help'.\n\nRun 'x'\n";
        let told = "docker: Error response from daemon: address already in use.\nRun 'x'";
        assert_eq!(docker_s_words(stderr), told);
    }
}
