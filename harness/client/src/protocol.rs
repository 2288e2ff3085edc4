//! What a test and the program that holds its lab say to each other: `bridgelab run --hold` reads an [`Ask`] in each line of
//! its stdin, and writes a [`HoldEvent`] in each line of its stdout, as JSON.
//!
//! The program begins with [`HoldEvent::Hello`], before it has looked at the scenario. Then there is a [`HoldEvent::Held`], or the
//! end. Each [`Ask`] is answered before the next is read. The last event is the report.

use serde::{Deserialize, Serialize};

use crate::report::{CheckReport, RunReport, StepReport};

/// Version of the protocol: whoever changes what is said here counts it up. [`HoldEvent::Hello`] stays as it is in every version.
pub const VERSION: u32 = 1;

/// Asked of a held lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Ask {
    /// Run a command: on a machine as `ip netns exec MACHINE WORDS`, in a guest by its steering channel, in a
    /// container by `docker exec`.
    Exec {
        /// `MACHINE`, `GUEST` or `GUEST/CONTAINER`.
        from: String,
        /// The command and its arguments.
        words: Vec<String>,
        /// Seconds until it is given up; stretched without KVM.
        seconds: u64,
    },
    /// Carry out one check, as if it stood in the file; after the step that was asked for last, unless it says otherwise.
    Check {
        /// The check's id.
        id: String,
        /// The keys of `[[checks]]`, without `id`, as TOML.
        keys: String,
    },
    /// Carry out one step, as if it stood last in the file.
    Step {
        /// The step's id.
        id: String,
        /// Where the id is taken: `ID-2`, `ID-3`, ... and not an error.
        numbered: bool,
        /// The keys of `[[steps]]`, without `id`, as TOML.
        keys: String,
    },
    /// Judge what was checked, gather evidence, take everything down, report. The last.
    Finish,
}

/// The answer to an [`Ask`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// What a command left.
    Ran {
        /// What.
        output: Output,
    },
    /// What a check saw; it is in the report as well.
    Checked {
        /// The check.
        check: Box<CheckReport>,
    },
    /// How a step ended; it is in the report as well.
    Stepped {
        /// The step.
        step: Box<StepReport>,
    },
    /// The check or step is not valid; it is not part of the scenario.
    Invalid {
        /// What is wrong, as `bridgelab check` writes it: with line and column in the scenario with the check or step in it.
        errors: String,
    },
    /// It could not be done; says nothing about the network.
    Refused {
        /// Why.
        why: String,
    },
}

/// What a command left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Exit status; `None`: ended by a signal.
    pub status: Option<i32>,
}

impl Output {
    /// Whether it ended with status 0.
    pub fn success(&self) -> bool {
        self.status == Some(0)
    }
}

/// What there is in a lab, by the names that a scenario has for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    /// Machines that are namespaces; no ghosts.
    pub machines: Vec<String>,
    /// The scenario's guests, ghosts as well, whether they run or not.
    pub guests: Vec<String>,
    /// Their containers: `GUEST/CONTAINER`.
    pub containers: Vec<String>,
}

/// Told by the program. `R` is the report of a run: the program writes all of it, and a test reads [`RunReport`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum HoldEvent<R = RunReport> {
    /// Who speaks, and how. The first.
    Hello {
        /// [`VERSION`] of the program.
        protocol: u32,
        /// The program with its version: `bridgelab 0.1.0`.
        program: String,
    },
    /// The lab stands, its checks are done, and it does what it is asked for.
    Held {
        /// What there is in it.
        places: Places,
    },
    /// The answer to what was asked last.
    Answer {
        /// The answer.
        answer: Answer,
    },
    /// The verdict. The last.
    Report {
        /// The run.
        report: Box<R>,
    },
}
