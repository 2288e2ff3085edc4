//! What is still there when nothing should be.

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

fn processes(proc: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(proc) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok())
        .filter(|pid| *pid != 1)
        .filter_map(|pid| {
            let stat = std::fs::read_to_string(proc.join(pid.to_string()).join("stat")).ok()?;
            let name = stat.split_once('(')?.1.rsplit_once(')')?;
            // A zombie holds nothing; the worker's end reaps it.
            (!name.1.trim_start().starts_with('Z')).then(|| format!("{} ({pid})", name.0))
        })
        .collect()
}
