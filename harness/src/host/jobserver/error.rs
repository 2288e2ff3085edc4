//! Why a place in the queue could not be asked for.

use std::io;
use std::path::{Path, PathBuf};

use super::budget;
use crate::diagnostic::Diagnose;

/// A run was not admitted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobserverError {
    /// A file of the queue could not be used.
    #[error("{doing} `{}`", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// File or folder.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The machine could never run it.
    #[error(
        "make room for a lab of {} of memory: this machine, or the container around us, has {}",
        budget::mebibytes(*need), budget::mebibytes(*physical)
    )]
    TooLarge {
        /// Bytes that it needs.
        need: u64,
        /// Bytes that there are.
        physical: u64,
    },
}

impl Diagnose for JobserverError {
    fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "host.jobserver",
            Self::TooLarge { .. } => "host.too-little-memory",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Io { source, .. } if source.raw_os_error() == Some(nix::libc::EMFILE) => {
                Some("`sysctl -w fs.inotify.max_user_instances=1024` allows more".to_owned())
            }
            Self::Io { .. } => Some(
                "XDG_RUNTIME_DIR or BRIDGELAB_CACHE chooses another place for the queue".to_owned(),
            ),
            Self::TooLarge { .. } => {
                Some("give the scenario's guests less `mem`, or fewer of them".to_owned())
            }
        }
    }
}

/// The error of a file of the queue.
pub(super) fn io_error(
    doing: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> JobserverError {
    let path = path.to_owned();
    move |source| JobserverError::Io {
        doing,
        path,
        source,
    }
}
