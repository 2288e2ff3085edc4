//! The process that holds a lab VM, in namespaces of its own. Its parent sees a worker like any other, and QEMU ends with it,
//! whatever ends it.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::chown;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::mount::MsFlags;
use tokio::sync::mpsc::{self, UnboundedReceiver};

use super::command::{FIRST_PORT_FD, PORTS, command};
use super::talk::{Patience, Ports, Talk, WorkerReport};
use super::{LabVm, LabVmError, share};
use crate::host::isolate::{self, Isolation, mount_at};
use crate::host::service::{Log, Service};
use crate::host::{ChildSetup, VMM_ID, unwritten, vmm_groups};
use crate::image::versions_in;
use crate::lab::ended::broken;
use crate::lab::job::{CANCEL, Event, Job, TOGETHER};
use crate::lab::worker::{finish, tell};
use crate::report::{LabPlace, LabReport, Outcome, RunReport, exit_code};

/// Hidden subcommand of the binary that holds a lab VM.
pub const WORKER_COMMAND: &str = "__lab-vm";

/// Lines of the console that an error shows.
const TAIL: usize = 15;

/// Body of the process: reads its job from stdin, writes events to stdout, as the worker of a lab does.
///
/// Must be called before any thread is started. Returns the process's exit code: 0 whenever a report was written.
pub fn worker_main() -> i32 {
    match work() {
        Ok(()) => 0,
        Err(error) => {
            let _ = writeln!(io::stderr(), "bridgelab lab VM: {error}");
            exit_code::BROKEN
        }
    }
}

fn work() -> io::Result<()> {
    let mut input = BufReader::new(io::stdin());
    let mut line = String::new();
    input.read_line(&mut line)?;
    let job: Job = serde_json::from_str(&line)?;
    let Some(vm) = job.vm.clone() else {
        return Err(io::Error::other("the job has no lab VM"));
    };
    let program = std::env::current_exe()?;
    let images = job.images.values().map(|image| image.folder.clone());
    let avoid: Vec<PathBuf> = images
        .chain([vm.image.folder.clone(), job.evidence.clone()])
        .chain([job.scenario.clone(), program.clone()])
        .chain(vm.programs.iter().cloned())
        .collect();
    let name = job.scenario.display().to_string();
    if let Err(changed) = job.sources.are_unchanged(&job.scenario) {
        return finish(placed(broken(&job, &name, &changed), &vm));
    }
    let place = match isolate::enter(Isolation::Lab, &mut io::stdout(), &mut input, &avoid) {
        Ok(place) => place,
        Err(error) => return finish(placed(broken(&job, &name, &error), &vm)),
    };
    let (ask, asked) = mpsc::unbounded_channel();
    // The reader blocks for ever and would keep the runtime from ending, so it has a thread of its own.
    std::thread::Builder::new()
        .name("control".to_owned())
        .spawn(move || {
            for line in input.lines().map_while(Result::ok) {
                let _ = ask.send(line);
            }
            // The supervisor is gone, and nobody waits for a report. The end of this process ends everything in its namespaces.
            std::process::exit(exit_code::BROKEN);
        })?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(report(&job, &vm, &program, &place.join("run"), asked));
    let written = finish(placed(report, &vm));
    runtime.shutdown_timeout(Duration::from_millis(500));
    written
}

/// Adds to a report where the lab stood.
fn placed(mut report: RunReport, vm: &LabVm) -> RunReport {
    report.lab = LabReport {
        place: LabPlace::Vm,
        reason: vm.reason.clone(),
        accelerator: Some(vm.accelerator.to_string()),
        accelerator_reason: Some(vm.accelerator_reason.clone()),
        user_namespace: std::mem::take(&mut report.lab.user_namespace),
    };
    let image = format!("image.{}", super::IMAGE);
    report.versions.insert(image, vm.image.digest.clone());
    if let Some(kernel) = versions_in(&vm.image.folder).remove("kernel") {
        report.versions.insert("lab-vm.kernel".to_owned(), kernel);
    }
    report
}

/// Returns the run's report, whatever becomes of the VM.
async fn report(
    job: &Job,
    vm: &LabVm,
    program: &Path,
    run: &Path,
    mut asked: UnboundedReceiver<String>,
) -> RunReport {
    let begun = Instant::now();
    let ended = async {
        let mut outer = Outer::start(job, vm, program, run).await?;
        let mut talked = outer.talk(job, vm, &mut asked).await;
        if matches!(talked, Err(LabVmError::Died { .. })) && was_asked_to_end(&mut asked).await {
            talked = Err(LabVmError::Cancelled);
        }
        outer.stop(talked).await
    };
    let name = job.scenario.display().to_string();
    match ended.await {
        Ok((mut report, boot)) => {
            report.evidence = Some(job.evidence.clone());
            report.unwritten.extend(unwritten::all());
            report.began_earlier("lab-vm", boot);
            *report
        }
        Err(error) => {
            let mut report = broken(job, &name, &error);
            report.outcome = match error {
                LabVmError::BootTimeout { .. } | LabVmError::Silent { .. } => Outcome::TimedOut,
                LabVmError::Cancelled => Outcome::Cancelled,
                _ => Outcome::Broken,
            };
            report.ms = begun.elapsed().as_millis() as u64;
            report
        }
    }
}

/// Whether QEMU's end was part of a request to end, which arrives a little later.
async fn was_asked_to_end(asked: &mut UnboundedReceiver<String>) -> bool {
    let request = async {
        while let Some(line) = asked.recv().await {
            if line.trim() == CANCEL {
                return true;
            }
        }
        false
    };
    tokio::time::timeout(TOGETHER, request).await == Ok(true)
}

/// The outer QEMU, and the ports to it.
struct Outer {
    vmm: Service,
    ports: Ports,
}

impl Outer {
    async fn start(job: &Job, vm: &LabVm, program: &Path, run: &Path) -> Result<Self, LabVmError> {
        let io = |doing: &str, path: &Path| {
            let doing = format!("{doing} `{}`", path.display());
            move |source| LabVmError::Io { doing, source }
        };
        let (image, shared) = (run.join("image"), run.join("share"));
        let logs = job.evidence.join("lab-vm");
        for folder in [&image, &shared, &logs] {
            fs::create_dir_all(folder).map_err(io("create", folder))?;
        }
        // QEMU creates a nameless file here, for what the VM changes on its disk.
        chown(run, Some(VMM_ID), Some(VMM_ID)).map_err(io("hand over", run))?;
        let (from, to) = (vm.image.folder.to_string_lossy(), image.to_string_lossy());
        mount_at(Some(&from), &to, None, MsFlags::MS_BIND, None)?;
        share::fill(&shared, job, vm, program)?;
        let line = command(vm, &image, &shared);
        let file = logs.join("command.txt");
        fs::write(&file, format!("{line}\n")).map_err(io("write", &file))?;
        let paths = PORTS.map(|name| run.join(format!("{name}.sock")));
        let mut sockets = Vec::new();
        for path in &paths {
            sockets.push(UnixListener::bind(path).map_err(io("listen on", path))?);
        }
        let mut command = line.to_command();
        command.env("TMPDIR", run);
        let numbers = sockets.iter().map(AsRawFd::as_raw_fd).zip(FIRST_PORT_FD..);
        let setup = ChildSetup {
            fds: numbers.collect(),
            identity: Some((VMM_ID, VMM_ID, vmm_groups(vm.accelerator))),
        };
        progress(&format!(
            "starting the lab VM: {} MiB on {} ({})",
            vm.mem, vm.accelerator, vm.accelerator_reason
        ));
        let serial = Log::new(logs.join("serial.log"));
        let errors = Log::new(logs.join("vmm.log"));
        let vmm = Service::start_with_errors("lab-vm", command, setup, serial, errors)?;
        // Close this process's copies; QEMU has its own. So each connection ends when QEMU does.
        drop(sockets);
        let [init, worker, evidence] = &paths;
        let ports = Ports::connect([init, worker, evidence], &job.evidence).await;
        let ports = ports.map_err(io("connect to", run))?;
        Ok(Self { vmm, ports })
    }

    async fn talk(
        &mut self,
        job: &Job,
        vm: &LabVm,
        asked: &mut UnboundedReceiver<String>,
    ) -> Result<WorkerReport, LabVmError> {
        let log = self.vmm.log().clone();
        let mut talk = Talk {
            patience: Patience::on(vm.accelerator),
            vm,
            job,
            inner: &share::inner_job(job, vm),
            asked,
            tell: &|event| {
                if let Err(error) = tell(&event) {
                    tracing::debug!(%error, "nobody listens");
                }
            },
            tail: &|| log.last_lines(TAIL),
        };
        talk.hold(&mut self.ports).await
    }

    /// Ends QEMU, whose disk is thrown away, and adds QEMU's own words to the error of the conversation.
    async fn stop(
        mut self,
        talked: Result<WorkerReport, LabVmError>,
    ) -> Result<WorkerReport, LabVmError> {
        let ended = match &talked {
            Err(LabVmError::Died { .. }) => self.vmm.ended_within(Duration::from_secs(5)).await,
            _ => None,
        };
        let tail = self.vmm.log().last_lines(TAIL);
        let _ = self.vmm.stop(Duration::ZERO).await;
        match talked {
            Err(LabVmError::Died { .. }) => {
                let said = ended.map_or_else(String::new, |end| format!(" ({end})"));
                Err(LabVmError::Died { said, tail })
            }
            other => other,
        }
    }
}

fn progress(text: &str) {
    let text = text.to_owned();
    if let Err(error) = tell(&Event::Progress { text }) {
        tracing::debug!(%error, "nobody listens");
    }
}
