//! What is known about a capability here. What is absent carries its reason and, where there is one, the single
//! command that mends it.

use std::fmt;

use serde::Serialize;

use super::capability::{Capability, Need};
use crate::diagnostic::Diagnose;

/// Whether a capability is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Status {
    /// It was seen to work.
    Present {
        /// Version of the program, where there is one.
        version: Option<String>,
        /// Where it is, or what was seen.
        detail: String,
    },
    /// It is not here, does not work, or could not be tried.
    Absent {
        /// What was seen.
        reason: String,
    },
    /// The program that was to find out was ended by a signal, or did not answer in time: nothing is known.
    Unanswered {
        /// Which program, and what ended it.
        reason: String,
    },
}

/// What is known about one capability of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which one.
    pub capability: Capability,
    /// Whether it is here.
    pub status: Status,
    /// The one command that mends it.
    pub remedy: Option<String>,
    /// See [`Capability::purpose`].
    pub needed_for: &'static str,
    /// See [`Capability::need`].
    pub need: Need,
    /// See [`Capability::in_lab_vm`].
    pub in_lab_vm: bool,
}

impl Finding {
    /// A finding that the capability is here.
    pub fn present(
        capability: Capability,
        version: Option<String>,
        detail: impl Into<String>,
    ) -> Self {
        let detail = detail.into();
        Self::new(capability, Status::Present { version, detail }, None)
    }

    /// A finding that the capability is not here.
    pub fn absent(
        capability: Capability,
        reason: impl Into<String>,
        remedy: Option<String>,
    ) -> Self {
        let reason = reason.into();
        Self::new(capability, Status::Absent { reason }, remedy)
    }

    /// A finding that nothing is known of the capability.
    pub fn unanswered(capability: Capability, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::new(capability, Status::Unanswered { reason }, None)
    }

    fn new(capability: Capability, status: Status, remedy: Option<String>) -> Self {
        Self {
            capability,
            status,
            remedy,
            needed_for: capability.purpose(),
            need: capability.need(),
            in_lab_vm: capability.in_lab_vm(),
        }
    }

    /// Whether it is here.
    pub const fn is_present(&self) -> bool {
        matches!(self.status, Status::Present { .. })
    }

    /// The finding as an error, unless the capability is here.
    pub fn unmet(&self) -> Option<Unmet> {
        let (reason, unanswered) = match &self.status {
            Status::Present { .. } => return None,
            Status::Absent { reason } => (reason, false),
            Status::Unanswered { reason } => (reason, true),
        };
        Some(Unmet {
            capability: self.capability,
            reason: reason.clone(),
            remedy: self.remedy.clone(),
            unanswered,
        })
    }
}

/// Something that is needed is not here, or it is not known whether it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unmet {
    /// What is needed.
    pub capability: Capability,
    /// What was seen instead.
    pub reason: String,
    /// The one command that mends it.
    pub remedy: Option<String>,
    /// See [`Status::Unanswered`]: a run that needs it is broken, and not skipped.
    pub unanswered: bool,
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (capability, reason) = (self.capability, &self.reason);
        let purpose = capability.purpose();
        match self.unanswered {
            true => write!(
                f,
                "whether this machine has a usable `{capability}` ({purpose}) was not answered: {reason}"
            ),
            false => write!(
                f,
                "this machine has no usable `{capability}` ({purpose}): {reason}"
            ),
        }
    }
}

impl std::error::Error for Unmet {}

impl Diagnose for Unmet {
    fn code(&self) -> &'static str {
        match self.unanswered {
            true => "host.unanswered",
            false => "host.unmet",
        }
    }

    fn help(&self) -> Option<String> {
        if self.unanswered {
            return Some(
                "run it again; what the kernel ended for want of memory is in its log: `dmesg | grep -i 'killed process'`"
                    .to_owned(),
            );
        }
        let in_vm = || format!("`--lab auto`: in a VM the lab has `{}`", self.capability);
        let remedy = self.remedy.clone();
        remedy.or_else(|| self.capability.in_lab_vm().then(in_vm))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_answered_for_is_no_lack_of_this_machine() {
        let found = Finding::unanswered(Capability::Netem, "the probe: signal: 9 (SIGKILL)");
        assert!(!found.is_present());
        let unmet = found.unmet().unwrap();
        assert_eq!(unmet.code(), "host.unanswered");
        assert!(unmet.to_string().contains("was not answered: the probe"));
        // A lab in a VM is no remedy: nothing is known to be lacking.
        assert!(!unmet.help().unwrap().contains("--lab"));
    }

    #[test]
    fn an_absent_finding_becomes_an_error_with_its_remedy() {
        let found = Finding::absent(
            Capability::Tap,
            "no /dev/net/tun",
            Some("modprobe tun".into()),
        );
        let unmet = found.unmet().unwrap();
        assert_eq!(unmet.help().as_deref(), Some("modprobe tun"));
        assert_eq!(
            unmet.to_string(),
            "this machine has no usable `tap` (the guests' network cards): no /dev/net/tun"
        );
        assert!(
            Finding::present(Capability::Tap, None, "")
                .unmet()
                .is_none()
        );
    }
}
