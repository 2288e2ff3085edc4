//! Templates: settled guests, saved once, from which others start in less than a second.
//!
//! A template is one image on one machine key under one QEMU, booted without any NIC until Docker and its container
//! image are loaded, and then saved: memory in a sparse file, the disk's changes in an overlay, the devices' state in
//! a few hundred kB. A guest maps the memory copy-on-write, gets an identity of its own, unit files and NICs, and only
//! then starts networkd and sshd. See `docs/templates.md`.

mod cache_key;
mod contents;
mod eviction;
mod files;
mod make;
mod make_error;
mod store;

pub use cache_key::{CacheKey, QemuVersion};
pub use make::{WORKER_COMMAND, mount_template, worker_main};
pub use store::{Progress, Template, TemplateStore};

use std::io;
use std::path::PathBuf;

use crate::diagnostic::Diagnose;

/// A template could not be made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// A file of the cache could not be read or written.
    #[error("{doing} `{}`", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The worker ended without having made a template.
    #[error("make a template of {key}: {said}")]
    Make {
        /// Which.
        key: String,
        /// Why, in the worker's words.
        said: String,
    },
    /// A template is there, but is not as it was made.
    #[error("use template `{}`: {problem}", path.display())]
    Damaged {
        /// Its folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The disk has no room for another template.
    #[error("make room for a template in `{}`: it needs up to {needed} MiB, {free} MiB are free", path.display())]
    Full {
        /// Cache folder.
        path: PathBuf,
        /// Room that the template may need, in MiB.
        needed: u64,
        /// Room that would be free if all unused templates were removed, in MiB.
        free: u64,
    },
}

impl Diagnose for TemplateError {
    fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "template.io",
            Self::Make { .. } => "template.make",
            Self::Damaged { .. } => "template.damaged",
            Self::Full { .. } => "template.full",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Full { path, .. } => Some(format!(
                "free some, or remove templates: `rm -rf {}/*`; `--cold` needs none",
                path.display()
            )),
            Self::Make { .. } => Some("`--cold` boots guests without a template".to_owned()),
            Self::Io { path, source, .. } => crate::image::cache_help(path, source),
            Self::Damaged { .. } => None,
        }
    }
}

fn io_error(
    doing: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(io::Error) -> TemplateError {
    let path = path.into();
    move |source| TemplateError::Io {
        doing,
        path,
        source,
    }
}
