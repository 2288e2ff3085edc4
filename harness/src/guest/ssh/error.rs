//! What goes wrong on a steering channel.

use std::io;
use std::time::Duration;

use crate::diagnostic::Diagnose;
use crate::hypervisor::Steering;

/// A command could not be run in a guest over its steering channel, or its outcome is not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The channel's host end could not be opened.
    #[error("open the steering channel `{end}`")]
    Open {
        /// Where it is.
        end: Steering,
        /// The kernel's answer.
        source: io::Error,
    },
    /// libssh2 or the guest's SSH server reported an error.
    #[error("{doing} over SSH")]
    Ssh {
        /// What was being done.
        doing: String,
        /// libssh2's words.
        source: ssh2::Error,
    },
    /// Reading or writing failed.
    #[error("{doing} over SSH")]
    Io {
        /// What was being done.
        doing: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The server is not who it should be.
    #[error("recognise the guest: its SSH host key is {got}, not {expected}")]
    HostKey {
        /// Base64 of the key that was given to the guest.
        expected: String,
        /// Base64 of the key it showed.
        got: String,
    },
    /// No answer in time.
    #[error("wait {waited:.1?} for `{command}`")]
    Timeout {
        /// What was run.
        command: String,
        /// How long.
        waited: Duration,
    },
    /// The channel's thread has ended.
    #[error("reach the steering thread: it has ended")]
    Closed,
}

impl Diagnose for ChannelError {
    fn code(&self) -> &'static str {
        match self {
            Self::Open { .. } => "channel.open",
            Self::Ssh { .. } | Self::Io { .. } => "channel.ssh",
            Self::HostKey { .. } => "channel.host-key",
            Self::Timeout { .. } => "channel.timeout",
            Self::Closed => "channel.closed",
        }
    }
}
