//! Whether KVM runs a stock kernel here.

use serde::{Deserialize, Serialize};

/// Whether KVM runs a stock kernel here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum KvmVerdict {
    /// A stock kernel booted under it.
    Works {
        /// What was seen.
        seen: String,
    },
    /// A stock kernel does not run under it.
    No {
        /// What was seen instead.
        reason: String,
        /// The one command that mends it.
        remedy: Option<String>,
    },
    /// There was nothing to try it with, or the trial told nothing.
    Unproven {
        /// Why.
        reason: String,
    },
    /// The QEMU that was to prove it was ended by a signal, or stood still: nothing is known.
    Unanswered {
        /// Which program, and what ended it.
        reason: String,
    },
}

impl KvmVerdict {
    /// Whether a guest may be started under KVM.
    pub const fn works(&self) -> bool {
        matches!(self, Self::Works { .. })
    }

    pub(super) fn no(reason: impl Into<String>) -> Self {
        Self::No {
            reason: reason.into(),
            remedy: None,
        }
    }
}
