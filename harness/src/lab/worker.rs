//! The worker process: one scenario run, PID 1 of its own namespaces.

use std::cell::Cell;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use nix::unistd::Uid;
use tokio::sync::{mpsc, watch};

use super::assignment::Assignment;
use super::ended::broken;
use super::gathered;
use super::guests::runtime;
use super::job::{CANCEL, Event, Job, TOGETHER};
use super::run::{Run, Wishes};
use super::topology::Folders;
use crate::host::capability::Capability;
use crate::host::isolate::{self, IsolateError, Isolation, users};
use crate::host::needs::needed_by;
use crate::host::standstill::Standstills;
use crate::report::{Outcome, RunReport, exit_code};
use crate::scenario::{self, instances::GREEN};

/// How long gathering evidence may take; half a minute is usual for a guest without KVM.
const EVIDENCE_TIME: Duration = Duration::from_secs(150);

/// Body of the worker: reads its job from stdin, writes events to stdout.
///
/// Must be called before any thread is started. Returns the process's exit code: 0 whenever a report was
/// written.
pub fn worker_main() -> i32 {
    match work() {
        Ok(()) => 0,
        Err(error) => {
            let _ = writeln!(io::stderr(), "bridgelab worker: {error}");
            exit_code::BROKEN
        }
    }
}

pub(super) fn tell(event: &Event) -> io::Result<()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, event)?;
    out.write_all(b"\n")?;
    out.flush()
}

pub(super) fn finish(report: RunReport) -> io::Result<()> {
    tell(&Event::Report {
        report: Box::new(report),
    })
}

fn work() -> io::Result<()> {
    let mut input = BufReader::new(io::stdin());
    let mut line = String::new();
    input.read_line(&mut line)?;
    let job: Job = serde_json::from_str(&line)?;
    let name = job.scenario.display().to_string();
    let loaded = job.sources.load(&job.scenario, &job.overrides);
    // A lab VM has a copy of the files, which were checked before they were copied.
    if !job.alone
        && let Err(changed) = job.sources.are_unchanged(&job.scenario)
    {
        return finish(broken(&job, &name, &changed));
    }
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(errors) => return finish(broken(&job, &name, &errors)),
    };
    let form = job.variant.as_deref().unwrap_or(GREEN);
    let scenario = match loaded.named(form) {
        Ok(forms) => forms.into_iter().next().cloned(),
        Err(unknown) => return finish(broken(&job, &name, &unknown)),
    };
    let Some(mut scenario) = scenario else {
        return Err(io::Error::other("a form that is named is there"));
    };
    job.shorten(&mut scenario.checks);
    let images = job.images.values().map(|image| image.folder.clone());
    let avoid: Vec<PathBuf> = images
        .chain([job.evidence.clone()])
        .chain(std::env::current_exe().ok())
        .collect();
    let users = match users(&scenario, &job, &mut input) {
        Ok(users) => users,
        Err(error) => return finish(broken(&job, &scenario.name, &error)),
    };
    let place = match isolate::enter(Isolation::Lab, &mut io::stdout(), &mut input, &avoid) {
        Ok(place) => place,
        Err(error) => return finish(broken(&job, &scenario.name, &error)),
    };
    let folders = Folders {
        run: place.join("run"),
        evidence: job.evidence.clone(),
    };
    fs::create_dir_all(&folders.run)?;
    fs::create_dir_all(folders.evidence.join("captures"))?;
    let ghosts = runtime(job.guests).machines(&scenario);
    for machine in scenario.machines.keys().chain(ghosts) {
        fs::create_dir_all(super::topology::machine_folder(
            &folders.evidence,
            machine.as_ref(),
        ))?;
    }
    let (cancel, cancelled) = watch::channel(false);
    let (ask, asked) = mpsc::unbounded_channel();
    // The reader blocks for ever and would keep the runtime from ending, so it has a thread of its own.
    std::thread::Builder::new()
        .name("control".to_owned())
        .spawn(move || {
            let mut line = String::new();
            loop {
                line.clear();
                match input.read_line(&mut line) {
                    // The supervisor is gone, and nobody waits for a report. The end of this process ends everything in its
                    // namespaces.
                    Ok(0) | Err(_) => std::process::exit(exit_code::BROKEN),
                    Ok(_) if line.trim() == CANCEL => {
                        let _ = cancel.send(true);
                    }
                    Ok(_) => {
                        let _ = ask.send(line.clone());
                    }
                }
            }
        })?;
    let standstills = Standstills::watch()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let mut report = runtime.block_on(run(
        &scenario,
        &job,
        folders,
        &standstills,
        cancelled,
        job.hold.then_some(asked),
    ));
    report.lab.user_namespace = users;
    let written = finish(report);
    runtime.shutdown_timeout(Duration::from_millis(500));
    written
}

/// Takes a user namespace of its own for a lab that root runs, unless something needs the caller's. Returns which one it is, in
/// words for the report. For any other user, [`isolate::enter`] takes one.
fn users(
    scenario: &scenario::Scenario,
    job: &Job,
    input: &mut impl BufRead,
) -> Result<String, IsolateError> {
    const OWN: &str = "own";
    if !Uid::effective().is_root() {
        return Ok(OWN.to_owned());
    }
    let callers = |why: String| Ok(format!("the caller's: {why}"));
    // The supervisor runs outside the VM, and cannot map the worker's ids.
    if job.alone {
        return callers("the VM is the lab's alone".to_owned());
    }
    if needed_by(scenario, job.guests).contains(&Capability::DeviceNodes) {
        return callers("a macvtap needs a device node".to_owned());
    }
    if runtime(job.guests).opens_tun(scenario) {
        return callers("a VMM opens /dev/net/tun itself, a node of this machine's".to_owned());
    }
    if let Some(refused) = users::refused() {
        return callers(refused.why);
    }
    match isolate::take_users(&mut io::stdout(), input) {
        Ok(()) => Ok(OWN.to_owned()),
        Err(IsolateError::Unshare { source, .. }) => callers(format!("the kernel says {source}")),
        Err(error) => Err(error),
    }
}

async fn run(
    scenario: &scenario::Scenario,
    job: &Job,
    folders: Folders,
    standstills: &Standstills,
    cancelled: watch::Receiver<bool>,
    wishes: Option<Wishes>,
) -> RunReport {
    let say = |event: Event| {
        if let Err(error) = tell(&event) {
            tracing::debug!(%error, "nobody listens");
        }
    };
    let wait_for_cancel = |mut cancelled: watch::Receiver<bool>| async move {
        // The sender is never dropped, since it lives as long as the process.
        let _ = cancelled.wait_for(|cancel| *cancel).await;
    };
    let mut run = Run::new(
        Assignment {
            scenario,
            job,
            folders: &folders,
            tell: &say,
            standstills,
            started: Instant::now(),
        },
        wishes,
    );
    run.carry_out(wait_for_cancel(cancelled.clone())).await;
    let judged = Instant::now();
    let asked_before = *cancelled.borrow();
    // The request came while the last words of something that had ended were waited for: the request is what ended the run.
    if asked_before && run.record.is_unsure() {
        run.record.report.outcome = Outcome::Cancelled;
    }
    let unsure = !asked_before && run.record.is_unsure();
    let together = Cell::new(false);
    // A request that comes while evidence is gathered goes straight to teardown. But one that comes right after the run's end
    // is the cause of that end, so the evidence is gathered all the same.
    let request = async {
        if asked_before {
            std::future::pending::<()>().await;
        }
        wait_for_cancel(cancelled.clone()).await;
        if unsure && judged.elapsed() < TOGETHER {
            together.set(true);
            std::future::pending::<()>().await;
        }
    };
    let cut_short = tokio::select! {
        () = request => Some("somebody asked for the end of the run".to_owned()),
        gathered = tokio::time::timeout(EVIDENCE_TIME, run.gather_evidence()) => gathered
            .is_err()
            .then(|| format!("gathering took longer than {EVIDENCE_TIME:.0?}")),
    };
    if unsure && run.record.report.outcome == Outcome::Broken {
        let left = TOGETHER.saturating_sub(judged.elapsed());
        let request = wait_for_cancel(cancelled.clone());
        if tokio::time::timeout(left, request).await.is_ok() {
            together.set(true);
        }
    }
    if together.get() {
        run.record.report.outcome = Outcome::Cancelled;
    }
    if let Some(why) = cut_short {
        tracing::warn!(why, "evidence is cut short");
        gathered::note(format!("the rest of the evidence: {why}"));
    }
    if job.keep && !*cancelled.borrow() {
        let running = run.testbed.guests.vms().into_iter();
        say(Event::Kept {
            machines: run
                .testbed
                .lab
                .machines()
                .map(|machine| machine.name().to_owned())
                .collect(),
            guests: running.map(|(name, _)| name.to_string()).collect(),
            run: folders.run.clone(),
            report: Box::new(run.record.so_far()),
        });
        wait_for_cancel(cancelled).await;
    }
    run.tear_down().await
}
