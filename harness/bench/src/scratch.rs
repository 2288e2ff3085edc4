//! The folder of a call, and the process that takes it away, however the call ends.
//!
//! What is in it cannot outlive the call by a `Drop`: none runs when the call is killed. So a process of its own waits for the
//! end of a pipe, which is the end of the last who holds the other side.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use bridgelab_harness::report::exit_code;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::{SigSet, Signal};
use tempfile::TempDir;

/// Hidden subcommand that becomes the process.
pub const WORKER_COMMAND: &str = "__bench-folder";

/// Said by a call that leaves its folder behind.
const KEEP: u8 = b'k';

/// A folder that goes with the call.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    remover: Child,
    /// The pipe; its last end is the folder's.
    alive: Option<ChildStdin>,
}

impl Scratch {
    /// Makes it, below the folder for temporary ones; its name begins with `bridgelab-WHAT-`. `program` is this one.
    ///
    /// # Errors
    /// What the kernel said to the folder or to the process.
    pub fn new(program: &Path, what: &str) -> io::Result<Self> {
        let folder: TempDir = tempfile::Builder::new()
            .prefix(&format!("bridgelab-{what}-"))
            .tempdir()?;
        let mut remover = Command::new(program)
            .arg(WORKER_COMMAND)
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Whoever ends the call by its process group does not mean this one.
            .process_group(0)
            .spawn()?;
        let alive = remover.stdin.take();
        if let Some(alive) = &alive {
            // Whatever the call starts holds it, too: killed with the call, they end a little later, and until then they
            // may write into the folder.
            fcntl(alive, FcntlArg::F_SETFD(FdFlag::empty()))?;
        }
        Ok(Self {
            // From here on it is the process that removes it.
            path: folder.keep(),
            remover,
            alive,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves it behind.
    pub(super) fn keep(&mut self) {
        if let Some(mut alive) = self.alive.take() {
            let _ = alive.write_all(&[KEEP]);
        }
    }
}

/// In good order, it is gone when the call ends.
impl Drop for Scratch {
    fn drop(&mut self) {
        drop(self.alive.take());
        let _ = self.remover.wait();
    }
}

/// Body of the process: waits, and removes the folder.
pub fn worker_main(mut words: impl Iterator<Item = OsString>) -> i32 {
    let Some(folder) = words.next() else {
        return exit_code::INVALID;
    };
    let polite = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];
    let _ = polite.into_iter().collect::<SigSet>().thread_block();
    let mut said = Vec::new();
    let _ = io::stdin().read_to_end(&mut said);
    if said.contains(&KEEP) {
        return exit_code::PASSED;
    }
    match std::fs::remove_dir_all(&folder) {
        Ok(()) => exit_code::PASSED,
        Err(_) => exit_code::BROKEN,
    }
}
