//! Processes of a program under test, which are found by a word in their environment that all children inherit.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

/// Environment variable by which they are found.
pub const MARK: &str = "BRIDGELAB_TEST_MARK";

/// A process.
pub struct Process {
    /// Its number in the PID namespace that `/proc` shows.
    pub pid: String,
    /// The first 15 bytes of its name.
    pub name: String,
    /// State of proc_pid_stat(5): `T` is stopped.
    pub state: String,
}

impl std::fmt::Display for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}, {})", self.name, self.pid, self.state)
    }
}

/// Processes whose environment says `MARK=mark`.
pub fn marked(mark: &str) -> Vec<Process> {
    let wanted = format!("{MARK}={mark}").into_bytes();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        if !environment
            .split(|byte| *byte == 0)
            .any(|one| one == wanted)
        {
            continue;
        }
        // The name may have any characters in it, parentheses too.
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let name = stat.split_once('(').and_then(|(_, it)| it.rsplit_once(')'));
        if let Some((name, rest)) = name {
            found.push(Process {
                pid: entry.file_name().to_string_lossy().into_owned(),
                name: name.to_owned(),
                state: rest.split_whitespace().next().unwrap_or("?").to_owned(),
            });
        }
    }
    found
}

/// Describes processes, for messages.
pub fn names(processes: &[Process]) -> String {
    let names: Vec<String> = processes.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// Asks until the fact holds. When time is over, the message has the last answer.
pub fn wait_until(what: &str, mut fact: impl FnMut() -> Result<(), String>) {
    let begun = Instant::now();
    loop {
        match fact() {
            Ok(()) => return,
            Err(last) => assert!(
                begun.elapsed() < Duration::from_secs(90),
                "waited for {what}: {last}"
            ),
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// Waits until no such process is left.
pub fn wait_until_gone(mark: &str) {
    wait_until("every process of the run to be gone", || {
        match marked(mark) {
            left if left.is_empty() => Ok(()),
            left => Err(names(&left)),
        }
    });
}

/// Sends a signal to each process. A process that has ended meanwhile does not matter.
pub fn signal(signal: &str, processes: &[Process]) {
    let pids = processes.iter().map(|process| &process.pid);
    let output = Command::new("kill").arg(signal).args(pids).output();
    output.expect("kill runs");
}

/// Stops all processes for `time`, as a suspend of the machine would, and lets them go on.
pub fn stop_for(mark: &str, time: Duration) {
    wait_until("every process of the run to be stopped", || {
        let running: Vec<Process> = marked(mark)
            .into_iter()
            .filter(|process| process.state != "T" && process.state != "Z")
            .collect();
        if running.is_empty() {
            return Ok(());
        }
        signal("-STOP", &running);
        Err(names(&running))
    });
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::thread::park_timeout(time);
    }
    signal("-CONT", &marked(mark));
}
