//! The process that is a cell: PID 1 of its namespaces, which reaps and does nothing else.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, dup2_stdin, dup2_stdout, pipe2};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};

use super::super::isolate::MOUNT_POINTS;
use super::super::sys;
use super::root;

/// What PID 1 of the cell writes when the cell is ready.
const STANDS: &str = "stands";

/// Body of [`super::CELL_COMMAND`]: prints the number of the cell's PID 1, as its starter sees it, and waits for its end.
/// Anything else that it prints is the reason why there is no cell.
///
/// Must be called before any thread is started, on a machine.
pub fn cell_main() -> i32 {
    match make() {
        Ok(code) => code,
        Err((doing, error)) => {
            let _ = writeln!(io::stdout(), "{doing}: {error}");
            1
        }
    }
}

fn refused<E: Into<io::Error>>(doing: &str) -> impl FnOnce(E) -> root::Refused + '_ {
    move |error| (doing.to_owned(), error.into())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a process of its own with one thread, whose namespaces are its purpose"
)]
fn make() -> Result<i32, root::Refused> {
    let (read, write) = pipe2(OFlag::O_CLOEXEC).map_err(refused("make a pipe"))?;
    unshare(
        CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWCGROUP
            | CloneFlags::CLONE_NEWPID,
    )
    .map_err(refused(
        "unshare mount, IPC, UTS, cgroup and PID namespaces",
    ))?;
    let forked = sys::fork_single_threaded().map_err(refused("fork PID 1 of the cell"))?;
    let ForkResult::Parent { child } = forked else {
        drop(read);
        init(write);
    };
    drop(write);
    let mut said = String::new();
    let told = File::from(read).read_to_string(&mut said);
    told.map_err(refused("hear from PID 1 of the cell"))?;
    match said.as_str() {
        STANDS => println(&child.to_string()),
        other => println(other),
    }
    .map_err(refused("tell the number of PID 1"))?;
    let _ = prctl::set_name(c"cell");
    // The starter reads one line only, so stdout need not stay open.
    let null = File::options().read(true).write(true).open("/dev/null");
    let null = null.map_err(refused("open /dev/null"))?;
    dup2_stdout(null.as_fd()).map_err(refused("close stdout"))?;
    sys::wait_status(child).map_err(refused("wait for PID 1 of the cell"))
}

fn println(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Body of PID 1: makes the cell, says so, and reaps for ever.
fn init(write: OwnedFd) -> ! {
    let mut write = File::from(write);
    let made = stand();
    let said = match &made {
        Ok(()) => STANDS.to_owned(),
        Err((doing, error)) => format!("{doing}: {error}"),
    };
    let _ = write.write_all(said.as_bytes());
    drop(write);
    if made.is_err() {
        std::process::exit(1);
    }
    reap()
}

fn stand() -> Result<(), root::Refused> {
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(refused("tie PID 1 to its parent"))?;
    let place = MOUNT_POINTS.into_iter().map(Path::new);
    let mut place = place.chain([Path::new("/home"), Path::new("/root")]);
    let place = place.find(|place| place.is_dir());
    let place = place.ok_or_else(|| {
        let missing = io::Error::from(io::ErrorKind::NotFound);
        (
            "find a directory for the root of the cell".to_owned(),
            missing,
        )
    })?;
    let null = File::options().read(true).write(true).open("/dev/null");
    let null = null.map_err(refused("open /dev/null"))?;
    root::enter(place)?;
    for done in [dup2_stdin(null.as_fd()), dup2_stdout(null.as_fd())] {
        done.map_err(refused("close stdin and stdout"))?;
    }
    let _ = prctl::set_name(c"cell");
    // PID 1 needs no capability: a command that enters the cell has its own.
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, none).map_err(refused("drop all capabilities"))
}

/// Reaps every process that ends. A signal from inside cannot end PID 1; when PID 1 ends, the kernel kills all
/// processes of the cell.
fn reap() -> ! {
    let mut children = SigSet::empty();
    children.add(Signal::SIGCHLD);
    // SIGCHLD is blocked, so that none is lost between waitpid(2) and the wait for the signal.
    let _ = sigprocmask(SigmaskHow::SIG_BLOCK, Some(&children), None);
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => {
                let _ = children.wait();
            }
            Ok(_) | Err(_) => {}
        }
    }
}
