//! A worker that somebody has stopped (SIGSTOP) and that does not go on. Such a worker would keep its lab and its place in the
//! queue for ever, and its supervisor would wait for a report for ever.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::leaks::Process;
use crate::wait::watch_woken;

/// How long a worker may be stopped: longer than anybody stops a process to look at it from outside. A debugger stops it
/// otherwise (`t` in proc_pid_stat(5)), which does not count.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest time between two looks. Between two looks at most this much counts: if more has passed, this process was stopped
/// itself.
const PAUSE: Duration = Duration::from_secs(1);

/// Waits until the worker with the process id `pid`, or the child that it waits for, has been stopped for too long. Returns
/// which one.
///
/// By hand: `ps -o pid,stat,comm --ppid PID --pid PID` says `T`.
pub(super) async fn stands_still(pid: u32) -> String {
    let (_quiet, events) = watch::channel(0);
    let proc = Path::new("/proc");
    let mut stood = Duration::ZERO;
    let mut looked = Instant::now();
    watch_woken(events, async || {
        let passed = looked.elapsed().min(PAUSE);
        looked = Instant::now();
        let Some(which) = stopped(proc, pid) else {
            stood = Duration::ZERO;
            return ControlFlow::Continue(looked + PAUSE);
        };
        stood += passed;
        match stood >= PATIENCE {
            true => ControlFlow::Break(which),
            false => ControlFlow::Continue(looked + PAUSE),
        }
    })
    .await
}

/// Names the first stopped one of a process and its children.
fn stopped(proc: &Path, pid: u32) -> Option<String> {
    let folder = |pid: &str| proc.join(pid);
    let own = pid.to_string();
    let children = children(&folder(&own), &own);
    let all = std::iter::once(own).chain(children);
    all.map(|pid| (folder(&pid), pid))
        .find(|(folder, _)| Process::read(folder).is_some_and(|it| it.state == "T"))
        .map(|(_, pid)| format!("process {pid}"))
}

/// The children of a process's only thread: a worker forks its other half before it starts any thread.
fn children(folder: &Path, pid: &str) -> Vec<String> {
    let list: PathBuf = folder.join("task").join(pid).join("children");
    let listed = fs::read_to_string(list).unwrap_or_default();
    listed.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_half_of_a_worker_can_be_the_one_that_stands() {
        let proc = tempfile::tempdir().expect("a temporary directory");
        let process = |pid: u32, state: &str, children: &str| {
            let folder = proc.path().join(pid.to_string());
            let task = folder.join("task").join(pid.to_string());
            fs::create_dir_all(&task).expect("a folder");
            fs::write(folder.join("stat"), format!("{pid} (x) {state} 1 1")).expect("a file");
            fs::write(task.join("children"), children).expect("a file");
        };
        for (outer, inner, which) in [
            ("S", "S", None),
            ("T", "S", Some("process 7")),
            ("S", "T", Some("process 8")),
            // A debugger may hold it for longer.
            ("S", "t", None),
        ] {
            process(7, outer, "8 ");
            process(8, inner, "");
            assert_eq!(stopped(proc.path(), 7).as_deref(), which, "{outer} {inner}");
        }
        assert_eq!(stopped(proc.path(), 9), None, "it has ended");
    }
}
