//! What went wrong with a process of the lab.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::diagnostic::Diagnose;

/// A process of the lab did not start, did not become ready, or did not end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// It could not be started.
    #[error("start `{command}`")]
    Start {
        /// Full command line.
        command: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// It ended while it should run.
    #[error("keep `{name}` running: it ended with {status}; it said: {tail}")]
    Ended {
        /// Short name.
        name: String,
        /// Exit status or signal.
        status: String,
        /// Last lines of its log.
        tail: String,
    },
    /// It was not ready in time.
    #[error("wait {waited:.1?} for `{name}` to be ready ({sign}); last lines: {tail}")]
    NotReady {
        /// Short name.
        name: String,
        /// The sign of readiness that did not come.
        sign: String,
        /// How long.
        waited: Duration,
        /// Last lines of its log.
        tail: String,
    },
    /// A file it needs could not be written.
    #[error("write `{}` for `{name}`", path.display())]
    Prepare {
        /// Short name.
        name: String,
        /// File.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
}

impl Diagnose for ServiceError {
    fn code(&self) -> &'static str {
        match self {
            Self::Start { .. } => "host.service-start",
            Self::Ended { .. } => "host.service-ended",
            Self::NotReady { .. } => "host.service-not-ready",
            Self::Prepare { .. } => "host.service-files",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Start { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Some("`bridgelab doctor --setup` installs what is missing".to_owned())
            }
            _ => None,
        }
    }
}
