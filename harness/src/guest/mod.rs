//! The inside of a guest: its identity, and a way to run things in it that does not need its network.

pub mod contents;
pub mod identity;
pub mod nics;
pub mod plain;
pub mod ssh;
mod steer;
mod takeover;

pub use takeover::Takeover;
use takeover::facts;

pub use steer::{open_steering, send_identity, wait_for_announcement};

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{Mutex, MutexGuard};

use crate::deadline::Deadline;
use crate::diagnostic::Diagnose;
use crate::host::service::{Log, Service, ServiceError};
use crate::hypervisor::qemu::monitor_socket;
use crate::hypervisor::qmp::Qmp;
use crate::hypervisor::{
    GuestSpec, Monitor, MonitorError, STEER_PORTS, Steering, hypervisor, restore,
};
use identity::Identity;
use ssh::{ChannelError, GuestCommand, Output, SshChannel};

/// What a kernel that gives up says on its console.
pub const PANIC: &str = "Kernel panic - not syncing";

/// Words on the serial console that mean that nothing more will come.
const DEAD: [&str; 3] = [PANIC, "bridgelab-seed: FAILED", "Emergency Mode"];

/// How long a guest that gave up may take to say why. Most end their VMM then.
const LAST_WORDS: Duration = Duration::from_secs(1);

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
        /// The line that says so.
        sign: String,
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
    /// It ended while it should run.
    #[error("keep guest `{guest}` running: {how}; last console lines:\n{tail}")]
    Lost {
        /// Guest.
        guest: String,
        /// What its console or its VMM's end says.
        how: String,
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
    /// The monitor refused to start it from its template.
    #[error("start guest `{guest}` from its template")]
    Monitor {
        /// Guest.
        guest: String,
        /// Its words.
        source: MonitorError,
    },
    /// It did not become another machine than its template.
    #[error("give guest `{guest}`, started from a template, its identity: {why}")]
    Takeover {
        /// Guest.
        guest: String,
        /// What went wrong.
        why: String,
    },
    /// Its kernel has not got a sysctl that the scenario sets.
    #[error("set sysctls of guest `{guest}`: {said}")]
    Sysctl {
        /// Guest.
        guest: String,
        /// What the guest said.
        said: String,
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
            Self::Lost { .. } => "guest.lost",
            Self::Channel { .. } => "guest.channel",
            Self::Monitor { .. } => "guest.monitor",
            Self::Takeover { .. } => "guest.takeover",
            Self::Sysctl { .. } => "guest.sysctl",
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

/// How a start went: what was waited for, from when, how long.
pub type Steps = Vec<(&'static str, Instant, Duration)>;

/// A guest whose VMM runs, and that has not been heard of yet.
#[derive(Debug)]
#[must_use = "dropping it kills the guest"]
pub struct BootingGuest {
    name: String,
    vmm: Service,
    channel: SshChannel,
    background: SshChannel,
    spec: GuestSpec,
    takeover: Option<Takeover>,
    started: Instant,
}

impl BootingGuest {
    /// Takes over a VMM that was just started; `takeover` is for one that starts from a template.
    pub fn new(
        spec: GuestSpec,
        vmm: Service,
        identity: &Identity,
        takeover: Option<Takeover>,
    ) -> Self {
        let channel = SshChannel::new(&spec.name, spec.steering(0), identity);
        let background = SshChannel::new(&spec.name, spec.steering(2), identity);
        Self {
            name: spec.name.clone(),
            vmm,
            channel,
            background,
            spec,
            takeover,
            started: Instant::now(),
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
        let mut steps = Steps::new();
        let identity = console.with_file_name("identity.txt");
        let hello = hello(
            &self.spec,
            &self.channel,
            self.takeover
                .as_ref()
                .map(|takeover| (takeover, identity.as_path())),
            self.started,
            &mut steps,
            by,
        );
        let timeout = |guest: String| GuestError::BootTimeout {
            guest,
            waited: by.elapsed(),
            tail: log.last_lines(15),
        };
        let error = tokio::select! {
            sign = log.wait_for(&DEAD, by), if !by.passed() => match sign {
                Some(index) => {
                    // The rest of the line, and what follows it.
                    let _ = self.vmm.ended_within(LAST_WORDS).await;
                    let sign = log.line_with(DEAD[index]);
                    let sign = sign.unwrap_or_else(|| DEAD[index].to_owned());
                    GuestError::Died { guest, sign, tail: log.last_lines(15) }
                }
                None => timeout(guest),
            },
            ended = self.vmm.ready_when("its steering channel", hello, by) => match ended {
                Ok(Ok(drawn)) => return Ok(Guest {
                    drawn,
                    name: self.name,
                    channel: self.channel,
                    background: self.background,
                    console: log,
                    vmm: Mutex::new(self.vmm),
                    spec: self.spec,
                    steps,
                    turn: Mutex::new(()),
                }),
                Ok(Err(GuestError::Channel { source: ChannelError::Timeout { .. }, .. }))
                | Err(ServiceError::NotReady { .. }) => timeout(guest),
                // A channel breaks when its VMM ends, and then that is the thing to tell.
                Ok(Err(other)) => match self.vmm.ended_within(Duration::from_secs(2)).await {
                    Some(source) => GuestError::Vmm { guest, source },
                    None => other,
                },
                Err(source) => GuestError::Vmm { guest, source },
            },
        };
        Err((error, console))
    }
}

/// Everything between the VMM's start and the first answer of the guest. What a guest from a template says of itself goes
/// into the file beside its takeover.
async fn hello(
    spec: &GuestSpec,
    channel: &SshChannel,
    takeover: Option<(&Takeover, &Path)>,
    started: Instant,
    steps: &mut Steps,
    by: Deadline,
) -> Result<Option<String>, GuestError> {
    let mut drawn = None;
    let guest = || spec.name.clone();
    let mut since = started;
    let mut done = |step| {
        steps.push((step, since, since.elapsed()));
        since = Instant::now();
    };
    if let Some((takeover, evidence)) = takeover {
        let monitor = |source| GuestError::Monitor {
            guest: guest(),
            source,
        };
        let mut qmp = Qmp::connect(&monitor_socket(spec), by)
            .await
            .map_err(monitor)?;
        restore(&mut qmp, spec, takeover.state(), by)
            .await
            .map_err(monitor)?;
        done("the saved machine runs");
        let said = become_guest(spec, takeover, evidence, by)
            .await
            .map_err(|why| GuestError::Takeover {
                guest: guest(),
                why,
            })?;
        drawn = facts(&said)
            .find(|(key, _)| *key == "random")
            .map(|(_, uuid)| uuid.to_owned());
        done("it has its identity");
    }
    let answer = channel.exec(GuestCommand::new(["true"]), by).await;
    done("it answers");
    match answer {
        Ok(_) => Ok(drawn),
        Err(source) => Err(GuestError::Channel {
            guest: guest(),
            source,
        }),
    }
}

/// Sends the identity and has the answer judged; returns it.
async fn become_guest(
    spec: &GuestSpec,
    takeover: &Takeover,
    evidence: &Path,
    by: Deadline,
) -> Result<String, String> {
    let end = spec.steering(0);
    let socket = end.port().ok_or("its VMM has no virtio-serial port")?;
    let socket = socket.to_owned();
    let sent = SystemTime::now();
    let archive = takeover.archive(sent);
    let (reply, answer) = tokio::sync::oneshot::channel();
    // It blocks, for no longer than the deadline.
    std::thread::Builder::new()
        .name(format!("become:{}", spec.name))
        .spawn(move || reply.send(send_identity(&socket, &archive, by)))
        .map_err(|e| format!("start a thread: {e}"))?;
    match answer.await {
        Ok(Ok(said)) => {
            let now = SystemTime::now();
            let lines: Vec<String> = facts(&said)
                .map(|(key, value)| format!("{key} {value}\n"))
                .collect();
            if let Err(error) = std::fs::write(evidence, lines.concat()) {
                tracing::warn!(%error, path = %evidence.display(), "evidence could not be written");
            }
            takeover.prove(&said, sent, now).map(|()| said)
        }
        Ok(Err(error)) => Err(format!("talk to it: {error}")),
        Err(_) => Err("the thread that talks to it ended".to_owned()),
    }
}

/// A guest that answers.
#[derive(Debug)]
#[must_use = "dropping it kills the guest"]
pub struct Guest {
    name: String,
    drawn: Option<String>,
    // Declared in the order they must die: the channel before the VMM that it leads into.
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

    /// What its VMM was told.
    pub fn spec(&self) -> &GuestSpec {
        &self.spec
    }

    /// The random number that it drew as soon as it was no longer its template, a UUID; `None` after a cold boot.
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

    /// Waits until nobody else looks from this guest: its channel runs one command at a time, and waiting in its
    /// queue must not use up a look's own time.
    pub async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Lets go of the guest: ends its sessions, waits until it serves nobody, and hands back its VMM.
    ///
    /// # Errors
    /// [`GuestError::Takeover`]: a port is not free in time.
    pub async fn release(self, by: Deadline) -> Result<Service, GuestError> {
        self.channel.close();
        self.background.close();
        let ends: Vec<_> = (0..STEER_PORTS)
            .map(|channel| self.spec.steering(channel))
            .collect();
        let (reply, answer) = tokio::sync::oneshot::channel();
        // It blocks, for no longer than the deadline.
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
            Err(error) => Err(GuestError::Takeover {
                guest: self.name,
                why: format!("wait until nobody is served: {error}"),
            }),
        }
    }

    /// Has the guest shut itself down (`systemctl poweroff`), and waits until its VMM has ended. One that cannot be told
    /// has its power button pressed, where its VMM has one. `false`: it has not ended.
    pub async fn shut_down(&self, by: Deadline) -> bool {
        let line = if self.spec.image.networkd {
            "systemctl --no-block poweroff"
        } else {
            "poweroff"
        };
        // One that does not answer leaves time for its power button.
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
