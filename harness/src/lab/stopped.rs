//! Processes of the lab that somebody has stopped (SIGSTOP): they exist, but answer nobody.

use std::path::Path;

use super::leaks::Process;
use super::record::Record;

/// Code of the problem that a process of the lab was stopped.
const STOPPED: &str = "host.process-stopped";

impl Record<'_> {
    /// Takes back a verdict that may be due to a stopped daemon or VMM: whatever it serves does not answer, and the network is
    /// not to blame. What was seen to hold did hold.
    pub(super) fn weigh_stopped(&mut self) {
        if !self.is_unsure() {
            return;
        }
        let stopped = stopped(Path::new("/proc"));
        if stopped.is_empty() {
            return;
        }
        let cause = format!(
            "{} stopped (SIGSTOP) and nobody let it go on: what failed may have failed by that",
            stopped.join(", ")
        );
        self.take_back(STOPPED, cause);
    }
}

/// The stopped children of the worker, which is process 1. A process that a scenario's command started is not among them,
/// since it has another parent.
fn stopped(proc: &Path) -> Vec<String> {
    // proc_pid_stat(5): `T` is stopped by a signal.
    let all = Process::all(proc).into_iter();
    let stopped = all.filter(|(_, process)| process.state == "T" && process.parent == 1);
    let mut found: Vec<String> = stopped
        .map(|(pid, process)| format!("{} (process {pid}) was", process.name))
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_daemon_is_named_and_a_stopped_command_is_not() {
        let proc = tempfile::tempdir().expect("a temporary directory");
        for (pid, stat) in [
            ("1", "1 (bridgelab) S 0 1"),
            ("7", "7 (dnsmasq) T 1 1"),
            ("8", "8 (systemd-network) S 1 1"),
            ("9", "9 (sh) S 1 1"),
            ("10", "10 (sleep) T 9 9"),
        ] {
            let folder = proc.path().join(pid);
            std::fs::create_dir(&folder).expect("a folder");
            std::fs::write(folder.join("stat"), stat).expect("a file");
        }
        assert_eq!(stopped(proc.path()), ["dnsmasq (process 7) was"]);
    }
}
