//! The inside of a guest: its identity, and a way to run things in it that does not need its network.

pub mod identity;
pub mod plain;
pub mod ssh;
mod steer;

pub use steer::open_steering;

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};

use crate::deadline::Deadline;
use crate::diagnostic::Diagnose;
use crate::host::service::{Service, ServiceError};
use crate::hypervisor::GuestSpec;
use identity::Identity;
use ssh::{ChannelError, GuestCommand, Output, SshChannel};

/// Words on the serial console that mean that nothing more will come.
const DEAD: [&str; 3] = [
    "Kernel panic - not syncing",
    "bridgelab-seed: FAILED",
    "Emergency Mode",
];

/// A guest did not come up, or could not be reached any more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuestError {
    /// Its VMM did not start or ended.
    #[error("boot guest `{guest}`")]
    Vmm {
        /// Guest.
        guest: String,
        /// The VMM's end.
        source: ServiceError,
    },
    /// Its kernel or init gave up.
    #[error("boot guest `{guest}`: the console says `{sign}`; last lines:\n{tail}")]
    Died {
        /// Guest.
        guest: String,
        /// The words that say so.
        sign: &'static str,
        /// End of the serial console.
        tail: String,
    },
    /// It did not announce itself in time.
    #[error(
        "wait {waited:.0?} for guest `{guest}` to open its steering channel; last console lines:\n{tail}"
    )]
    BootTimeout {
        /// Guest.
        guest: String,
        /// How long.
        waited: Duration,
        /// End of the serial console.
        tail: String,
    },
    /// The steering channel failed.
    #[error("steer guest `{guest}`")]
    Channel {
        /// Guest.
        guest: String,
        /// Why.
        source: ChannelError,
    },
    /// Keys or other files of its identity could not be made.
    #[error("make the identity of guest `{guest}`: {why}")]
    Identity {
        /// Guest.
        guest: String,
        /// What went wrong.
        why: String,
    },
}

impl Diagnose for GuestError {
    fn code(&self) -> &'static str {
        match self {
            Self::Vmm { .. } => "guest.vmm",
            Self::Died { .. } => "guest.died",
            Self::BootTimeout { .. } => "guest.boot-timeout",
            Self::Channel { .. } => "guest.channel",
            Self::Identity { .. } => "guest.identity",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Vmm { source, .. } => source.help(),
            Self::Identity { .. } => {
                Some("install ssh-keygen: `apt-get install openssh-client`".to_owned())
            }
            _ => None,
        }
    }
}

/// A guest whose VMM runs, and that has not been heard of yet.
#[derive(Debug)]
#[must_use = "dropping it kills the guest"]
pub struct BootingGuest {
    name: String,
    vmm: Service,
    channel: SshChannel,
    background: SshChannel,
    spec: GuestSpec,
}

impl BootingGuest {
    /// Takes over a VMM that was just started.
    pub fn new(spec: GuestSpec, vmm: Service, identity: &Identity) -> Self {
        let channel = SshChannel::new(&spec.name, spec.steer_socket(0), identity);
        let background = SshChannel::new(&spec.name, spec.steer_socket(2), identity);
        Self {
            name: spec.name.clone(),
            vmm,
            channel,
            background,
            spec,
        }
    }

    /// Waits until the guest answers a command over its steering channel.
    ///
    /// # Errors
    /// [`GuestError`]: the VMM's end and a panic are told at once, not at the deadline. The VMM is handed back
    /// with it for evidence.
    pub async fn wait(mut self, by: Deadline) -> Result<Guest, (GuestError, PathBuf)> {
        let log = self.vmm.log().clone();
        let console = log.path().to_owned();
        let guest = self.name.clone();
        let hello = self.channel.exec(GuestCommand::new(["true"]), by);
        let error = tokio::select! {
            sign = log.wait_for(&DEAD, by), if !by.passed() => match sign {
                Some(index) => GuestError::Died { guest, sign: DEAD[index], tail: log.last_lines(15) },
                None => GuestError::BootTimeout { guest, waited: by.elapsed(), tail: log.last_lines(15) },
            },
            ended = self.vmm.ready_when("its steering channel", hello, by) => match ended {
                Ok(Ok(_)) => return Ok(Guest {
                    name: self.name,
                    channel: self.channel,
                    background: self.background,
                    vmm: self.vmm,
                    spec: self.spec,
                    turn: Mutex::new(()),
                }),
                Ok(Err(ChannelError::Timeout { .. })) | Err(ServiceError::NotReady { .. }) => {
                    GuestError::BootTimeout { guest, waited: by.elapsed(), tail: log.last_lines(15) }
                }
                // A channel breaks when its VMM ends, and then that is the thing to tell.
                Ok(Err(source)) => match self.vmm.ended_within(Duration::from_secs(2)).await {
                    Some(source) => GuestError::Vmm { guest, source },
                    None => GuestError::Channel { guest, source },
                },
                Err(source) => GuestError::Vmm { guest, source },
            },
        };
        Err((error, console))
    }
}

/// A guest that answers.
#[derive(Debug)]
#[must_use = "dropping it kills the guest"]
pub struct Guest {
    name: String,
    // Declared in the order they must die: the channel before the VMM that it leads into.
    channel: SshChannel,
    background: SshChannel,
    vmm: Service,
    spec: GuestSpec,
    turn: Mutex<()>,
}

impl Guest {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its VMM was told.
    pub fn spec(&self) -> &GuestSpec {
        &self.spec
    }

    /// Runs a command in the guest, as root, without using its network.
    ///
    /// # Errors
    /// [`GuestError::Channel`]. A non-zero exit status is an [`Output`], not an error.
    pub async fn exec(&self, command: GuestCommand, by: Deadline) -> Result<Output, GuestError> {
        self.channel
            .exec(command, by)
            .await
            .map_err(|source| GuestError::Channel {
                guest: self.name.clone(),
                source,
            })
    }

    /// As [`Guest::exec`], on a channel of its own: for what takes long, so that checks go on meanwhile.
    ///
    /// # Errors
    /// As [`Guest::exec`].
    pub async fn exec_long(
        &self,
        command: GuestCommand,
        by: Deadline,
    ) -> Result<Output, GuestError> {
        let result = self.background.exec(command, by).await;
        result.map_err(|source| GuestError::Channel {
            guest: self.name.clone(),
            source,
        })
    }

    /// Waits until nobody else looks from this guest: its channel runs one command at a time, and waiting in its
    /// queue must not use up a look's own time.
    pub async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Ends the guest as pulling its plug does: its disk is thrown away anyway.
    pub async fn stop(self, grace: Duration) {
        drop(self.channel);
        drop(self.background);
        if let Err(error) = self.vmm.stop(grace).await {
            tracing::warn!(guest = self.name, %error, "the VMM could not be reaped");
        }
    }
}
