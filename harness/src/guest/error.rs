//! What goes wrong with a guest.

use std::time::Duration;

use super::personalization_error::PersonalizationError;
use super::ssh::ChannelError;
use crate::diagnostic::Diagnose;
use crate::host::service::ServiceError;
use crate::hypervisor::MonitorError;

/// A guest did not come up, or could not be reached any more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuestError {
    /// Its VMM did not start or ended.
    #[error("boot guest `{guest}`")]
    Vmm {
        /// Guest.
        guest: String,
        /// The VMM's end.
        source: ServiceError,
    },
    /// Its kernel or init gave up.
    #[error("boot guest `{guest}`: the console says `{sign}`; last lines:\n{tail}")]
    Died {
        /// Guest.
        guest: String,
        /// The line that says so.
        sign: String,
        /// End of the serial console.
        tail: String,
    },
    /// It did not announce itself in time.
    #[error(
        "wait {waited:.0?} for guest `{guest}` to open its steering channel{status}; last console lines:\n{tail}"
    )]
    BootTimeout {
        /// Guest.
        guest: String,
        /// How long.
        waited: Duration,
        /// What its VMM says, or nothing.
        status: String,
        /// End of the serial console.
        tail: String,
    },
    /// It ended while it should run.
    #[error("keep guest `{guest}` running: {how}; last console lines:\n{tail}")]
    Lost {
        /// Guest.
        guest: String,
        /// What its console or its VMM's end says.
        how: String,
        /// End of the serial console.
        tail: String,
    },
    /// What it wrote to its disk found no room.
    #[error(
        "keep guest `{guest}` running: {said}: what it wrote to its disk found no room in {place}; last console lines:\n{tail}"
    )]
    NoRoom {
        /// Guest.
        guest: String,
        /// How that is known: the VMM's words, or the console's.
        said: String,
        /// The folder that takes its writes, and how much room there is.
        place: String,
        /// How room is made there.
        help: String,
        /// End of the serial console.
        tail: String,
    },
    /// The steering channel failed.
    #[error("steer guest `{guest}`")]
    Channel {
        /// Guest.
        guest: String,
        /// Why.
        source: ChannelError,
    },
    /// The monitor refused to start it from its template.
    #[error("start guest `{guest}` from its template")]
    Monitor {
        /// Guest.
        guest: String,
        /// Its words.
        source: MonitorError,
    },
    /// The guest did not take on an identity of its own.
    #[error("give guest `{guest}`, started from a template, its identity")]
    Personalization {
        /// Guest.
        guest: String,
        /// What went wrong.
        source: PersonalizationError,
    },
    /// Its kernel has not got a sysctl that the scenario sets, or does not take its value.
    #[error("set sysctls of guest `{guest}`: {said}")]
    Sysctl {
        /// Guest.
        guest: String,
        /// What the guest said.
        said: String,
    },
    /// Its Docker does not run.
    #[error("start Docker in guest `{guest}`: {said}")]
    Docker {
        /// Guest.
        guest: String,
        /// What systemd said.
        said: String,
    },
    /// Its Docker refused to start a container.
    #[error("`docker run {container}` in guest `{guest}`: {said}")]
    Container {
        /// Guest.
        guest: String,
        /// Container.
        container: String,
        /// What Docker said.
        said: String,
    },
    /// Keys or other files of its identity could not be made.
    #[error("make the identity of guest `{guest}`: {why}")]
    Identity {
        /// Guest.
        guest: String,
        /// What went wrong.
        why: String,
    },
}

impl Diagnose for GuestError {
    fn code(&self) -> &'static str {
        match self {
            Self::Vmm { .. } => "guest.vmm",
            Self::Died { .. } => "guest.died",
            Self::BootTimeout { .. } => "guest.boot-timeout",
            Self::Lost { .. } => "guest.lost",
            Self::NoRoom { .. } => "guest.no-room",
            Self::Channel { .. } => "guest.channel",
            Self::Monitor { .. } => "guest.monitor",
            Self::Personalization { .. } => "guest.takeover",
            Self::Sysctl { .. } => "guest.sysctl",
            Self::Docker { .. } => "guest.docker",
            Self::Container { .. } => "guest.container",
            Self::Identity { .. } => "guest.identity",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Vmm { source, .. } => source.help(),
            Self::NoRoom { help, .. } => Some(help.clone()),
            Self::Identity { .. } => {
                Some("install ssh-keygen: `apt-get install openssh-client`".to_owned())
            }
            Self::Sysctl { .. } => Some(
                "a NIC goes by its `id`, or by its name in the guest; links that are made later have their sysctls by a \
                 step `sysctl`"
                    .to_owned(),
            ),
            Self::Docker { .. } => Some("the guest's `journal.txt` has what dockerd said".to_owned()),
            Self::Container { container, .. } => Some(format!(
                "a check that expects it: `container = {{ name = \"{container}\", refused = \"words\" }}`, from the guest"
            )),
            _ => None,
        }
    }
}
