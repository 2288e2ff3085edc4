//! Kernel features, tried for real.
//!
//! A node in `/dev` or a line in a kernel configuration proves nothing, so each feature is used once: in a child
//! process with namespaces of its own, which takes everything it made with it when it ends. Nothing is ever
//! created in the caller's network namespace.
//!
//! The child is this same program, started again with a hidden argument ([`ProbeCommand`]), because entering a user
//! namespace is refused to a process with more than one thread.

mod child;
mod idmap;
mod links;
mod reading;
mod sysctls;
mod watch;

pub use child::probe_child;
pub(crate) use idmap::user_name;
pub(crate) use reading::findings;
pub(crate) use sysctls::Sysctls;
pub use watch::{ProbeCommand, ProbeError, probe};

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use serde::{Deserialize, Serialize};

use super::capability::Capability;
use super::tool::Tool;

/// Hidden subcommand of the binary that calls [`probe_child`].
pub const PROBE_ARGUMENT: &str = "__probe";

/// What became of using a feature once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum Attempt {
    /// It worked.
    Works {
        /// What was done or seen.
        detail: String,
    },
    /// It did not.
    Failed {
        /// What was tried.
        doing: String,
        /// What the kernel or the tool said.
        said: String,
        /// The kernel's error number, where the probe itself made the system call.
        errno: Option<i32>,
    },
    /// A program that tries it is absent.
    NoProgram {
        /// Its name.
        program: String,
        /// The capability that brings it.
        part_of: Capability,
    },
    /// The process that tried it was ended by a signal, or did not end: nothing is known.
    Unanswered {
        /// Which process, and what ended it.
        who: String,
    },
    /// There was no way to try.
    NotTried {
        /// Why.
        why: String,
    },
}

/// What the child tried, by capability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeReport {
    /// Version of this structure: child and parent are the same program, unless it was replaced meanwhile.
    pub schema: u32,
    /// One attempt each.
    pub attempts: BTreeMap<Capability, Attempt>,
}

impl ProbeReport {
    /// See [`ProbeReport::schema`].
    pub const SCHEMA: u32 = 2;
}

impl Attempt {
    pub(super) fn failed(doing: impl Into<String>, error: impl Into<std::io::Error>) -> Self {
        let error = error.into();
        Self::Failed {
            doing: doing.into(),
            errno: error.raw_os_error(),
            said: error.to_string(),
        }
    }

    pub(super) fn works(detail: impl Into<String>) -> Self {
        Self::Works {
            detail: detail.into(),
        }
    }

    pub(super) fn no_program(tool: Tool) -> Self {
        Self::NoProgram {
            program: tool.program().to_owned(),
            part_of: tool.capability(),
        }
    }

    /// `said`: the last words of a program that did not end well.
    pub(super) fn ended(doing: String, status: ExitStatus, said: String) -> Self {
        match status.signal() {
            Some(_) => Self::Unanswered {
                who: format!("{doing}: it ended with {status}"),
            },
            None => Self::Failed {
                doing,
                said,
                errno: None,
            },
        }
    }

    fn not_tried(why: impl Into<String>) -> Self {
        Self::NotTried { why: why.into() }
    }
}
