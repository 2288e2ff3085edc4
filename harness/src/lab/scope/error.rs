//! Why there is no lab for a test.

use std::io::{self};
use std::path::PathBuf;

use super::PROGRAM_VARIABLE;
use crate::diagnostic::Diagnose;
use crate::scenario::{BuildError, ScenarioErrors};

/// Why there is no lab, or it did not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoLab {
    /// The scenario that was built is not valid, or could not be written.
    #[error(transparent)]
    Built(#[from] BuildError),
    /// A check is not valid.
    #[error("{}", .0.render(false))]
    Invalid(#[from] ScenarioErrors),
    /// The program did not start, or the pipe to it broke.
    #[error("{doing} `{}`", program.display())]
    Program {
        /// What was being done.
        doing: &'static str,
        /// The program.
        program: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// It ended before there was a lab, without a report: what it said.
    #[error("bridgelab ended without a lab: {0}")]
    Ended(String),
    /// This machine cannot have the lab: why.
    #[error("skipped: because {0}")]
    Skipped(String),
    /// The lab did not come to stand: the report's problem.
    #[error("the lab did not come to stand: {0}")]
    Broken(String),
    /// The lab has nothing of that name.
    #[error("the lab has no {what} `{name}`: {help}")]
    Unknown {
        /// What was looked for: `vantage`, `guest`, `container`.
        what: &'static str,
        /// Its name.
        name: String,
        /// The nearest name, or all there are.
        help: String,
    },
    /// What was asked could not be done; says nothing about the network.
    #[error("{0}")]
    Refused(String),
}

impl Diagnose for NoLab {
    fn code(&self) -> &'static str {
        match self {
            Self::Built(error) => error.code(),
            Self::Invalid(errors) => errors.code(),
            Self::Program { .. } => "lab.program",
            Self::Ended(_) => "lab.program-ended",
            Self::Skipped(_) => "lab.skipped",
            Self::Broken(_) => "lab.broken",
            Self::Unknown { .. } => "lab.unknown",
            Self::Refused(_) => "lab.refused",
        }
    }

    fn help(&self) -> Option<String> {
        matches!(self, Self::Program { .. })
            .then(|| format!("put `bridgelab` into PATH, or its path into {PROGRAM_VARIABLE}"))
    }
}
