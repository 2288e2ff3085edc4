//! What a guest was, and what it took.

use serde::{Deserialize, Serialize};

use crate::guest::nics::Nic;
use crate::host::process_memory::ProcessMemory;

/// The machine type that a guest got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestReport {
    /// Guest.
    pub name: String,
    /// QEMU's machine type, or `ghost`.
    pub machine: String,
    /// Why that one.
    pub reason: String,
    /// `cold` or `template`.
    pub start: String,
    /// Which template, or why none.
    pub start_reason: String,
    /// Memory of its VMM after the checks; `None` for a guest that has no VMM, or whose VMM had ended.
    #[serde(default)]
    pub memory: Option<GuestMemory>,
    /// Its NICs as its kernel had them after the checks; empty for a ghost, and for a guest that could not be asked.
    #[serde(default)]
    pub nics: Vec<NicReport>,
}

/// A NIC of a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NicReport {
    /// Its `id` in the scenario; `None` for a NIC that a step plugged in.
    pub id: Option<String>,
    /// As the guest's kernel has it.
    #[serde(flatten)]
    pub nic: Nic,
}

/// What a guest takes of this machine's memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestMemory {
    /// Memory of the whole VMM: the guest's, and what QEMU needs for itself, for example for translated code.
    #[serde(flatten)]
    pub vmm: ProcessMemory,
    /// Memory from the template alone, which guests share until they write to it; `None` for a cold start.
    pub template: Option<ProcessMemory>,
}
