//! What `bridgelab doctor` found.

use serde::Serialize;

use super::super::finding::Finding;
use super::super::isolate::Refused;
use super::super::kvm::KvmVerdict;
use super::super::setup::Distribution;
use super::super::tool::Tools;

/// What the doctor found.
#[derive(Debug, Clone, Serialize)]
pub struct DoctorReport {
    /// Version of this structure.
    pub schema: u32,
    /// Release of the running kernel.
    pub kernel: String,
    /// For example `x86_64`.
    pub architecture: &'static str,
    /// Processors that this process may use.
    pub processors: usize,
    /// Whether this process is root.
    pub root: bool,
    /// Why the lab of this root has no user namespace of its own; `None`: it has, as everybody else's.
    pub shares_user_namespace: Option<Refused>,
    /// The one command that installs every required program that is missing.
    pub setup: Option<String>,
    /// The distribution.
    pub distribution: Distribution,
    /// One for each capability, required ones first.
    pub findings: Vec<Finding>,
    /// Whether KVM runs a stock kernel.
    pub kvm: KvmVerdict,
    /// The programs that were found, for a caller that goes on to use them.
    #[serde(skip)]
    pub tools: Tools,
}
