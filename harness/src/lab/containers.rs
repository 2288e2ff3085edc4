//! Starts the containers of guests. A container that Docker refuses to start ends the run without a verdict, with Docker's
//! words. Where a check asks how the container starts, the run goes on, and the check tells.

use std::time::{Duration, Instant};

use super::assignment::Assignment;
use super::guests::GuestRuntime;
use super::observer::Observer;
use super::record::Record;
use crate::check::{ContainerStart, kinds};
use crate::deadline::Deadline;
use crate::guest::contents::start_container;
use crate::guest::ssh::GuestCommand;
use crate::guest::{Guest, GuestError};
use crate::scenario::names::MachineName;
use crate::scenario::{Check, Scenario, VantagePoint};

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

/// Starts the containers of all guests that run, or of one.
///
/// # Errors
/// [`GuestError::Docker`] where Docker does not run; [`GuestError::Container`] when it refuses a container that no check
/// asks for.
pub(super) async fn start_containers(
    asked: Assignment<'_>,
    running: &dyn GuestRuntime,
    only: Option<&MachineName>,
) -> Result<Vec<Began>, GuestError> {
    let mut began = Vec::new();
    let guests = asked.scenario.guests.iter();
    let guests = guests.filter(|(name, _)| only.is_none_or(|only| only == *name));
    for (name, plan) in guests.filter(|(_, plan)| !plan.containers.is_empty()) {
        let Some(guest) = running.vm(name) else {
            continue;
        };
        // systemd waits until Docker runs and the image is loaded: both are services of the guest.
        let services = "systemctl start docker.service bridgelab-container-image.service";
        if let Err(Refused { said }) = run_line(asked, guest, services.to_owned()).await? {
            let guest = name.to_string();
            return Err(GuestError::Docker { guest, said });
        }
        for (container, options) in &plan.containers {
            let begun = Instant::now();
            let line = start_container(container.as_ref(), options);
            let start = match run_line(asked, guest, line).await? {
                Ok(()) => ContainerStart::Started,
                Err(Refused { said }) if is_asked(asked.scenario, name, container) => {
                    ContainerStart::Refused(said)
                }
                Err(Refused { said }) => {
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

/// Docker, or systemd for it, did not do what it was told.
#[derive(Debug, thiserror::Error)]
#[error("{said}")]
struct Refused {
    /// Its words, without its advice.
    said: String,
}

/// Runs a line in a guest's shell. The inner `Err` is that of a command that failed.
async fn run_line(
    asked: Assignment<'_>,
    guest: &Guest,
    line: String,
) -> Result<Result<(), Refused>, GuestError> {
    let by = Deadline::after(asked.patience(START));
    let output = guest.exec_long(GuestCommand::shell(line), by).await?;
    Ok(match output.success() {
        true => Ok(()),
        false => Err(Refused {
            said: docker_s_words(&output.stderr),
        }),
    })
}

/// Whether a check asks how a container starts.
fn is_asked(scenario: &Scenario, guest: &MachineName, container: &MachineName) -> bool {
    let asks = |check: &Check| {
        let asked = check.kind.downcast_ref::<kinds::Container>();
        asked.is_some_and(|asked| asked.name == *container)
            && matches!(&check.from, VantagePoint::Guest(from) if from == guest)
    };
    scenario.checks.iter().any(asks)
}

/// Notes for checks and report which containers were started and which were refused.
pub(super) fn note_containers(began: Vec<Began>, observer: &mut Observer, record: &mut Record<'_>) {
    for one in began {
        let (guest, container) = (one.guest.to_string(), one.container.to_string());
        let what = match one.start {
            ContainerStart::Started => "runs",
            ContainerStart::Refused(_) => "is refused",
        };
        let what = format!("{guest}/{container} {what}");
        record.waited("containers", what, one.begun, one.took);
        let known = &mut observer.context.containers;
        known.insert((guest, container), one.start);
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
