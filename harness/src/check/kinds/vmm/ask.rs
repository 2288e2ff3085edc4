//! Looks at a guest's VMM from outside.

use super::judge::VmmSeen;
use crate::check::started::VmmStart;
use crate::host::service::ServiceError;

/// Lines of stderr that a verdict quotes; all of it is in the evidence.
const LINES: usize = 5;

/// Looks once at a guest's VMM.
pub(super) async fn look(vmm: Option<&VmmStart>) -> VmmSeen {
    match vmm {
        None => VmmSeen::NotRunning,
        Some(VmmStart::Refused { status, said }) => VmmSeen::Ended {
            at_start: true,
            status: status.clone(),
            said: said.clone(),
        },
        Some(VmmStart::Started(guest)) => {
            let Some(guest) = guest.upgrade() else {
                return VmmSeen::NotRunning;
            };
            match guest.vmm_end().await {
                None => VmmSeen::Runs {
                    said: guest.vmm_errors(LINES).await,
                },
                Some(ServiceError::Ended { status, tail, .. }) => VmmSeen::Ended {
                    at_start: false,
                    status,
                    said: tail,
                },
                Some(other) => VmmSeen::Ended {
                    at_start: false,
                    status: other.to_string(),
                    said: String::new(),
                },
            }
        }
    }
}
