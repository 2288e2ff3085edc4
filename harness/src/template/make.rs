//! Makes a template: boots the image without a NIC, lets it settle, saves it.
//!
//! A worker with its own namespaces does this, as for every other guest: when the worker dies, at any moment, the VMM
//! and the mounts are gone with it, and the files that it wrote have no manifest, so they are no template.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::mount::MsFlags;
use serde::{Deserialize, Serialize};

use super::files::{INITRD, Progress, STATE};
use super::make_error::MakeError;
use super::{CacheKey, TemplateError, io_error};
use crate::deadline::Deadline;
use crate::diagnostic::Diagnostic;
use crate::guest::identity::{Identity, KeyPair};
use crate::guest::plain;
use crate::guest::ssh::GuestCommand;
use crate::guest::start::{GuestFolders, ReadyGuest, make_layer, write_initrd};
use crate::host::isolate::{self, IsolateError, Isolation, mount_at};
use crate::host::tsc_mhz;
use crate::hypervisor::qemu::{OVERLAY, RAM, monitor_socket};
use crate::hypervisor::qmp::Qmp;
use crate::hypervisor::{Accelerator, Start, save};
use crate::scenario::provides::Provides;

/// Hidden subcommand of the binary that becomes the worker.
pub const WORKER_COMMAND: &str = "__template";

#[derive(Debug, Serialize, Deserialize)]
struct MakeJob {
    key: CacheKey,
    image: PathBuf,
    out: PathBuf,
}

/// Starts the worker and waits for it.
pub(super) fn make_in_worker(
    key: &CacheKey,
    image: &Path,
    out: &Path,
    progress: Progress<'_>,
) -> Result<(), TemplateError> {
    let failed = |said: String| TemplateError::Make {
        key: key.to_string(),
        said,
    };
    let started = Instant::now();
    let program =
        crate::image::worker_program().map_err(io_error("find", "the worker's program"))?;
    let mut worker = Command::new(&program)
        .arg(WORKER_COMMAND)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(io_error("start", &program))?;
    let job = MakeJob {
        key: key.clone(),
        image: image.to_owned(),
        out: out.to_owned(),
    };
    let mut said = None;
    if let (Some(mut input), Some(output)) = (worker.stdin.take(), worker.stdout.take()) {
        let line = serde_json::to_string(&job).map_err(|e| failed(e.to_string()))?;
        writeln!(input, "{line}").map_err(io_error("write to", &program))?;
        for line in BufReader::new(output).lines() {
            let line = line.map_err(io_error("read from", &program))?;
            if line == isolate::MAP_ME {
                isolate::map_ids(worker.id())
                    .map_err(|e| failed(Diagnostic::new(&e).to_string()))?;
                writeln!(input, "{}", isolate::MAPPED).map_err(io_error("answer", &program))?;
            } else if let Some(stage) = line.strip_prefix("stage: ") {
                progress(&format!("{stage} ({:.0?})", started.elapsed()));
            } else if let Some(why) = line.strip_prefix("failed: ") {
                said = serde_json::from_str::<String>(why).ok();
            }
        }
    }
    let status = worker.wait().map_err(io_error("wait for", &program))?;
    if status.success() {
        return Ok(());
    }
    Err(failed(said.unwrap_or_else(|| {
        format!("the worker ended with {status}")
    })))
}

/// Body of the worker: reads its job from stdin. Returns its exit code.
///
/// Must be called before any thread is started.
pub fn worker_main() -> i32 {
    match work() {
        Ok(()) => 0,
        Err(why) => {
            let why = serde_json::to_string(&why.to_string()).unwrap_or_default();
            let _ = writeln!(io::stdout(), "failed: {why}");
            1
        }
    }
}

fn stage(what: &str) {
    let _ = writeln!(io::stdout(), "stage: {what}");
}

fn work() -> Result<(), MakeError> {
    let mut input = BufReader::new(io::stdin());
    let mut line = String::new();
    input.read_line(&mut line).map_err(MakeError::Job)?;
    let job: MakeJob = serde_json::from_str(&line).map_err(MakeError::Garbled)?;
    let avoid = [job.image.clone(), job.out.clone()];
    let place = isolate::enter(Isolation::Lab, &mut io::stdout(), &mut input, &avoid)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(MakeError::Runtime)?;
    let by = Deadline::after(match job.key.accelerator {
        Accelerator::Kvm => Duration::from_secs(120),
        Accelerator::Tcg => Duration::from_secs(600),
    });
    runtime.block_on(make(&job, &place.join("run"), by))
}

/// A guest that is to be recorded.
struct Prepared {
    guest: ReadyGuest,
    identity: Identity,
    state: File,
}

async fn make(job: &MakeJob, run: &Path, by: Deadline) -> Result<(), MakeError> {
    let Prepared {
        guest,
        identity,
        state,
    } = prepare(job, run)?;
    let spec = guest.spec().clone();
    stage("booting the guest");
    let started = guest.start()?;
    let socket = monitor_socket(&spec);
    let mut qmp = Qmp::connect(&socket, by).await?;
    let booting = started.boots(&identity, None);
    let guest = booting.wait(by).await.map_err(|(e, _)| e)?;
    for (step, line) in spec.image.settle.unwrap_or_default() {
        stage(step);
        let output = guest.exec(GuestCommand::shell(*line), by).await?;
        if !output.success() {
            let said = format!("{}{}", output.stdout, output.stderr.trim());
            return Err(MakeError::Settle { step, said });
        }
    }
    stage("saving it");
    // A template is saved while no session is open and the guest's steering program waits for one, because its guests
    // begin in that state.
    let vmm = guest.release(by).await?;
    save(&mut qmp, &state, by).await?;
    let _ = vmm.stop(Duration::from_secs(10)).await;
    stage("saved");
    Ok(())
}

fn prepare(job: &MakeJob, run: &Path) -> Result<Prepared, MakeError> {
    let folder = run.join("template");
    for path in [&folder, &job.out.join("image")] {
        fs::create_dir_all(path).map_err(MakeError::io("create", path))?;
    }
    let folders = GuestFolders {
        run: run.to_owned(),
        logs: job.out.clone(),
    };
    let folders = folders.make()?;
    mount_template(&job.out, &job.image, &folder)?;
    let keys = folders.keys();
    let login = KeyPair::generate("bridgelab", &keys.join("login_key"))?;
    let identity = Identity::generate("template", &keys, &login)?;
    let image = folder.join("image");
    let initrd = folder.join(INITRD);
    let booted = image.join("initrd");
    let provides = Provides::of(&job.key.image);
    let seed = plain::identity(&identity, provides, &[])?;
    let booted = fs::read(&booted).map_err(MakeError::io("read", &booted))?;
    write_initrd(&seed, booted, &initrd)?;
    let made = |name: &str| {
        let path = folder.join(name);
        let file = File::create(&path).map_err(MakeError::io("create", &path))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666))
            .map_err(MakeError::io("hand over", &path))?;
        Ok::<_, MakeError>(file)
    };
    made(RAM)?
        .set_len(u64::from(job.key.mem) << 20)
        .map_err(MakeError::io("size", &folder.join(RAM)))?;
    let state = made(STATE)?;
    let mut spec = job.key.spec(Start::Recording(folder.clone()));
    if spec.accelerator == Accelerator::Tcg {
        spec.tsc_mhz = tsc_mhz();
        spec.one_thread = spec.vcpu > 1 && !job.key.qemu.translates_in_threads();
    }
    spec.kernel = image.join(provides.kernel);
    spec.disk = provides.disk.map(|file| image.join(file));
    if let Some(disk) = provides.disk {
        let overlay = folder.join(OVERLAY);
        // Relative to the overlay, so that it is found wherever the two are mounted.
        make_layer(&overlay, &format!("image/{disk}"))?;
        fs::set_permissions(&overlay, fs::Permissions::from_mode(0o666))
            .map_err(MakeError::io("hand over", &overlay))?;
    }
    spec.initrd = initrd;
    spec.run = run.to_owned();
    let guest = ReadyGuest::prepare(spec, &folders)?;
    Ok(Prepared {
        guest,
        identity,
        state,
    })
}

/// Binds a template's folder to `at`, and its image into it.
///
/// # Errors
/// [`IsolateError::Mount`]
pub fn mount_template(template: &Path, image: &Path, at: &Path) -> Result<(), IsolateError> {
    for (from, to) in [(template, at.to_owned()), (image, at.join("image"))] {
        let (source, target) = (from.to_string_lossy(), to.to_string_lossy());
        mount_at(Some(&source), &target, None, MsFlags::MS_BIND, None)?;
    }
    Ok(())
}
