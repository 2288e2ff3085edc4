//! What still exists after teardown, and should not.

use std::collections::BTreeMap;
use std::path::Path;

use crate::deadline::Deadline;
use crate::wait::until;

/// Processes in the worker's PID namespace besides the worker itself, after giving them a moment to be reaped.
pub(super) async fn remaining_processes() -> Vec<String> {
    let mut left = Vec::new();
    let gone = until(Deadline::secs(3), "all processes to be gone", async || {
        left = processes(Path::new("/proc"));
        if left.is_empty() {
            Ok(())
        } else {
            Err(left.join(", "))
        }
    });
    match gone.await {
        Ok(()) => Vec::new(),
        Err(timed_out) => vec![format!("processes: {}", timed_out.last)],
    }
}

/// The processes that the lab started. Whoever came in from outside (`bridgelab enter`) is a visitor, with all its children.
fn processes(proc: &Path) -> Vec<String> {
    let all = Process::all(proc);
    // A zombie holds nothing; the worker's end reaps it.
    all.iter()
        .filter(|(pid, process)| **pid != 1 && process.state != "Z" && !is_visitor(&all, **pid))
        .map(|(pid, process)| format!("{} ({pid})", process.name))
        .collect()
}

/// Whether a process has an ancestor outside the PID namespace, which is shown as parent 0.
fn is_visitor(all: &BTreeMap<u32, Process>, mut pid: u32) -> bool {
    while pid != 1 {
        match all.get(&pid) {
            Some(process) if process.parent == 0 => return true,
            Some(process) if process.parent != pid => pid = process.parent,
            _ => return false,
        }
    }
    false
}

/// What proc_pid_stat(5) says of a process.
pub(super) struct Process {
    pub(super) name: String,
    pub(super) state: String,
    pub(super) parent: u32,
}

impl Process {
    /// The processes of a PID namespace, by their numbers there; `proc` is the namespace's proc(5).
    pub(super) fn all(proc: &Path) -> BTreeMap<u32, Self> {
        let entries = std::fs::read_dir(proc).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok())
            .filter_map(|pid| Some((pid, Self::read(&proc.join(pid.to_string()))?)))
            .collect()
    }

    /// Reads the file `stat` in a process's folder. The name may have any characters in it, parentheses too.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
        let mut fields = rest.split_whitespace();
        Some(Self {
            name: name.to_owned(),
            state: fields.next()?.to_owned(),
            parent: fields.next()?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitor_and_its_children_are_no_leak() {
        let proc = tempfile::tempdir().expect("a temporary directory");
        for (pid, stat) in [
            ("1", "1 (bridgelab) S 0 1"),
            ("7", "7 (dnsmasq) S 1 1"),
            ("8", "8 (a (b) c) S 7 1"),
            ("9", "9 (ping) Z 1 1"),
            ("20", "20 (sh) S 0 0"),
            ("21", "21 (tcpdump) S 20 20"),
        ] {
            let folder = proc.path().join(pid);
            std::fs::create_dir(&folder).expect("a folder");
            std::fs::write(folder.join("stat"), stat).expect("a file");
        }
        assert_eq!(processes(proc.path()), ["dnsmasq (7)", "a (b) c (8)"]);
    }
}
