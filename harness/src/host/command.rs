//! One external command that answers and ends: under a deadline, with its whole process group.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::die_with_parent;
use crate::deadline::Deadline;
use crate::diagnostic::Diagnose;

/// How much of what a tool said goes into an error.
const LAST_LINES: usize = 20;

/// What a command that ended by itself left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// An external command that failed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CommandFailure {
    /// The command line, fit for pasting into a shell.
    pub command: String,
    /// How it ended, or why it did not start.
    pub ending: String,
    /// The last lines that it wrote to its standard error (or output, when there was no error output).
    pub said: Vec<String>,
    /// How long it ran.
    pub elapsed: Duration,
    /// Whether the failure says something of the program or of this machine: the command ended by itself, or cannot be
    /// started here. A command that a signal ended, or that did not end in time, says nothing.
    pub answered: bool,
}

impl fmt::Display for CommandFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` {} after {:.1?}",
            self.command, self.ending, self.elapsed
        )?;
        if !self.said.is_empty() {
            write!(f, ", it said: {}", self.said.join(" | "))?;
        }
        Ok(())
    }
}

impl std::error::Error for CommandFailure {}

impl Diagnose for CommandFailure {
    fn code(&self) -> &'static str {
        "host.command-failed"
    }
}

/// Runs `program` to its end with no input and English messages.
///
/// # Errors
/// The command did not start, ended badly, or was still running at `by`; then its process group is killed.
pub(crate) async fn run<A: AsRef<OsStr>>(
    program: &Path,
    args: &[A],
    by: Deadline,
) -> Result<Ran, CommandFailure> {
    let by = by.child(by.left());
    let fail = |ending: String, said: Vec<String>, answered: bool| CommandFailure {
        command: command_line(program, args),
        ending,
        said,
        elapsed: by.elapsed(),
        answered,
    };
    let mut command = Command::new(program);
    command
        .args(args)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    // The command has a process group of its own, which a signal to the harness's group does not reach.
    die_with_parent(command.as_std_mut());
    let child = command.spawn().map_err(|error| {
        let answered = !wants_room(&error);
        fail(format!("did not start ({error})"), Vec::new(), answered)
    })?;
    let id = child.id();
    let output = pin!(child.wait_with_output());
    // Declared last, so dropped first: the group must be killed before the child is waited for, which frees its number.
    let group = Group::of(id);
    let output = tokio::time::timeout_at(by.tokio(), output)
        .await
        .map_err(|_| {
            let ending = "was still running and was killed".to_owned();
            fail(ending, Vec::new(), false)
        })?
        .map_err(|error| fail(format!("could not be read ({error})"), Vec::new(), false))?;
    group.ended();
    let ran = Ran {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    if ran.status.success() {
        return Ok(ran);
    }
    let words = if ran.stderr.trim().is_empty() {
        &ran.stdout
    } else {
        &ran.stderr
    };
    Err(fail(
        format!("ended with {}", ran.status),
        last_lines(words),
        ran.status.signal().is_none(),
    ))
}

/// As [`run`], for a caller without a runtime, or one that must not wait in its runtime.
pub(crate) fn run_apart<A: AsRef<OsStr> + Sync>(
    program: &Path,
    args: &[A],
    by: Deadline,
) -> std::io::Result<Result<Ran, CommandFailure>> {
    apart(async || run(program, args, by).await)
}

/// Does `work` in a thread with a runtime of its own.
pub(crate) fn apart<T: Send>(work: impl AsyncFnOnce() -> T + Send) -> std::io::Result<T> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            Ok(runtime.block_on(work()))
        });
        let joined = thread.join();
        joined.unwrap_or_else(|_| Err(std::io::Error::other("the thread that waits panicked")))
    })
}

/// Whether a process did not start for want of memory, of processes or of descriptors (fork(2), pipe(2)), which says
/// nothing of its program.
pub(super) fn wants_room(error: &std::io::Error) -> bool {
    let errno = error.raw_os_error();
    errno.is_some_and(|errno| {
        [libc::EAGAIN, libc::ENOMEM, libc::EMFILE, libc::ENFILE].contains(&errno)
    })
}

/// The last lines of `text`, without empty ones.
pub(crate) fn last_lines(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    let from = lines.len().saturating_sub(LAST_LINES);
    lines[from..]
        .iter()
        .map(|line| (*line).to_owned())
        .collect()
}

/// A command line as one would type it.
pub(crate) fn command_line<A: AsRef<OsStr>>(program: &Path, args: &[A]) -> String {
    let words = std::iter::once(program.as_os_str().to_owned())
        .chain(args.iter().map(|arg| OsString::from(arg.as_ref())));
    words
        .map(|word| quoted(&word.to_string_lossy()))
        .collect::<Vec<_>>()
        .join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Everything that `child` writes, line by line as it comes; the stream ends when both its outputs do.
pub(crate) fn lines_of(child: &mut Child) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(64);
    if let Some(out) = child.stdout.take() {
        tokio::spawn(pump(out, sender.clone()));
    }
    if let Some(errors) = child.stderr.take() {
        tokio::spawn(pump(errors, sender));
    }
    lines
}

async fn pump(from: impl AsyncRead + Unpin, to: mpsc::Sender<String>) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    // A read error ends the output too. Where the receiver has gone, nobody wants more lines.
    while matches!(from.read_until(b'\n', &mut line).await, Ok(read) if read > 0) {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        line.clear();
        if !text.is_empty() && to.send(text).await.is_err() {
            return;
        }
    }
}

/// A process group that is ended when its owner gives up on it.
#[derive(Debug)]
pub(crate) struct Group {
    leader: Option<Pid>,
    end: Signal,
}

impl Group {
    /// The group that the just spawned child `id` leads. It is killed when this is dropped, so that no process of the
    /// group outlives its owner.
    pub(crate) fn of(id: Option<u32>) -> Self {
        Self {
            leader: id.and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw),
            end: Signal::SIGKILL,
        }
    }

    /// As [`Group::of`], but the group is asked to end (SIGTERM): for programs that clean up after themselves.
    pub(crate) fn asked(id: Option<u32>) -> Self {
        Self::new(id, Signal::SIGTERM)
    }

    fn new(id: Option<u32>, end: Signal) -> Self {
        let leader = id.and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        Self { leader, end }
    }

    /// Sends the group a signal.
    pub(crate) fn tell(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            let _ = killpg(leader, signal);
        }
    }

    /// Does nothing to the group any more: its leader has been waited for, and the number may belong to another
    /// process.
    pub(crate) fn ended(mut self) {
        self.leader = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.leader {
            // ESRCH: every process of the group has gone. EPERM: the group runs under sudo.
            let _ = killpg(leader, self.end);
        }
    }
}

/// Writes the shell script `body` to `path`. Another process does the writing: a test that runs at the same time may
/// fork, its child then has a file open for writing that this process writes, and such a file cannot be executed.
#[cfg(test)]
pub(crate) fn write_script(path: &Path, body: &str) {
    let write = r#"printf '#!/bin/sh\n%s\n' "$1" > "$2" && chmod +x "$2""#;
    let status = std::process::Command::new("sh")
        .args(["-c", write, "sh", body])
        .arg(path)
        .status();
    assert!(status.unwrap().success(), "write {}", path.display());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failure_says_what_ran_and_what_it_said() {
        let args = ["-c", "echo not today >&2; exit 3"];
        let failure = run(Path::new("/bin/sh"), &args, Deadline::secs(5))
            .await
            .unwrap_err();
        assert_eq!(failure.command, "/bin/sh -c 'echo not today >&2; exit 3'");
        assert_eq!(failure.ending, "ended with exit status: 3");
        assert_eq!(failure.said, ["not today"]);
        assert!(failure.answered);
    }

    #[tokio::test]
    async fn a_command_that_a_signal_ended_has_answered_nothing() {
        let args = ["-c", "kill -KILL $$"];
        let failure = run(Path::new("/bin/sh"), &args, Deadline::secs(5))
            .await
            .unwrap_err();
        assert_eq!(failure.ending, "ended with signal: 9 (SIGKILL)");
        assert!(!failure.answered);
        let absent = run(Path::new("/nonexistent"), &args, Deadline::secs(5)).await;
        assert!(absent.unwrap_err().answered);
    }

    #[tokio::test]
    async fn a_hanging_command_and_its_children_are_killed_in_time() {
        let by = Deadline::after(Duration::from_millis(200));
        let args = ["-c", "sleep 60 & sleep 60"];
        let failure = run(Path::new("/bin/sh"), &args, by).await.unwrap_err();
        assert_eq!(failure.ending, "was still running and was killed");
        assert!(!failure.answered);
        assert!(by.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn command_lines_can_be_pasted() {
        assert_eq!(
            command_line(Path::new("echo"), &["a b", "it's", ""]),
            r"echo 'a b' 'it'\''s' ''"
        );
    }
}
