//! Child processes of the lab: started in their machine, logged from the first byte, stopped for certain.

mod error;

pub use super::service_log::Log;
pub use error::ServiceError;

use std::io;
use std::os::fd::OwnedFd;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::end::End;
use super::sys::{self, ChildSetup};
use crate::deadline::Deadline;
use crate::plan::shell::quote;

/// A running child in its own process group.
#[derive(Debug)]
#[must_use = "dropping it kills the process"]
pub struct Service {
    name: String,
    end: End,
    log: Log,
    errors: Log,
    /// A descriptor that must stay open while the process runs.
    held: Option<OwnedFd>,
}

impl Service {
    /// Starts `command`; stdout and stderr go to `log`, stdin is empty.
    ///
    /// Must be called on the machine's thread: a child belongs to the namespaces of the thread that starts it.
    ///
    /// # Errors
    /// [`ServiceError::Start`].
    pub(crate) fn start(
        name: &str,
        command: std::process::Command,
        setup: ChildSetup,
        log: Log,
    ) -> Result<Self, ServiceError> {
        let errors = log.clone();
        Self::start_with_errors(name, command, setup, log, errors)
    }

    /// As [`Service::start`], with stderr in a log of its own.
    ///
    /// # Errors
    /// [`ServiceError::Start`].
    pub(crate) fn start_with_errors(
        name: &str,
        mut command: std::process::Command,
        setup: ChildSetup,
        log: Log,
        errors: Log,
    ) -> Result<Self, ServiceError> {
        let shown = show(&command);
        sys::prepare_child(&mut command, setup);
        let mut command = tokio::process::Command::from(command);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let failed = |source| ServiceError::Start {
            command: shown.clone(),
            source,
        };
        let mut child = command.spawn().map_err(failed)?;
        let gone = || failed(io::Error::other("it has no process id"));
        let pid = child.id().ok_or_else(gone)?;
        let mut pumps = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            pumps.push(tokio::spawn(log.clone().pump(stdout)));
        }
        if let Some(stderr) = child.stderr.take() {
            pumps.push(tokio::spawn(errors.clone().pump(stderr)));
        }
        let pid = Pid::from_raw(pid.cast_signed());
        let end = End::of(name, pid, errors.clone(), child, pumps);
        Ok(Self {
            name: name.to_owned(),
            end,
            log,
            errors,
            held: None,
        })
    }

    /// Keeps a descriptor of the harness open for as long as the process runs.
    pub(crate) fn holding(mut self, held: Option<OwnedFd>) -> Self {
        self.held = held;
        self
    }

    /// Its log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Its process id in the worker's PID namespace.
    pub fn pid(&self) -> Option<u32> {
        self.running().map(|pid| pid.as_raw().cast_unsigned())
    }

    /// The process's number, for signals; `None` once the process was reaped, since the number may then be another's.
    fn running(&self) -> Option<Pid> {
        (!self.end.has_come()).then_some(self.end.pid())
    }

    /// A handle by which the process's end is waited for.
    pub(crate) fn end(&self) -> End {
        self.end.clone()
    }

    /// Sends SIGHUP, which daemons take for the order to read their files again.
    ///
    /// # Errors
    /// When it has ended.
    pub fn reload(&self) -> io::Result<()> {
        let Some(pid) = self.running() else {
            return Err(io::ErrorKind::NotFound.into());
        };
        Ok(kill(pid, Signal::SIGHUP)?)
    }

    /// Waits until its log shows `sign`.
    ///
    /// # Errors
    /// [`ServiceError::Ended`] as soon as the process ends, [`ServiceError::NotReady`] at the deadline.
    pub async fn ready_when_log_shows(
        &mut self,
        sign: &str,
        by: Deadline,
    ) -> Result<(), ServiceError> {
        let (log, mut end) = (self.log.clone(), self.end());
        let words = [sign];
        tokio::select! {
            found = log.wait_for(&words, by) => match found {
                Some(_) => Ok(()),
                None => Err(self.not_ready(sign, by)),
            },
            ended = end.ended_error() => Err(ended),
        }
    }

    /// Waits for `ready`, or for the process to end first.
    ///
    /// # Errors
    /// As [`Service::ready_when_log_shows`].
    pub async fn ready_when<T>(
        &mut self,
        sign: &str,
        ready: impl Future<Output = T>,
        by: Deadline,
    ) -> Result<T, ServiceError> {
        let mut end = self.end();
        tokio::select! {
            made = tokio::time::timeout_at(by.tokio(), ready) => match made {
                Ok(value) => Ok(value),
                Err(_) => Err(self.not_ready(sign, by)),
            },
            ended = end.ended_error() => Err(ended),
        }
    }

    /// The last `lines` lines that it wrote to stderr.
    pub fn last_errors(&self, lines: usize) -> String {
        self.errors.last_lines(lines)
    }

    /// Its end, if it ends within `time`.
    pub async fn ended_within(&mut self, time: Duration) -> Option<ServiceError> {
        let mut end = self.end();
        let ended = tokio::time::timeout(time, end.status()).await;
        // The process may have ended just now, and its end may not have been noticed yet.
        (ended.is_ok() || end.is_here()).then_some(())?;
        Some(end.ended_error().await)
    }

    /// Ends the process group: SIGTERM, then SIGKILL after `grace`. Returns the exit status.
    ///
    /// # Errors
    /// When the process cannot be reaped.
    pub async fn stop(mut self, grace: Duration) -> io::Result<ExitStatus> {
        if let Some(group) = self.running() {
            let _ = killpg(group, Signal::SIGTERM);
        }
        if let Ok(status) = tokio::time::timeout(grace, self.end.status()).await {
            return status;
        }
        tracing::info!(service = %self.name, ?grace, "did not end on SIGTERM, killing it");
        if let Some(group) = self.running() {
            let _ = killpg(group, Signal::SIGKILL);
        }
        self.end.status().await
    }

    fn not_ready(&self, sign: &str, by: Deadline) -> ServiceError {
        ServiceError::NotReady {
            name: self.name.clone(),
            sign: sign.to_owned(),
            waited: by.elapsed(),
            tail: self.errors.last_lines(20),
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(pid) = self.running() {
            let _ = kill(pid, Signal::SIGKILL);
        }
    }
}

/// A command line as one would paste it into a shell.
pub fn show(command: &std::process::Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| quote(&word.to_string_lossy()))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_service_that_ends_early_says_so_with_its_last_words() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let mut command = std::process::Command::new("sh");
        command.args(["-c", "echo no such interface >&2; exit 3"]);
        let log = Log::new(dir.path().join("log"));
        let mut service =
            Service::start("probe", command, ChildSetup::default(), log).expect("sh starts");
        let error = service
            .ready_when_log_shows("started", Deadline::secs(10))
            .await
            .expect_err("it never says that");
        assert!(matches!(error, ServiceError::Ended { .. }), "{error}");
        assert!(error.to_string().contains("exit status: 3"), "{error}");
        assert!(error.to_string().contains("no such interface"), "{error}");
    }

    #[tokio::test]
    async fn a_child_that_says_100_mib_leaves_32_and_its_last_line_is_found() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("log");
        let mut command = std::process::Command::new("sh");
        let script = "echo first; yes | head -c 104857600; echo; echo last; exec sleep 1000";
        command.args(["-c", script]);
        let log = Log::new(path.clone());
        let mut service =
            Service::start("talker", command, ChildSetup::default(), log).expect("sh starts");
        service
            .ready_when_log_shows("last", Deadline::secs(120))
            .await
            .expect("it says that");
        assert_eq!(service.log().line_with("las").as_deref(), Some("last"));
        assert!(service.log().last_lines(1).ends_with("last"));
        service.stop(Duration::from_secs(5)).await.expect("it ends");
        let text = std::fs::read_to_string(&path).expect("a file");
        assert!(text.len() <= 32 << 20, "{} bytes", text.len());
        assert!(text.starts_with("first\ny\n") && text.ends_with("y\n\nlast\n"));
        let gap = text
            .split_once("\n[... ")
            .and_then(|(_, rest)| rest.split_once(' '));
        let gap: usize = gap
            .and_then(|(number, _)| number.parse().ok())
            .expect("a gap");
        let line = format!("\n[... {gap} bytes are left out ...]\n").len();
        assert_eq!(text.len() - line + gap, 104_857_600 + 6 + 1 + 5);
    }
}
