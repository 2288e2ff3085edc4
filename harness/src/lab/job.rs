//! What supervisor and worker say to each other: one job down, events up, one JSON object a line.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::hypervisor::Accelerator;
use crate::plan::GuestKind;
use crate::report::RunReport;

/// Hidden subcommand of the binary that becomes a worker.
pub const WORKER_COMMAND: &str = "__worker";

/// What the supervisor may write after the job: end the run in good order.
pub(super) const CANCEL: &str = "cancel";

/// One run, as its worker needs to know it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// Scenario file.
    pub scenario: PathBuf,
    /// Variant; `None`: the green form.
    pub variant: Option<String>,
    /// Folder of the built image, when the scenario has guests.
    pub image: Option<PathBuf>,
    /// The image's digest.
    pub image_digest: Option<String>,
    /// What stands for the guests.
    #[serde(default)]
    pub guests: GuestKind,
    /// Accelerator for the guests.
    pub accelerator: Accelerator,
    /// Why that one.
    pub accelerator_reason: String,
    /// Folder for evidence; exists and is empty.
    pub evidence: PathBuf,
    /// Hold the lab after the checks until told to end.
    pub keep: bool,
    /// The command that repeats this run.
    pub reproduce: String,
}

/// What a worker reports while it runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Something began; `text` is for people.
    Progress {
        /// What.
        text: String,
    },
    /// `--keep`: the lab stands and these are its machines and guests.
    Kept {
        /// Namespace machines.
        machines: Vec<String>,
        /// Guests.
        guests: Vec<String>,
        /// Private folder with sockets and keys, as the worker sees it.
        run: PathBuf,
    },
    /// The verdict; the last event.
    Report {
        /// The run.
        report: Box<RunReport>,
    },
}
