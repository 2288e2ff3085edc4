//! The way of a command into a cell: who starts it there, what it gives up, and how it is ended.
//!
//! ```text
//! bridgelab __in-cell WORDS    outside; waits, and ends as the command does
//! `- the command's keeper      in the cell, as root with `CAP_KILL` alone; processes that the command leaves become its children
//!    `- the command            in the cell, as a user who owns nothing
//! ```

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, setns};
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, killpg, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Gid, Pid, Uid, getpid, setgroups, setresgid, setresuid, setsid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, configure_capability_in_ambient_set,
    remove_capability_from_bounding_set, set_capabilities, set_keep_capabilities, set_no_new_privs,
};

use super::super::sys;
use super::filter;
use super::not_entered::NotEntered;
use super::policy;

/// Number of the descriptor by which a command enters the cell: a pidfd of the cell's PID 1.
pub(super) const DOOR: RawFd = 3;
/// Number of the pipe that tells whether the command starts: it ends when the command is executed, and before that
/// carries the reason where the command is not.
pub(super) const STARTED: RawFd = 4;
/// The signal that asks for the end of the command: the command gets SIGTERM and some time, and then everything that it
/// has started is killed. A process here that ends for this reason, and not by itself, ends by this signal.
pub(super) const ASKED: Signal = Signal::SIGUSR1;
/// Status of a command that was not started, as that of a shell.
const REFUSED: i32 = 127;

/// How long a command that is asked to end may take for it.
pub(super) const GRACE: Duration = Duration::from_secs(2);
/// How long the children of a command may take to die one by one, before the whole cell's processes are killed.
const ONE_BY_ONE: Duration = Duration::from_secs(2);

/// Body of [`super::ENTRY_COMMAND`]: executes `words` in the cell behind `DOOR`, and ends with the command's status, or
/// by a signal where a signal ended the command. SIGTERM kills the command and everything that it has started; SIGUSR1
/// asks for its end first.
///
/// Must be called before any thread is started, on the cell's machine.
pub fn entry_main(words: impl Iterator<Item = std::ffi::OsString>) -> i32 {
    let words: Vec<_> = words.collect();
    let mut starts = sys::handed_down(STARTED).map(File::from).ok();
    let ended = enter(&words, &mut starts);
    code_of(ended, starts)
}

/// How the command ended.
enum End {
    Status(i32),
    Signal,
    /// It was asked to end, by [`ASKED`].
    Asked,
}

/// Ends this process as its command ended, or says why the command did not start.
fn code_of(ended: Result<End, NotEntered>, starts: Option<File>) -> i32 {
    match ended {
        Ok(End::Status(status)) => status,
        Ok(End::Signal) => by(Signal::SIGKILL),
        Ok(End::Asked) => by(ASKED),
        Err(why) => {
            let _ = match starts {
                Some(mut starts) => write!(starts, "{why}"),
                None => writeln!(io::stderr(), "bridgelab: {why}"),
            };
            REFUSED
        }
    }
}

/// Ends this process by a signal.
fn by(signal: Signal) -> i32 {
    let mut one = SigSet::empty();
    one.add(signal);
    let _ = sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&one), None);
    let _ = kill(getpid(), signal);
    REFUSED
}

#[expect(
    clippy::disallowed_methods,
    reason = "a process of its own with one thread, on its way into a cell"
)]
fn enter(words: &[std::ffi::OsString], starts: &mut Option<File>) -> Result<End, NotEntered> {
    let door = sys::handed_down(DOOR).map_err(NotEntered::refused("find the cell"))?;
    sys::close_on_exec_from(DOOR.cast_unsigned())
        .map_err(NotEntered::refused("close descriptors"))?;
    // Signals are blocked until there is a process that acts on them.
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.add(ASKED);
    signals.add(Signal::SIGCHLD);
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&signals), None)
        .map_err(NotEntered::refused("block signals"))?;
    setns(door.as_fd(), CloneFlags::CLONE_NEWPID)
        .map_err(NotEntered::refused("enter the cell's PID namespace"))?;
    match sys::fork_single_threaded().map_err(NotEntered::refused("fork into the cell"))? {
        ForkResult::Parent { child } => {
            drop(starts.take());
            let _ = prctl::set_name(c"in-cell");
            end_of(child)
        }
        ForkResult::Child => {
            let ended = keep(&door, &signals, words, starts);
            std::process::exit(code_of(ended, starts.take()))
        }
    }
}

fn end_of(child: Pid) -> Result<End, NotEntered> {
    loop {
        match waitpid(child, None) {
            Ok(WaitStatus::Exited(_, status)) => return Ok(End::Status(status)),
            Ok(WaitStatus::Signaled(_, signal, _)) if signal == ASKED => return Ok(End::Asked),
            Ok(WaitStatus::Signaled(..)) => return Ok(End::Signal),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(NotEntered::refused("wait for the command")(error)),
        }
    }
}

/// The keeper: starts the command and waits for its end. When the keeper ends, processes that are left become children
/// of the cell's PID 1.
#[expect(clippy::disallowed_methods, reason = "as in `enter`")]
fn keep(
    door: &OwnedFd,
    signals: &SigSet,
    words: &[std::ffi::OsString],
    starts: &mut Option<File>,
) -> Result<End, NotEntered> {
    setns(
        door.as_fd(),
        CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWCGROUP,
    )
    .map_err(NotEntered::refused("enter the cell"))?;
    std::env::set_current_dir("/root").map_err(NotEntered::refused("enter /root of the cell"))?;
    prctl::set_child_subreaper(true).map_err(NotEntered::refused("become a reaper"))?;
    let _ = prctl::set_name(c"keeper");
    let told = SignalFd::with_flags(signals, SfdFlags::SFD_CLOEXEC);
    let told = told.map_err(NotEntered::refused("watch signals"))?;
    let command =
        match sys::fork_single_threaded().map_err(NotEntered::refused("fork the command"))? {
            ForkResult::Parent { child } => child,
            ForkResult::Child => {
                let why = become_and_execute(words);
                std::process::exit(code_of(Err(why), starts.take()))
            }
        };
    drop(starts.take());
    let caps = only(CapabilitySet::KILL, CapabilitySet::empty());
    set_capabilities(None, caps).map_err(NotEntered::refused("drop capabilities"))?;
    loop {
        if let Some(end) = reap(command) {
            return Ok(end);
        }
        let signal = told
            .read_signal()
            .map_err(NotEntered::refused("wait for the command"))?;
        let is = |wanted: Signal| signal.is_some_and(|told| told.ssi_signo == wanted as u32);
        if is(Signal::SIGTERM) {
            kill_all(&told);
            return Ok(End::Signal);
        }
        if is(ASKED) {
            // The command may have ended by itself in this very moment.
            let own = reap(command);
            if own.is_none() {
                ask(command, &told);
            }
            kill_all(&told);
            return Ok(own.unwrap_or(End::Asked));
        }
    }
}

/// Sends SIGTERM to the command and to its process group, of which it is the leader, and waits some time for its end.
fn ask(command: Pid, told: &SignalFd) {
    let _ = killpg(command, Signal::SIGTERM);
    let _ = kill(command, Signal::SIGTERM);
    let begun = Instant::now();
    while reap(command).is_none() {
        let left = GRACE.saturating_sub(begun.elapsed()).as_millis();
        if left == 0 {
            return;
        }
        let mut heard = [PollFd::new(told.as_fd(), PollFlags::POLLIN)];
        let time = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        if !matches!(poll(&mut heard, time), Ok(1..)) {
            continue;
        }
        let hurry = told.read_signal().ok().flatten();
        if hurry.is_some_and(|told| told.ssi_signo == Signal::SIGTERM as u32) {
            return;
        }
    }
}

fn only(effective: CapabilitySet, inheritable: CapabilitySet) -> CapabilitySets {
    CapabilitySets {
        effective,
        permitted: effective,
        inheritable,
    }
}

/// Reaps all children that have ended. Returns how the command ended, if it is among them.
fn reap(command: Pid) -> Option<End> {
    let mut end = None;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, status)) if pid == command => {
                end = Some(End::Status(status));
            }
            Ok(WaitStatus::Signaled(pid, ..)) if pid == command => end = Some(End::Signal),
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return end,
            Ok(_) | Err(_) => {}
        }
    }
}

/// Kills the command and all its descendants: a process that loses its parent becomes a child of this process, which
/// kills its children until there are none.
fn kill_all(told: &SignalFd) {
    let begun = Instant::now();
    loop {
        if begun.elapsed() > ONE_BY_ONE {
            // The command starts processes faster than they are killed. So all of the cell are killed at once, but for
            // PID 1 and this process.
            let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
        }
        for child in children() {
            let _ = kill(child, Signal::SIGKILL);
        }
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Err(Errno::ECHILD) => return,
            Ok(WaitStatus::StillAlive) => {
                // The list may lack a process that became a child while the list was made, so the list is made again
                // after a moment.
                let mut ended = [PollFd::new(told.as_fd(), PollFlags::POLLIN)];
                let _ = poll(&mut ended, PollTimeout::from(10_u8));
                let _ = told.read_signal();
            }
            Ok(_) | Err(_) => {}
        }
    }
}

/// The children of this process, by proc_pid_stat(5).
fn children() -> Vec<Pid> {
    let own = getpid().to_string();
    let Ok(all) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    all.flatten()
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?;
            (parent == own).then(|| Pid::from_raw(pid))
        })
        .collect()
}

/// Gives up privileges and executes the command; returns only with the reason why it could not.
fn become_and_execute(words: &[std::ffi::OsString]) -> NotEntered {
    let Some((program, args)) = words.split_first() else {
        return NotEntered::NoCommand;
    };
    if let Err(why) = become_stranger() {
        return why;
    }
    // Signals blocked here would stay blocked in the command, and what it starts could not be ended by `kill`.
    if let Err(error) = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None) {
        return NotEntered::refused("unblock signals")(error);
    }
    // `exec` sets SIGPIPE back to its default.
    NotEntered::Program {
        said: Command::new(program).args(args).exec(),
        program: program.to_string_lossy().into_owned(),
    }
}

fn become_stranger() -> Result<(), NotEntered> {
    setsid().map_err(NotEntered::refused("start a session"))?;
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    for (what, most) in [
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_NPROC, policy::PROCESSES),
    ] {
        setrlimit(what, most, most).map_err(NotEntered::refused("set limits"))?;
    }
    for bit in 0..64 {
        let capability = CapabilitySet::from_bits_retain(1 << bit);
        if policy::CAPABILITIES.contains(capability) {
            continue;
        }
        // The kernel refuses the first number that is no capability.
        if remove_capability_from_bounding_set(capability).is_err() {
            break;
        }
    }
    set_keep_capabilities(true).map_err(NotEntered::refused("keep capabilities"))?;
    let (user, group) = (
        Uid::from_raw(policy::STRANGER),
        Gid::from_raw(policy::STRANGER),
    );
    setgroups(&[]).map_err(NotEntered::refused("leave all groups"))?;
    setresgid(group, group, group).map_err(NotEntered::refused("become a group of nobody"))?;
    setresuid(user, user, user).map_err(NotEntered::refused("become a user who is nobody"))?;
    let caps = only(policy::CAPABILITIES, policy::CAPABILITIES);
    set_capabilities(None, caps).map_err(NotEntered::refused("set capabilities"))?;
    for capability in policy::CAPABILITIES.iter() {
        configure_capability_in_ambient_set(capability, true)
            .map_err(NotEntered::refused("pass capabilities on"))?;
    }
    set_no_new_privs(true).map_err(NotEntered::refused("set no_new_privs"))?;
    filter::install()
}
