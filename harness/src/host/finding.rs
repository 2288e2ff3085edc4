//! What is known about a capability here. What is absent carries its reason and, where there is one, the single
//! command that mends it.

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
    /// It is here.
    pub fn present(
        capability: Capability,
        version: Option<String>,
        detail: impl Into<String>,
    ) -> Self {
        let detail = detail.into();
        Self::new(capability, Status::Present { version, detail }, None)
    }

    /// It is not.
    pub fn absent(
        capability: Capability,
        reason: impl Into<String>,
        remedy: Option<String>,
    ) -> Self {
        let reason = reason.into();
        Self::new(capability, Status::Absent { reason }, remedy)
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

    /// As an error, when it is not here.
    pub fn unmet(&self) -> Option<Unmet> {
        match &self.status {
            Status::Present { .. } => None,
            Status::Absent { reason } => Some(Unmet {
                capability: self.capability,
                reason: reason.clone(),
                remedy: self.remedy.clone(),
            }),
        }
    }
}

/// Something needed is not here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("this machine has no usable `{capability}` ({}): {reason}", .capability.purpose())]
pub struct Unmet {
    /// What is needed.
    pub capability: Capability,
    /// What was seen instead.
    pub reason: String,
    /// The one command that mends it.
    pub remedy: Option<String>,
}

impl Diagnose for Unmet {
    fn code(&self) -> &'static str {
        "host.unmet"
    }

    fn help(&self) -> Option<String> {
        let in_vm = || format!("`--lab auto`: in a VM the lab has `{}`", self.capability);
        let remedy = self.remedy.clone();
        remedy.or_else(|| self.capability.in_lab_vm().then(in_vm))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
