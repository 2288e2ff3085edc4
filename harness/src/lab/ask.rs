//! What may be asked of a lab that is held for a test, and what it answers: one JSON object a line, each answered
//! before the next is read.

use serde::{Deserialize, Serialize};

use crate::report::{CheckReport, StepReport};

/// The file in the evidence with the scenario as it was when a held lab was asked for something last.
pub const ASKED: &str = "asked.toml";

/// Asked of a held lab.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
    /// Carry out one check, as if it stood in the file.
    Check {
        /// The text of the whole scenario, with the check in it.
        scenario: String,
        /// The check's id.
        id: String,
    },
    /// Carry out one step, as if it stood last in the file.
    Step {
        /// The text of the whole scenario, with the step in it.
        scenario: String,
        /// The step's id.
        id: String,
    },
    /// Judge what was checked, gather evidence, take everything down, report. The last.
    Finish,
}

/// The answer to an [`Ask`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// What a command left.
    Ran {
        /// Standard output.
        stdout: String,
        /// Standard error.
        stderr: String,
        /// Exit status; `None`: ended by a signal.
        status: Option<i32>,
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
    /// It could not be done; says nothing about the network.
    Refused {
        /// Why.
        why: String,
    },
}
