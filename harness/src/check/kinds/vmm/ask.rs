//! Looks at a guest's VMM from outside.

use std::sync::Weak;

use super::VmmSeen;
use crate::guest::Guest;
use crate::host::service::ServiceError;

/// Lines of stderr that a verdict quotes; all of it is in the evidence.
const LINES: usize = 5;

/// A VMM that was started.
#[derive(Debug, Clone)]
pub enum VmmStart {
    /// Its guest came up. Not held, so that whoever has the guest can stop it.
    Started(Weak<Guest>),
    /// It ended before its guest was heard of.
    Refused {
        /// Exit status or signal.
        status: String,
        /// The end of what it wrote to stderr.
        said: String,
    },
}

/// Looks once.
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
