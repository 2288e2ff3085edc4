//! Runs a recipe's `build` script in a worker with its own mount and PID namespace.
//!
//! The script sees itself as root with a private tmpfs for its intermediate files. When the worker dies, at any moment,
//! the kernel removes these files and every process of the build.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::{ImageError, io_error};
use super::progress::Progress;
use super::recipe::Recipe;
use crate::host::isolate::{self, Isolation};

/// Hidden subcommand of the binary that becomes the build worker.
pub const WORKER_COMMAND: &str = "__image-build";

/// Lines of a failed script's output to stderr that the error quotes: the last ones.
const TAIL: usize = 15;

/// The program that has the hidden worker commands: `$BRIDGELAB_BIN`, for programs that use the library, or the
/// running one.
///
/// # Errors
/// When the running program's file cannot be found.
pub fn worker_program() -> io::Result<PathBuf> {
    match std::env::var_os("BRIDGELAB_BIN") {
        Some(program) => Ok(PathBuf::from(program)),
        None => std::env::current_exe(),
    }
}

/// Starts the build worker and waits for it.
pub(super) fn build_in_worker(
    recipe: &Recipe,
    out: &Path,
    log: &Path,
    progress: Progress<'_>,
) -> Result<(), ImageError> {
    let started = Instant::now();
    let script = recipe.folder.join("build");
    let logged = File::create(log).map_err(io_error("create", log))?;
    let program = worker_program().map_err(io_error("find", "the worker's program"))?;
    let mut worker = Command::new(&program)
        .arg(WORKER_COMMAND)
        .arg(&script)
        .arg(out)
        .env("BRIDGELAB_SUITE", recipe.suite.as_deref().unwrap_or(""))
        .env("BRIDGELAB_PACKAGES", recipe.packages.join(" "))
        .env("BRIDGELAB_WITHOUT_PACKAGES", recipe.without.join(" "))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(io_error("start", &program))?;
    let errors = worker.stderr.take();
    let tail = std::thread::spawn(move || errors.map(|errors| keep(errors, logged)));
    let answers = worker.stdin.take();
    let stdout = worker.stdout.take();
    let pid = worker.id();
    making().worker = Some(worker);
    if let (Some(mut answers), Some(stdout)) = (answers, stdout) {
        for line in BufReader::new(stdout).lines() {
            let line = line.map_err(io_error("read from", &program))?;
            if line == isolate::MAP_ME {
                isolate::map_ids(pid).map_err(|source| ImageError::Isolate { source })?;
                writeln!(answers, "{}", isolate::MAPPED).map_err(io_error("answer", &program))?;
            } else if let Some(stage) = line.strip_prefix("stage: ") {
                progress(&format!("{stage} ({:.0?})", started.elapsed()));
            }
        }
    }
    let worker = making().worker.take();
    let status = worker.map(|mut worker| worker.wait()).transpose();
    let status = status.map_err(io_error("wait for", &program))?;
    let Some(status) = status else {
        let gone = io::Error::other("somebody else has waited for it");
        return Err(io_error("wait for", &program)(gone));
    };
    if status.success() {
        return Ok(());
    }
    Err(ImageError::Build {
        name: recipe.name.clone(),
        script: script.display().to_string(),
        status: status.to_string(),
        log: log.to_owned(),
        tail: tail.join().ok().flatten().unwrap_or_default(),
    })
}

/// What is being made in this process, which makes one image at a time.
static MAKING: Mutex<Making> = Mutex::new(Making {
    under_way: false,
    worker: None,
});

/// Notified when the image under way is finished or removed.
static OVER: Condvar = Condvar::new();

/// How long [`stop_building`] waits for the unfinished image to be removed.
const REMOVED: Duration = Duration::from_secs(10);

struct Making {
    under_way: bool,
    worker: Option<Child>,
}

fn making() -> MutexGuard<'static, Making> {
    MAKING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says that an image is under way: from before its first file is made until it is finished or removed.
pub(super) struct UnderWay;

impl UnderWay {
    pub(super) fn begin() -> Self {
        making().under_way = true;
        Self
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut making = making();
        making.under_way = false;
        making.worker = None;
        OVER.notify_all();
    }
}

/// Kills the worker that is building an image, if there is one, and waits until the thread that builds has removed the
/// unfinished image. Called by another thread, on a request to end this process.
pub fn stop_building() {
    let mut making = making();
    if let Some(worker) = making.worker.as_mut() {
        let _ = worker.kill();
    }
    let _ = OVER.wait_timeout_while(making, REMOVED, |making| making.under_way);
}

/// Copies what the script says to stderr into its log, and returns the last lines. These are not read back from the
/// log: it lies on the same disk as the image, and a full disk takes no line about itself.
fn keep(errors: impl Read, mut log: File) -> String {
    let mut tail = VecDeque::new();
    for line in BufReader::new(errors).split(b'\n').map_while(Result::ok) {
        let _ = log.write_all(&line).and_then(|()| log.write_all(b"\n"));
        if tail.len() == TAIL {
            tail.pop_front();
        }
        tail.push_back(String::from_utf8_lossy(&line).into_owned());
    }
    tail.make_contiguous().join("\n")
}

/// Body of the build worker: enters its namespaces and runs the script. Returns its exit code.
///
/// Must be called before any thread is started.
///
/// # Errors
/// [`ImageError`].
pub fn worker_main(script: &Path, out: &Path) -> Result<i32, ImageError> {
    let script = fs::canonicalize(script).map_err(io_error("find", script))?;
    let out = fs::canonicalize(out).map_err(io_error("find", out))?;
    let avoid: Vec<PathBuf> = vec![script.clone(), out.clone()];
    let private = isolate::enter(
        Isolation::Build,
        &mut io::stdout(),
        &mut io::stdin().lock(),
        &avoid,
    )
    .map_err(|source| ImageError::Isolate { source })?;
    let status = Command::new(&script)
        .env("BRIDGELAB_OUT", &out)
        .env("TMPDIR", &private)
        .env("LC_ALL", "C.UTF-8")
        .env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        )
        .stdin(Stdio::null())
        .status()
        .map_err(io_error("start", &script))?;
    Ok(status.code().unwrap_or(1))
}
