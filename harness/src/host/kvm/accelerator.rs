//! Which accelerator a guest gets, and why.

use serde::{Deserialize, Serialize};

use super::KvmVerdict;
pub use crate::plan::Accelerator;

use crate::host::capability::Capability;
use crate::host::finding::Unmet;

/// What the user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AcceleratorRequest {
    /// KVM where it is proven, else TCG.
    #[default]
    Auto,
    /// KVM or nothing.
    Kvm,
    /// TCG, whatever KVM could do.
    Tcg,
}

/// Chooses the accelerator and says why, fit for a report.
///
/// # Errors
/// KVM was demanded and is known not to work. KVM that is merely unproven is tried when it is demanded.
pub fn select_accelerator(
    request: AcceleratorRequest,
    verdict: &KvmVerdict,
) -> Result<(Accelerator, String), Unmet> {
    use AcceleratorRequest as Ask;
    match (request, verdict) {
        (Ask::Tcg, _) => Ok((Accelerator::Tcg, "asked for".to_owned())),
        (_, KvmVerdict::Works { seen }) => Ok((Accelerator::Kvm, format!("proven: {seen}"))),
        (Ask::Auto, KvmVerdict::No { reason, .. }) => {
            Ok((Accelerator::Tcg, format!("no KVM: {reason}")))
        }
        // Guests run without KVM too, so what is not known is no failure.
        (Ask::Auto, KvmVerdict::Unproven { reason } | KvmVerdict::Unanswered { reason }) => Ok((
            Accelerator::Tcg,
            format!("KVM could not be proven: {reason}"),
        )),
        (Ask::Kvm, KvmVerdict::Unproven { reason } | KvmVerdict::Unanswered { reason }) => Ok((
            Accelerator::Kvm,
            format!("asked for, though not proven: {reason}"),
        )),
        (Ask::Kvm, KvmVerdict::No { reason, remedy }) => Err(Unmet {
            capability: Capability::Kvm,
            reason: reason.clone(),
            remedy: remedy.clone(),
            unanswered: false,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(request: AcceleratorRequest, verdict: &KvmVerdict) -> Option<(Accelerator, String)> {
        select_accelerator(request, verdict).ok()
    }

    #[test]
    fn every_request_meets_every_verdict() {
        use AcceleratorRequest::{Auto, Kvm, Tcg};
        let works = KvmVerdict::Works {
            seen: "it booted".into(),
        };
        let no = KvmVerdict::No {
            reason: "no node".into(),
            remedy: Some("modprobe kvm_amd".into()),
        };
        let unproven = KvmVerdict::Unproven {
            reason: "no kernel".into(),
        };
        let kind = |request, verdict| chosen(request, verdict).map(|(kind, _)| kind);
        assert_eq!(kind(Auto, &works), Some(Accelerator::Kvm));
        assert_eq!(kind(Auto, &no), Some(Accelerator::Tcg));
        assert_eq!(kind(Auto, &unproven), Some(Accelerator::Tcg));
        assert_eq!(kind(Kvm, &works), Some(Accelerator::Kvm));
        assert_eq!(kind(Kvm, &unproven), Some(Accelerator::Kvm));
        let unanswered = KvmVerdict::Unanswered {
            reason: "signal: 9 (SIGKILL)".into(),
        };
        assert_eq!(kind(Auto, &unanswered), Some(Accelerator::Tcg));
        assert_eq!(kind(Kvm, &unanswered), Some(Accelerator::Kvm));
        for verdict in [&works, &no, &unproven, &unanswered] {
            assert_eq!(kind(Tcg, verdict), Some(Accelerator::Tcg));
        }
        let unmet = select_accelerator(Kvm, &no).unwrap_err();
        assert_eq!(
            (unmet.reason.as_str(), unmet.remedy.as_deref()),
            ("no node", Some("modprobe kvm_amd"))
        );
    }

    #[test]
    fn the_reason_is_part_of_the_choice() {
        let no = KvmVerdict::No {
            reason: "no node".into(),
            remedy: None,
        };
        assert_eq!(
            chosen(AcceleratorRequest::Auto, &no).unwrap().1,
            "no KVM: no node"
        );
    }
}
