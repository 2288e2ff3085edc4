//! One trial: a run of the program to which something happens, how it ended, and what it left.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use support::processes::{MARK, marked, names, signal};
use support::running::Running;

/// Time after which a run hangs. The longest wait in these runs is four minutes, for an emulated guest that does not
/// boot.
const HANGS: Duration = Duration::from_secs(600);
/// How long everything of a run may take to be gone after its end.
const GONE: Duration = Duration::from_secs(20);

/// What was done, how it ended, and whether that is as it must be.
pub(crate) struct Trial {
    /// What was done, without numbers that differ from trial to trial: trials are counted by this.
    pub(crate) what: String,
    /// The numbers.
    pub(crate) how: String,
    /// How it ended, or why that is wrong.
    pub(crate) ending: Result<String, String>,
    /// What was left and should not be.
    pub(crate) left: Vec<String>,
}

/// A run of the program in a folder of its own, which is also its `TMPDIR`.
pub(crate) struct Trialled {
    pub(crate) running: Running,
    pub(crate) mark: String,
    folder: tempfile::TempDir,
}

/// How the run ended.
pub(crate) struct Ended {
    /// `None`: it hung, and was killed.
    pub(crate) status: Option<ExitStatus>,
    /// Everything that it printed.
    pub(crate) told: String,
    pub(crate) left: Vec<String>,
}

/// Makes a folder for one run: `tmp` is its `TMPDIR`, `evidence` for its evidence.
pub(crate) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary directory");
    for inside in ["tmp", "evidence"] {
        fs::create_dir(folder.path().join(inside)).expect("a folder");
    }
    folder
}

impl Trialled {
    /// Starts a command whose arguments are complete.
    pub(crate) fn start(mut command: Command, folder: tempfile::TempDir) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let mark = format!("soak-{}-{number}", std::process::id());
        command
            .env(MARK, &mark)
            .env("TMPDIR", folder.path().join("tmp"))
            .env_remove("BRIDGELAB_SETUP");
        Self {
            running: Running::start(&mut command),
            mark,
            folder,
        }
    }

    /// Waits for the run's end. Returns also what it left.
    pub(crate) fn ends(mut self) -> Ended {
        let over = self.running.is_over_within(HANGS);
        let mut left = Vec::new();
        let gone_by = Instant::now() + GONE;
        while over && !marked(&self.mark).is_empty() && Instant::now() < gone_by {
            std::thread::park_timeout(Duration::from_millis(20));
        }
        let remaining = marked(&self.mark);
        if !remaining.is_empty() {
            left.push(names(&remaining));
            signal("-KILL", &remaining);
        }
        let ended = self.running.ends();
        let temporary = self.folder.path().join("tmp");
        let files = fs::read_dir(&temporary).into_iter().flatten().flatten();
        left.extend(files.map(|file| file.path().display().to_string()));
        Ended {
            status: over.then_some(ended.status),
            told: ended.told(),
            left,
        }
    }
}

impl Ended {
    /// The ending in words, if the exit code is one of these or this signal ended the run; else what is wrong with it.
    pub(crate) fn is(&self, codes: &[i32], by: Option<i32>) -> Result<String, String> {
        let Some(status) = self.status else {
            return Err(format!("no end after {HANGS:?}: {}", self.told));
        };
        if self.told.contains("panicked at") {
            return Err(format!("a panic: {}", self.told));
        }
        let code = status.code();
        let signal = status.signal();
        if code.is_some_and(|code| codes.contains(&code)) || signal.is_some() && signal == by {
            return Ok(status.to_string());
        }
        Err(format!("{status}: {}", self.told))
    }
}

/// What outlives processes: mounts, named network namespaces, links of this namespace.
pub(crate) fn standing() -> Vec<String> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
    let mut standing: Vec<String> = mounts.lines().map(str::to_owned).collect();
    for folder in ["/run/netns", "/sys/class/net"] {
        let entries = fs::read_dir(Path::new(folder))
            .into_iter()
            .flatten()
            .flatten();
        standing.extend(entries.map(|entry| entry.path().display().to_string()));
    }
    standing.sort();
    standing
}
