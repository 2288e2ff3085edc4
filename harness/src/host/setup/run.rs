//! Installing what is missing.

use std::time::Duration;

use super::apt::{self, Privilege};
use super::distribution::{Distribution, Family};
use super::packages::{packages, setup_command};
use super::simulation::{Decision, Simulation};
use crate::deadline::Deadline;
use crate::diagnostic::Diagnose;
use crate::host::capability::Capability;
use crate::host::command::CommandFailure;

/// Working out what apt would do takes a few seconds at most.
const SIMULATION: Duration = Duration::from_secs(60);

/// What setup did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetupDone {
    /// Packages that were asked for; empty when there was nothing to install.
    pub installed: Vec<String>,
    /// What no package brings: see the remedies in the report of the doctor.
    pub left: Vec<Capability>,
}

/// Setup could not install what is missing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// Only apt is run for the user.
    #[error("install packages on {distribution}: setup runs only apt itself")]
    NotApt {
        /// The distribution's name.
        distribution: String,
        /// The command to type instead.
        command: Option<String>,
    },
    /// Neither root nor `sudo`.
    #[error("install packages: this user is not root, and sudo lets nobody in without a password")]
    NotPermitted {
        /// The command to type instead.
        command: Option<String>,
    },
    /// Apt would remove packages that others may need.
    #[error("install packages: apt would remove {}", .removed.join(", "))]
    WouldRemove {
        /// The packages that would go.
        removed: Vec<String>,
        /// The command to type, for a user who agrees.
        command: Option<String>,
    },
    /// Cargo failed.
    #[error("make a program by cargo")]
    Cargo {
        /// How it failed.
        source: CommandFailure,
        /// The command to type instead.
        command: Option<String>,
    },
    /// Apt failed.
    #[error("{doing}")]
    Apt {
        /// What it was to do.
        doing: &'static str,
        /// How it failed.
        source: CommandFailure,
        /// The command to type instead.
        command: Option<String>,
    },
}

impl Diagnose for SetupError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotApt { .. } => "setup.not-apt",
            Self::NotPermitted { .. } => "setup.not-permitted",
            Self::WouldRemove { .. } => "setup.would-remove",
            Self::Apt { .. } => "setup.apt-failed",
            Self::Cargo { .. } => "setup.cargo-failed",
        }
    }

    fn help(&self) -> Option<String> {
        let (Self::NotApt { command, .. }
        | Self::NotPermitted { command }
        | Self::WouldRemove { command, .. }
        | Self::Cargo { command, .. }
        | Self::Apt { command, .. }) = self;
        command
            .as_ref()
            .map(|command| format!("run it yourself: {command}"))
    }
}

/// Installs the packages that bring `missing`, and nothing else. Every line that apt says goes to `say`, with the
/// time since `by` was set.
///
/// # Errors
/// Another package manager than apt, no way to become root, a removal of other packages, or apt itself.
pub async fn run_setup(
    missing: &[Capability],
    distribution: &Distribution,
    say: &mut (dyn FnMut(&str) + Send),
    by: Deadline,
) -> Result<SetupDone, SetupError> {
    let left = missing
        .iter()
        .copied()
        .filter(|one| packages(&[*one], distribution).is_empty())
        .collect();
    let wanted: Vec<String> = packages(missing, distribution)
        .into_iter()
        .map(str::to_owned)
        .collect();
    let command = setup_command(missing, distribution);
    if distribution.family != Family::Apt {
        let distribution = distribution.name.clone();
        return Err(SetupError::NotApt {
            distribution,
            command,
        });
    }
    if wanted.is_empty() {
        return Ok(SetupDone {
            installed: wanted,
            left,
        });
    }
    let privilege = Privilege::obtain(by)
        .await
        .ok_or_else(|| SetupError::NotPermitted {
            command: command.clone(),
        })?;
    let mut job = Job {
        privilege,
        command,
        fresh: false,
        say,
        by,
    };
    if apt::lists_are_stale() {
        job.update().await?;
    }
    if let Err(first) = job.install(&wanted).await {
        // Apt fails in the same way when its lists name packages that the mirror no longer has.
        if job.fresh || !matches!(first, SetupError::Apt { .. }) {
            return Err(first);
        }
        job.update().await?;
        job.install(&wanted).await?;
    }
    Ok(SetupDone {
        installed: wanted,
        left,
    })
}

struct Job<'a> {
    privilege: Privilege,
    command: Option<String>,
    /// Whether the package lists have been fetched by this very job.
    fresh: bool,
    say: &'a mut (dyn FnMut(&str) + Send),
    by: Deadline,
}

impl Job<'_> {
    async fn update(&mut self) -> Result<(), SetupError> {
        self.fresh = true;
        self.perform(&["update".to_owned()], "fetch the package lists")
            .await
    }

    async fn install(&mut self, wanted: &[String]) -> Result<(), SetupError> {
        let asked = self.plan(wanted).await?;
        let fixed = ["install", "-y", "--no-install-recommends"].map(str::to_owned);
        let arguments: Vec<String> = fixed.into_iter().chain(asked).collect();
        self.perform(&arguments, "install the packages").await
    }

    /// What to ask apt for, so that nothing is removed.
    async fn plan(&self, wanted: &[String]) -> Result<Vec<String>, SetupError> {
        let removed = match self.simulate(wanted).await?.decide(wanted) {
            Decision::Install => return Ok(wanted.to_vec()),
            Decision::Refuse(removed) => removed,
            Decision::Ask(both) => match self.simulate(&both).await?.remove {
                removed if removed.is_empty() => return Ok(both),
                removed => removed,
            },
        };
        Err(SetupError::WouldRemove {
            removed,
            command: self.command.clone(),
        })
    }

    async fn simulate(&self, asked: &[String]) -> Result<Simulation, SetupError> {
        let simulated = apt::simulate(asked, self.by.child(SIMULATION)).await;
        simulated
            .map(|ran| Simulation::parse(&ran.stdout))
            .map_err(|source| self.failed("plan the installation", source))
    }

    async fn perform(
        &mut self,
        arguments: &[String],
        doing: &'static str,
    ) -> Result<(), SetupError> {
        let done = apt::perform(self.privilege, arguments, self.say, self.by).await;
        done.map_err(|source| self.failed(doing, source))
    }

    fn failed(&self, doing: &'static str, source: CommandFailure) -> SetupError {
        SetupError::Apt {
            doing,
            source,
            command: self.command.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::capability::skip_test;

    #[tokio::test]
    async fn nothing_is_run_when_no_package_helps() {
        let debian = Distribution::parse("ID=debian\n");
        let mut said = Vec::new();
        let mut say = |line: &str| said.push(line.to_owned());
        let done = run_setup(&[Capability::Kvm], &debian, &mut say, Deadline::secs(5))
            .await
            .unwrap();
        assert_eq!(
            done,
            SetupDone {
                installed: Vec::new(),
                left: vec![Capability::Kvm]
            }
        );
        assert!(said.is_empty());
    }

    #[tokio::test]
    async fn other_package_managers_get_their_command() {
        let arch = Distribution::parse("ID=arch\nPRETTY_NAME=\"Arch Linux\"\n");
        let error = run_setup(
            &[Capability::Dnsmasq],
            &arch,
            &mut |_| {},
            Deadline::secs(5),
        )
        .await
        .unwrap_err();
        assert_eq!(error.code(), "setup.not-apt");
        assert!(
            error
                .help()
                .unwrap()
                .ends_with("pacman -S --needed dnsmasq"),
            "{error:?}"
        );
    }

    #[tokio::test]
    async fn a_real_simulation_is_understood() {
        if which::which(apt::APT).is_err() || apt::lists_are_stale() {
            return skip_test(
                "there is no apt-get, or its lists are missing or old (`apt-get update`)",
            );
        }
        let by = Deadline::secs(60);
        let known = apt::simulate(&["iproute2".to_owned()], by).await.unwrap();
        assert_eq!(
            Simulation::parse(&known.stdout).decide(&["iproute2".to_owned()]),
            Decision::Install
        );
        let unknown = apt::simulate(&["no-such-package-of-bridgelab".to_owned()], by)
            .await
            .unwrap_err();
        assert!(
            unknown.to_string().contains("Unable to locate package"),
            "{unknown}"
        );
    }
}
