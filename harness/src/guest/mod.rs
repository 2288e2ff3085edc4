//! The inside of a guest: its identity, and a way to run things in it that does not need its network.

#[cfg(test)]
pub(crate) mod any;
pub mod background;
mod booting;
pub mod contents;
mod disk_full;
mod error;
pub mod identity;
mod layer_error;
pub mod nics;
mod personalization_error;
mod personalize;
pub mod plain;
pub mod ssh;
pub mod start;
mod steer;
pub mod sysctls;

pub use booting::BootingGuest;
pub use disk_full::used_up;
pub use layer_error::LayerError;
pub use personalization_error::PersonalizationError;
pub use personalize::Personalization;

pub use steer::{open_steering, reopen_steering, send_identity, wait_for_announcement};

pub use error::GuestError;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, MutexGuard};

use crate::deadline::Deadline;
use crate::host::service::{Log, Service, ServiceError};
use crate::hypervisor::{GuestSpec, Monitor, MonitorError, STEER_PORTS, Steering, hypervisor};
use disk_full::no_room;
use ssh::{GuestCommand, Output, SshChannel};

/// What a kernel that gives up says on its console.
pub const PANIC: &str = "Kernel panic - not syncing";

/// Lines of the console that an error quotes.
const LINES: usize = 15;

/// How a start went: what was waited for, from when, how long.
pub type Steps = Vec<(&'static str, Instant, Duration)>;

/// A guest that answers.
#[derive(Debug)]
#[must_use = "dropping it kills the guest"]
pub struct Guest {
    name: String,
    drawn: Option<String>,
    // Fields are dropped in the order of their declaration: the channels must go before the VMM that they lead into.
    channel: SshChannel,
    background: SshChannel,
    console: Log,
    vmm: Mutex<Service>,
    spec: GuestSpec,
    steps: Steps,
    turn: Mutex<()>,
}

impl Guest {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its VMM was started with.
    pub fn spec(&self) -> &GuestSpec {
        &self.spec
    }

    /// The random number, a UUID, that a guest from a template drew after it took on its identity; `None` after a cold
    /// boot. Two guests that drew the same one share their template's random numbers.
    pub fn drawn(&self) -> Option<&str> {
        self.drawn.as_deref()
    }

    /// Its serial console.
    pub fn console(&self) -> &Log {
        &self.console
    }

    /// Its VMM's process id, while that runs.
    pub async fn vmm_pid(&self) -> Option<u32> {
        self.vmm.lock().await.pid()
    }

    /// Connects to its VMM's monitor.
    ///
    /// # Errors
    /// [`MonitorError::Cannot`] where it has none.
    pub async fn monitor(&self, by: Deadline) -> Result<Box<dyn Monitor>, MonitorError> {
        let program = hypervisor(self.spec.hypervisor);
        program.monitor(&self.spec, by).await
    }

    /// The error of a guest whose writes found no room; `said` is how that is known.
    pub fn without_room(&self, said: String) -> GuestError {
        no_room(&self.spec, said, self.console.last_lines(LINES))
    }

    /// The end of its VMM; `None` while it runs.
    pub async fn vmm_end(&self) -> Option<ServiceError> {
        self.vmm_end_within(Duration::ZERO).await
    }

    /// The end of its VMM, if it ends within `time`.
    pub async fn vmm_end_within(&self, time: Duration) -> Option<ServiceError> {
        self.vmm.lock().await.ended_within(time).await
    }

    /// The last `lines` lines that its VMM wrote to stderr.
    pub async fn vmm_errors(&self, lines: usize) -> String {
        self.vmm.lock().await.last_errors(lines)
    }

    /// How its start went.
    pub fn steps(&self) -> &Steps {
        &self.steps
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

    /// Waits until no other check looks from this guest. Its channel runs one command at a time, and the wait for the
    /// channel must not use up a look's own time.
    pub async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Ends the guest's sessions, waits until none of its ports serves a session, and hands back its VMM.
    ///
    /// # Errors
    /// [`GuestError::Personalization`]: a port is not free in time.
    pub async fn release(self, by: Deadline) -> Result<Service, GuestError> {
        self.channel.close();
        self.background.close();
        let ends: Vec<_> = (0..STEER_PORTS)
            .map(|channel| self.spec.steering(channel))
            .collect();
        let (reply, answer) = tokio::sync::oneshot::channel();
        // The thread of its own is for a wait that blocks, though no longer than until the deadline.
        let spawned = std::thread::Builder::new()
            .name(format!("release:{}", self.name))
            .spawn(move || {
                let free = |socket| wait_for_announcement(socket, by);
                reply.send(ends.iter().filter_map(Steering::port).try_for_each(free))
            });
        let freed = match spawned {
            Ok(_) => answer.await.unwrap_or(Ok(())),
            Err(error) => Err(error),
        };
        match freed {
            Ok(()) => Ok(self.vmm.into_inner()),
            Err(source) => Err(GuestError::Personalization {
                guest: self.name,
                source: PersonalizationError::Served { source },
            }),
        }
    }

    /// Shuts the guest down (`systemctl poweroff`), and waits until its VMM has ended. A guest that does not take the
    /// order has its power button pressed, where its VMM has one. Returns `false` when the VMM has not ended in time.
    pub async fn shut_down(&self, by: Deadline) -> bool {
        let line = if self.spec.image.networkd {
            "systemctl --no-block poweroff"
        } else {
            "poweroff"
        };
        // Half of the time is left for the power button, which a guest that does not answer needs.
        let told = by.child(by.left() / 2);
        if let Err(error) = self.exec(GuestCommand::shell(line), told).await {
            tracing::info!(guest = self.name, %error, "it did not take the order to shut down");
            let pressed = match self.monitor(by).await {
                Ok(mut monitor) => monitor.power_button(by).await,
                Err(error) => Err(error),
            };
            if let Err(error) = pressed {
                tracing::info!(guest = self.name, %error, "its power button was not pressed");
            }
        }
        let mut vmm = self.vmm.lock().await;
        vmm.ended_within(by.left()).await.is_some()
    }

    /// Ends the guest as pulling its plug does: its disk is thrown away anyway.
    pub async fn stop(self, grace: Duration) {
        drop(self.channel);
        drop(self.background);
        if let Err(error) = self.vmm.into_inner().stop(grace).await {
            tracing::warn!(guest = self.name, %error, "the VMM could not be reaped");
        }
    }
}
