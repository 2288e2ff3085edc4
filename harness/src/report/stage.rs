//! Where a run stood and what it spent its time on.

use serde::{Deserialize, Serialize};

/// Where a lab stood.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabPlace {
    /// On this machine.
    #[default]
    Here,
    /// In a VM on this machine.
    Vm,
}

/// Where a run's lab stood, and why there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabReport {
    /// Here, or in a VM.
    pub place: LabPlace,
    /// Why; empty for the usual place.
    pub reason: String,
    /// Accelerator of the VM that it stood in. The run's `accelerator` is that of the guests in there.
    pub accelerator: Option<String>,
    /// Why that one.
    pub accelerator_reason: Option<String>,
    /// `own`, or why the lab used the caller's; empty where no lab was built.
    #[serde(default)]
    pub user_namespace: String,
}

/// A stage of a run and what it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageReport {
    /// `queue`, `topology`, `boot`, `containers`, `checks`, `step ID`, `checks after ID`, `diagnosis`,
    /// `evidence`, `teardown`.
    pub name: String,
    /// When it began, in milliseconds from the run's start; negative for `queue`, which ends there.
    #[serde(default)]
    pub at_ms: i64,
    /// Milliseconds.
    pub ms: u64,
    /// Whether the run, or its time, ended within it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut_short: bool,
}

/// A fact that a stage waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitReport {
    /// The stage that waited.
    pub stage: String,
    /// The fact, in words.
    pub what: String,
    /// When it began to wait, in milliseconds from the run's start.
    pub at_ms: i64,
    /// Milliseconds until it held, or until the wait was given up.
    pub ms: u64,
}
