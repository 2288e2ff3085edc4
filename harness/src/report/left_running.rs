//! Processes that a scenario's commands left running until the lab's end.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Characters of a command line that a verdict shows.
const SHOWN: usize = 160;

/// A process that a command of the scenario started, that outlived this command, and that ran until the lab was taken down.
/// The process is no leak, since it ended with its machine, and no fault of the network: a step may start a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftRunning {
    /// On which machine, or in which guest.
    pub machine: String,
    /// Its number there, as `bridgelab enter` shows it.
    pub process: u32,
    /// Its command line as one would type it; for a process without one, its name in brackets, as `ps` prints it.
    pub command: String,
}

impl fmt::Display for LeftRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.command.chars().take(SHOWN).collect();
        let more = match shown.len() < self.command.len() {
            true => "…",
            false => "",
        };
        write!(
            f,
            "{shown}{more} (process {}, {})",
            self.process, self.machine
        )
    }
}
