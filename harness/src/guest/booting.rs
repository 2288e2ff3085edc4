//! The wait for a guest whose VMM runs: until the guest answers, or until it is known that it never will.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::Mutex;

use super::disk_full::{no_room, used_up};
use super::identity::Identity;
use super::personalization_error::PersonalizationError;
use super::personalize::{Personalization, facts};
use super::ssh::{ChannelError, GuestCommand, SshChannel};
use super::steer::send_identity;
use super::{Guest, GuestError, LINES, PANIC, Steps};
use crate::deadline::Deadline;
use crate::host::service::{Log, Service, ServiceError};
use crate::hypervisor::qemu::monitor_socket;
use crate::hypervisor::qmp::Qmp;
use crate::hypervisor::{GuestSpec, hypervisor, restore};

/// Words on the serial console after which a guest never answers.
const DEAD: [&str; 3] = [PANIC, "bridgelab-seed: FAILED", "Emergency Mode"];

/// The guest's words on its serial console when it listens on its vsock. The harness connects no earlier: alioth 0.12
/// closes a vsock for good when it is connected to before the guest's driver has given it room for the answer.
const LISTENS: &str = "bridgelab-steer: listens on vsock";

/// Time in which a guest that gave up can still write to its console why. Most such guests end their VMM within it.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A guest whose VMM runs, and that has not answered yet.
#[derive(Debug)]
#[must_use = "dropping it kills the guest"]
pub struct BootingGuest {
    name: String,
    vmm: Service,
    channel: SshChannel,
    background: SshChannel,
    spec: GuestSpec,
    personalization: Option<Personalization>,
    started: Instant,
}

impl BootingGuest {
    /// Takes over a VMM that was just started; `personalization` is for one that starts from a template.
    pub fn new(
        spec: GuestSpec,
        vmm: Service,
        identity: &Identity,
        personalization: Option<Personalization>,
    ) -> Self {
        let channel = SshChannel::new(&spec.name, spec.steering(0), identity);
        let background = SshChannel::new(&spec.name, spec.steering(2), identity);
        Self {
            name: spec.name.clone(),
            vmm,
            channel,
            background,
            spec,
            personalization,
            started: Instant::now(),
        }
    }

    /// Waits until the guest answers a command over its steering channel.
    ///
    /// # Errors
    /// [`GuestError`], with the path of the serial console's log for evidence. The VMM's end and a panic are reported
    /// at once, not at the deadline.
    pub async fn wait(mut self, by: Deadline) -> Result<Guest, (GuestError, PathBuf)> {
        let log = self.vmm.log().clone();
        let console = log.path().to_owned();
        let guest = self.name.clone();
        let mut steps = Steps::new();
        let identity = console.with_file_name("identity.txt");
        let hello = hello(
            &self.spec,
            &self.channel,
            &log,
            self.personalization
                .as_ref()
                .map(|personalization| (personalization, identity.as_path())),
            self.started,
            &mut steps,
            by,
        );
        let timeout = |guest: String| GuestError::BootTimeout {
            guest,
            waited: by.elapsed(),
            status: String::new(),
            tail: log.last_lines(LINES),
        };
        let error = tokio::select! {
            sign = log.wait_for(&DEAD, by), if !by.passed() => match sign {
                Some(index) => {
                    // Waits for the rest of the line, and for what the guest writes after it.
                    let _ = self.vmm.ended_within(LAST_WORDS).await;
                    let sign = log.line_with(DEAD[index]);
                    let sign = sign.unwrap_or_else(|| DEAD[index].to_owned());
                    GuestError::Died { guest, sign, tail: log.last_lines(LINES) }
                }
                None => timeout(guest),
            },
            said = used_up(&self.spec, &log) => no_room(&self.spec, said, log.last_lines(LINES)),
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
                // A channel also breaks when the VMM ends; then the VMM's end is the error to report.
                Ok(Err(other)) => match self.vmm.ended_within(Duration::from_secs(2)).await {
                    Some(source) => GuestError::Vmm { guest, source },
                    None => other,
                },
                Err(source) => GuestError::Vmm { guest, source },
            },
        };
        Err((with_status(error, &self.spec).await, console))
    }
}

/// Does everything between the VMM's start and the guest's first answer. What a guest from a template says of itself is
/// written to the path that stands beside its personalization. Returns the random number that such a guest drew.
async fn hello(
    spec: &GuestSpec,
    channel: &SshChannel,
    console: &Log,
    personalization: Option<(&Personalization, &Path)>,
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
    if let Some((personalization, evidence)) = personalization {
        let monitor = |source| GuestError::Monitor {
            guest: guest(),
            source,
        };
        let mut qmp = Qmp::connect(&monitor_socket(spec), by)
            .await
            .map_err(monitor)?;
        restore(&mut qmp, spec, personalization.state(), by)
            .await
            .map_err(monitor)?;
        done("the saved machine runs");
        let said = become_guest(spec, personalization, evidence, by)
            .await
            .map_err(|source| GuestError::Personalization {
                guest: guest(),
                source,
            })?;
        drawn = facts(&said)
            .find(|(key, _)| *key == "random")
            .map(|(_, uuid)| uuid.to_owned());
        done("it has its identity");
    }
    if spec.steering(0).port().is_none() {
        let _ = console.wait_for(&[LISTENS], by).await;
        done("it listens on its vsock");
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

/// Sends a guest its identity, checks what the guest then says of itself, and returns that.
async fn become_guest(
    spec: &GuestSpec,
    personalization: &Personalization,
    evidence: &Path,
    by: Deadline,
) -> Result<String, PersonalizationError> {
    let end = spec.steering(0);
    let socket = end.port().ok_or(PersonalizationError::NoPort)?;
    let socket = socket.to_owned();
    let sent = SystemTime::now();
    let archive = personalization.archive(sent);
    let (reply, answer) = tokio::sync::oneshot::channel();
    // The thread of its own is for a call that blocks, though no longer than until the deadline.
    std::thread::Builder::new()
        .name(format!("become:{}", spec.name))
        .spawn(move || reply.send(send_identity(&socket, &archive, by)))
        .map_err(|source| PersonalizationError::Thread { source })?;
    match answer.await {
        Ok(Ok(said)) => {
            let now = SystemTime::now();
            let lines: Vec<String> = facts(&said)
                .map(|(key, value)| format!("{key} {value}\n"))
                .collect();
            if let Err(error) = std::fs::write(evidence, lines.concat()) {
                tracing::warn!(%error, path = %evidence.display(), "evidence could not be written");
            }
            personalization.prove(&said, sent, now).map(|()| said)
        }
        Ok(Err(source)) => Err(PersonalizationError::Talk { source }),
        Err(_) => Err(PersonalizationError::ThreadEnded),
    }
}

/// Adds to a boot timeout what the VMM says of the guest, where the VMM has a monitor.
async fn with_status(mut error: GuestError, spec: &GuestSpec) -> GuestError {
    if let GuestError::BootTimeout { status, .. } = &mut error {
        let by = Deadline::after(LAST_WORDS);
        if let Ok(mut monitor) = hypervisor(spec.hypervisor).monitor(spec, by).await
            && let Ok(said) = monitor.status(by).await
        {
            *status = format!(" (its VMM says: {said})");
        }
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::any::any_guest;
    use crate::guest::identity::KeyPair;
    use crate::host::ChildSetup;
    use crate::host::service::Log;

    /// The error of a guest whose VMM is this shell script, after two seconds at most.
    async fn ends(script: &str) -> GuestError {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let login = KeyPair::generate("login", &folder.path().join("login")).expect("a key");
        let identity = Identity::generate("any", folder.path(), &login).expect("an identity");
        let mut spec = GuestSpec::planned("any", &any_guest());
        spec.run = folder.path().to_owned();
        let port = spec.steering(0);
        let port = port.port().expect("QEMU has virtio-serial");
        let listener = std::os::unix::net::UnixListener::bind(port).expect("a socket");
        let mut command = std::process::Command::new("sh");
        command.args(["-c", script]);
        let log = |name: &str| Log::new(folder.path().join(name));
        let (serial, errors) = (log("serial.log"), log("vmm.log"));
        let setup = ChildSetup::default();
        let vmm = Service::start_with_errors("any", command, setup, serial, errors);
        let booting = BootingGuest::new(spec, vmm.expect("a shell"), &identity, None);
        let ended = booting.wait(Deadline::secs(2)).await;
        drop(listener);
        ended.map(drop).expect_err("it never answers").0
    }

    #[tokio::test]
    async fn each_way_not_to_boot_has_its_name_and_the_last_words() {
        let hangs = ends("echo Loading initramfs; exec sleep 60").await;
        assert!(matches!(hangs, GuestError::BootTimeout { .. }), "{hangs}");
        assert!(hangs.to_string().contains("Loading initramfs"), "{hangs}");

        let dies = ends("echo no such device >&2; exit 3").await;
        assert!(matches!(dies, GuestError::Vmm { .. }), "{dies}");

        // A VMM that starts the machine again does not end.
        let panics = "echo 'Kernel panic - not syncing: No init found'; exec sleep 60";
        let begun = Instant::now();
        let panics = ends(panics).await;
        assert!(begun.elapsed() < Duration::from_secs(10));
        let words = "the console says `Kernel panic - not syncing: No init found`";
        assert!(panics.to_string().contains(words), "{panics}");
    }
}
