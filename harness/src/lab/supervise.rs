//! The user's side: starts a worker for a run, maps its ids, shows its progress, and takes its report.

use std::io;
use std::process::Stdio;

use bridgelab_client::protocol::{Answer, Places};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, Command};
use tokio::sync::{mpsc, watch};

use super::ended::broken;
use super::frozen::stands_still;
use super::job::{CANCEL, Event, Job, TOGETHER, WORKER_COMMAND};

use super::vm;
use crate::diagnostic::Diagnose;
use crate::host::isolate;
use crate::report::{Outcome, RunReport};

/// A worker ended without a report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SuperviseError {
    /// The worker did not start, or the pipe to it broke.
    #[error("{doing} the worker process")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The worker ended before it sent a report.
    #[error("get a report from the worker: it ended with {status}")]
    NoReport {
        /// Exit status or signal.
        status: String,
    },
    /// The worker was stopped, and nobody let it go on.
    #[error("wait for the worker: {which} of it was stopped (SIGSTOP), and nobody let it go on")]
    Stopped {
        /// Which of its processes.
        which: String,
    },
    /// The worker's user namespace could not be mapped.
    #[error("give the worker its ids")]
    Ids(#[from] isolate::IsolateError),
}

impl Diagnose for SuperviseError {
    fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "lab.worker-io",
            Self::NoReport { .. } => "lab.worker-died",
            Self::Stopped { .. } => "lab.worker-stopped",
            Self::Ids(e) => e.code(),
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Ids(e) => e.help(),
            _ => None,
        }
    }
}

/// What the caller of [`run_job`] is told while the run goes on.
#[derive(Debug)]
pub enum News<'a> {
    /// Progress, for people.
    Progress(&'a str),
    /// What a check waits for, or how it was decided: [`Event::Waits`], [`Event::Checked`].
    Check(&'a Event),
    /// The guests are up: see [`Event::Settled`].
    Settled,
    /// The lab is kept: host-side process id of the worker, and the event.
    Kept(u32, &'a Event),
    /// The lab is held; what there is in it.
    Held(Places),
    /// A held lab's answer to what it was asked for.
    Answer(Answer),
}

/// Runs a job in a worker of its own and returns its report, whatever happens to the worker.
///
/// `interrupts` counts requests to end: the first ends the run in good order, the second kills it.
///
/// `asked` brings requests to a held lab, each a line; `None`: there are none.
pub async fn run_job(
    job: &Job,
    mut interrupts: watch::Receiver<u32>,
    mut asked: Option<mpsc::UnboundedReceiver<String>>,
    mut tell: impl FnMut(News<'_>),
) -> RunReport {
    let name = job.scenario.display().to_string();
    match supervise(job, &mut interrupts, &mut asked, &mut tell).await {
        Ok(report) => report,
        Err(error) => {
            let mut report = broken(job, &name, &error);
            let wished = interrupts.wait_for(|wishes| *wishes > 0);
            if let Ok(Ok(_)) = tokio::time::timeout(TOGETHER, wished).await {
                report.outcome = Outcome::Cancelled;
            }
            report
        }
    }
}

async fn supervise(
    job: &Job,
    interrupts: &mut watch::Receiver<u32>,
    asked: &mut Option<mpsc::UnboundedReceiver<String>>,
    tell: &mut impl FnMut(News<'_>),
) -> Result<RunReport, SuperviseError> {
    let io = |doing| move |source| SuperviseError::Io { doing, source };
    let program = crate::image::worker_program().map_err(io("find the program of"))?;
    // Both workers say the same to the supervisor.
    let command = match job.vm {
        Some(_) => vm::WORKER_COMMAND,
        None => WORKER_COMMAND,
    };
    let mut worker = Command::new(program)
        .arg(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // Ctrl-C on the terminal is for the supervisor, which asks the worker to end.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(io("start"))?;
    let pid = worker.id().unwrap_or_default();
    let (Some(mut input), Some(output)) = (worker.stdin.take(), worker.stdout.take()) else {
        return Err(io("reach")(io::ErrorKind::BrokenPipe.into()));
    };
    let line = serde_json::to_string(job).map_err(|e| io("describe the job to")(e.into()))?;
    send(&mut input, &line)
        .await
        .map_err(io("send the job to"))?;
    let mut lines = BufReader::new(output).lines();
    let mut report = None;
    let mut asked_to_end = 0;
    let mut stands = std::pin::pin!(stands_still(pid));
    loop {
        let line = tokio::select! {
            line = lines.next_line() => line.map_err(io("read from"))?,
            Some(line) = next(asked) => {
                send(&mut input, &line).await.map_err(io("ask"))?;
                continue;
            }
            which = &mut stands => {
                worker.kill().await.map_err(io("kill"))?;
                return report.ok_or(SuperviseError::Stopped { which });
            }
            changed = interrupts.changed() => {
                let wanted = *interrupts.borrow_and_update();
                if changed.is_ok() && wanted > asked_to_end {
                    asked_to_end = wanted;
                    if wanted == 1 {
                        send(&mut input, CANCEL).await.map_err(io("interrupt"))?;
                    } else {
                        worker.start_kill().map_err(io("kill"))?;
                    }
                }
                continue;
            }
        };
        let Some(line) = line else { break };
        if line == isolate::MAP_ME {
            isolate::map_ids(pid)?;
            send(&mut input, isolate::MAPPED)
                .await
                .map_err(io("answer"))?;
            // The worker skips all other lines while it waits for that answer, so an earlier request to end is sent again.
            if asked_to_end > 0 {
                send(&mut input, CANCEL).await.map_err(io("interrupt"))?;
            }
            continue;
        }
        match serde_json::from_str::<Event>(&line) {
            Ok(Event::Progress { text }) => tell(News::Progress(&text)),
            Ok(check @ (Event::Waits { .. } | Event::Checked { .. })) => tell(News::Check(&check)),
            Ok(Event::Settled) => tell(News::Settled),
            Ok(kept @ Event::Kept { .. }) => tell(News::Kept(pid, &kept)),
            Ok(Event::Held { places }) => tell(News::Held(places)),
            Ok(Event::Answer { answer }) => tell(News::Answer(answer)),
            Ok(Event::Report { report: run }) => report = Some(*run),
            Err(error) => tracing::warn!(%error, line, "the worker said something odd"),
        }
    }
    let status = worker.wait().await.map_err(io("wait for"))?;
    report.ok_or_else(|| SuperviseError::NoReport {
        status: status.to_string(),
    })
}

/// The next request; never returns where there are none.
async fn next(asked: &mut Option<mpsc::UnboundedReceiver<String>>) -> Option<String> {
    match asked {
        Some(lines) => lines.recv().await,
        None => std::future::pending().await,
    }
}

async fn send(input: &mut ChildStdin, line: &str) -> io::Result<()> {
    input.write_all(format!("{line}\n").as_bytes()).await?;
    input.flush().await
}
