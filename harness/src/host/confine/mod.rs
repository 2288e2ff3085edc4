//! Where a scenario's own commands run: a cell of their machine, with its network and nothing else of the lab or of the
//! computer.
//!
//! Each machine that a scenario runs commands on has one cell, made at the first of them: a process that is PID 1 of PID,
//! mount, IPC, UTS and cgroup namespaces of its own, inside the machine's network namespace. A command enters it, becomes a
//! user that nothing else runs as, with the capabilities of `policy::CAPABILITIES` and the system calls of `filter`, and is
//! then executed. Processes and files in `/tmp` that it leaves are there for the next command, and end with the machine.
//! `docs/trust.md` says what commands may do and why it is done this way.
//!
//! Equivalent: `unshare --mount --ipc --uts --cgroup --pid --fork` for the cell; `nsenter` with `setpriv --reuid 65533
//! --bounding-set -all,+net_admin,+net_raw,+net_bind_service --ambient-caps ... --no-new-privs --seccomp-filter ...` for a
//! command.

mod background;
mod cell;
mod entry;
mod filter;
mod not_entered;
mod policy;
mod root;

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};

use super::command::Group;
use super::output::{self, Printed};
use super::sys;
use crate::deadline::Deadline;

pub(crate) use background::{Background, Over};
pub use cell::cell_main;
pub use entry::entry_main;

/// Hidden subcommand: makes a cell and stays as its PID 1.
pub const CELL_COMMAND: &str = "__cell";
/// Hidden subcommand: enters a cell and executes a command there.
pub const ENTRY_COMMAND: &str = "__in-cell";

/// The very program that runs, even where its file has been replaced meanwhile.
const OWN_PROGRAM: &str = "/proc/self/exe";
/// How long a cell may take to be made; about 10 ms are usual.
const MADE: Duration = Duration::from_secs(20);

/// A machine's cell. Dropping it ends every process in it.
#[derive(Debug)]
#[must_use = "dropping it ends the cell"]
pub(crate) struct Cell {
    /// The cell's PID 1.
    init: OwnedFd,
    /// Number of PID 1 outside of the cell.
    process: u32,
    _outer: Child,
}

impl Cell {
    /// Makes a cell of the machine on whose thread this runs.
    pub(crate) async fn make() -> io::Result<Self> {
        let mut outer = Command::new(OWN_PROGRAM)
            .arg0("bridgelab")
            .arg(CELL_COMMAND)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let group = Group::of(outer.id());
        let said = outer.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut said = BufReader::new(said).lines();
        let said = tokio::time::timeout(MADE, said.next_line())
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??
            .unwrap_or_else(|| "it said nothing".to_owned());
        let pid = said.parse().ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other(said))?;
        // The parent of PID 1 has not waited for it, so the number is still its own.
        let init = pidfd_open(pid, PidfdFlags::empty())?;
        group.ended();
        Ok(Self {
            init,
            process: pid.as_raw_nonzero().get().cast_unsigned(),
            _outer: outer,
        })
    }

    /// Number of the cell's PID 1, in the PID namespace of the process that made the cell.
    pub(crate) const fn process(&self) -> u32 {
        self.process
    }

    /// A descriptor by which a command enters the cell.
    pub(crate) fn door(&self) -> io::Result<OwnedFd> {
        self.init.try_clone()
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        // The kernel then ends all other processes of the cell. The parent of PID 1, outside of the cell, waits for it
        // and ends too.
        let _ = pidfd_send_signal(&self.init, rustix::process::Signal::KILL);
    }
}

/// A command of a scenario that did not run.
#[derive(Debug)]
pub(crate) enum NotRun {
    /// There is no such program, or the cell is gone.
    Refused(String),
    /// It was still running at the deadline, and everything that it started was killed.
    Late,
}

/// Runs a command in a machine's cell, on the machine's thread.
pub(crate) async fn run(door: OwnedFd, words: &[String], by: Deadline) -> Result<Printed, NotRun> {
    let ran = async {
        let Started { child, group } = start(door, words).await?;
        // Declared last, so dropped first: the group must be ended before the child is waited for, which frees its
        // number.
        let said = pin!(output::of(child));
        let group = group;
        let said = said.await.map_err(refused)?;
        group.ended();
        Ok(said)
    };
    let ran = tokio::time::timeout_at(by.tokio(), ran).await;
    ran.map_err(|_| NotRun::Late)?
}

/// A command that is executed, and what ends it when it is dropped.
struct Started {
    child: Child,
    group: Group,
}

fn refused(error: io::Error) -> NotRun {
    NotRun::Refused(error.to_string())
}

/// Starts a command in a machine's cell, on the machine's thread; returns when it is executed.
async fn start(door: OwnedFd, words: &[String]) -> Result<Started, NotRun> {
    let (starts, tells) = std::io::pipe().map_err(refused)?;
    let mut command = std::process::Command::new(OWN_PROGRAM);
    command
        .arg0("bridgelab")
        .arg(ENTRY_COMMAND)
        .args(words)
        .env_clear()
        .envs(policy::environment(std::env::var_os("PATH")));
    // No death signal: a process that waits for another in the cell must live until that other one is dead.
    let down = vec![
        (door.as_raw_fd(), entry::DOOR),
        (tells.as_raw_fd(), entry::STARTED),
    ];
    sys::hand_down(&mut command, down);
    let mut command = Command::from(command);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let child = command.spawn().map_err(refused)?;
    // The child takes SIGTERM as the order to kill what it has started.
    let group = Group::asked(child.id());
    drop(tells);
    let mut starts = Receiver::from_owned_fd(starts.into()).map_err(refused)?;
    let mut why = String::new();
    starts.read_to_string(&mut why).await.map_err(refused)?;
    match why.is_empty() {
        true => Ok(Started { child, group }),
        false => Err(NotRun::Refused(why)),
    }
}
