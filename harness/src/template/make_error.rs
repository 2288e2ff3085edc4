//! Why the worker made no template.

use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::Diagnostic;
use crate::guest::start::StartError;
use crate::guest::{GuestError, LayerError};
use crate::host::isolate::IsolateError;
use crate::host::service::ServiceError;
use crate::hypervisor::MonitorError;

/// The worker could not make a template. It says so on its standard output to whoever started it, so the words hold the whole
/// of it: what was being done, what the kernel, the VMM or the guest said, and what mends it.
#[derive(Debug, thiserror::Error)]
pub(super) enum MakeError {
    /// The job was not read.
    #[error("read the job: {0}")]
    Job(io::Error),
    /// The job makes no sense.
    #[error("understand the job: {0}")]
    Garbled(serde_json::Error),
    /// There is no runtime for the conversation with the VMM.
    #[error("start the runtime: {0}")]
    Runtime(io::Error),
    /// A file of the template could not be made.
    #[error("{doing} `{}`: {said}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// The kernel's answer.
        said: io::Error,
    },
    /// The worker has no namespaces of its own, or something was not mounted in them.
    #[error("{}", Diagnostic::new(.0))]
    Isolate(IsolateError),
    /// The file for the guest's writes to its disk could not be made.
    #[error("make the disk `{}`: {said}", layer.display())]
    Layer {
        /// The file.
        layer: PathBuf,
        /// Why.
        said: LayerError,
    },
    /// The guest has no identity, did not boot, or does not answer.
    #[error("{}", Diagnostic::new(.0))]
    Guest(GuestError),
    /// Its VMM did not start.
    #[error("{}", Diagnostic::new(.0))]
    Vmm(ServiceError),
    /// Its VMM's monitor refused.
    #[error("{}", Diagnostic::new(.0))]
    Monitor(MonitorError),
    /// The guest did not settle.
    #[error("{step}: {said}")]
    Settle {
        /// What it was to do or to wait for.
        step: &'static str,
        /// What it printed.
        said: String,
    },
}

impl MakeError {
    /// Turns the kernel's answer to `doing` something with `path` into an error.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |said| Self::Io { doing, path, said }
    }
}

impl From<IsolateError> for MakeError {
    fn from(error: IsolateError) -> Self {
        Self::Isolate(error)
    }
}

impl From<GuestError> for MakeError {
    fn from(error: GuestError) -> Self {
        Self::Guest(error)
    }
}

impl From<ServiceError> for MakeError {
    fn from(error: ServiceError) -> Self {
        Self::Vmm(error)
    }
}

impl From<MonitorError> for MakeError {
    fn from(error: MonitorError) -> Self {
        Self::Monitor(error)
    }
}

/// What goes wrong before the VMM starts.
impl From<StartError> for MakeError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Io {
                doing,
                path,
                source: said,
            } => Self::Io { doing, path, said },
            StartError::Layer {
                layer,
                source: said,
            } => Self::Layer { layer, said },
            StartError::Guest(error) => Self::Guest(error),
            StartError::Vmm(error) => Self::Vmm(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_hold_the_whole_of_it() {
        let refused = io::Error::from_raw_os_error(libc::EACCES);
        let created = MakeError::io("create", Path::new("/t/ram"))(refused);
        assert_eq!(
            created.to_string(),
            "create `/t/ram`: Permission denied (os error 13)"
        );
        let layer = MakeError::from(StartError::Layer {
            layer: PathBuf::from("/t/overlay"),
            source: LayerError::Refused {
                said: "no space".to_owned(),
            },
        });
        assert_eq!(
            layer.to_string(),
            "make the disk `/t/overlay`: qemu-img create: no space"
        );
        let mount = MakeError::from(IsolateError::Mount {
            what: "/a on /b".to_owned(),
            source: io::Error::from_raw_os_error(libc::EPERM),
        });
        assert_eq!(
            mount.to_string(),
            "mount /a on /b in the worker's namespace: Operation not permitted (os error 1) [host.mount-denied]"
        );
    }
}
