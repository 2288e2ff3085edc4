//! When each run begins: the longest first, and each when the machine has room for it.

use std::io::Write;
use std::path::PathBuf;

use bridgelab_harness::diagnostic::Diagnostic;
use bridgelab_harness::host::jobserver::{
    Jobserver, JobserverError, Limit, Need, Slot, Waiting, queue_folder,
};
use bridgelab_harness::image::Store;
use bridgelab_harness::lab::durations::{Durations, key, user_file};
use bridgelab_harness::report::{LabPlace, Outcome, RunReport};
use tokio::sync::watch;

use crate::cli::RunArgs;

/// What became of a run in the queue.
#[derive(Debug)]
pub(super) enum Turn {
    /// It may begin.
    Admitted(Slot),
    /// Somebody interrupted the call.
    Cancelled,
    /// The run needs more than this machine has, or the queue is broken.
    Refused(JobserverError),
}

/// The queue that all processes of the user share.
pub(super) fn jobserver(args: &RunArgs) -> Jobserver {
    let limit = args.jobs.map_or(Limit::Machine, Limit::Jobs);
    Jobserver::new(queue_folder(&Store::cache_folder()), limit)
}

/// Waits for room, or for an interrupt.
pub(super) async fn turn(
    jobserver: &Jobserver,
    title: &str,
    need: Need,
    mut interrupts: watch::Receiver<u32>,
    waiting: impl FnMut(&Waiting),
) -> Turn {
    tokio::select! {
        biased;
        _ = interrupts.wait_for(|count| *count > 0) => Turn::Cancelled,
        asked = jobserver.acquire(title, need, waiting) => match asked {
            Ok(slot) => Turn::Admitted(slot),
            Err(error) => Turn::Refused(error),
        }
    }
}

/// Gives back what a run no longer takes, since its guests are up: others may have it.
pub(super) fn rest(slot: &mut Slot) {
    if let Err(error) = slot.rest() {
        let error = Diagnostic::new(&error);
        let _ = writeln!(
            anstream::stderr(),
            "warning: the queue keeps what a run no longer needs: {error}"
        );
    }
}

/// The order in which the runs of these titles begin, as places in `titles`, and the file with their times.
pub(super) fn order(titles: &[String], accelerator: &str) -> (Vec<usize>, Option<PathBuf>) {
    let mut order: Vec<usize> = (0..titles.len()).collect();
    let file = user_file();
    if let Some(path) = &file {
        match Durations::load(path) {
            Ok(known) => {
                known.longest_first(&mut order, |index| key(&titles[*index], accelerator));
            }
            Err(error) => {
                let _ = writeln!(
                    anstream::stderr(),
                    "warning: the remembered times in `{}` are of no use and begin anew: {error}",
                    path.display()
                );
            }
        }
    }
    (order, file)
}

/// Remembers how long a run took, if it had a verdict: any other end says nothing about the next time.
pub(super) fn remember(file: Option<&PathBuf>, report: &RunReport) {
    let Some(path) = file else { return };
    if !matches!(report.outcome, Outcome::Passed | Outcome::Failed)
        || report.lab.place == LabPlace::Vm
    {
        return;
    }
    let key = key(&report.title(), &report.accelerator);
    if let Err(error) = Durations::record(path, &key, report.ms) {
        let _ = writeln!(
            anstream::stderr(),
            "warning: remember the time of a run in `{}`: {error}",
            path.display()
        );
    }
}
