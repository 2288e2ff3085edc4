//! Why an image could not be had.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::diagnostic::Diagnose;
use crate::host::isolate::IsolateError;

/// An image could not be found or built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// No such recipe.
    #[error("find image `{name}` among the recipes in `{}`: there are {known}", folder.display())]
    UnknownRecipe {
        /// The name that was asked for.
        name: String,
        /// `images/`.
        folder: PathBuf,
        /// Names that exist.
        known: String,
    },
    /// There is no folder of recipes.
    #[error("look for recipes of images in `{}`", folder.display())]
    NoRecipes {
        /// The folder.
        folder: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A file of the recipe or of the cache could not be read or written.
    #[error("{doing} `{}`", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The build worker could not get its namespaces.
    #[error("isolate the image build")]
    Isolate {
        /// Why.
        source: IsolateError,
    },
    /// The recipe's build script failed.
    #[error("build image `{name}`: `{script}` ended with {status}; last lines of `{}`:\n{tail}", log.display())]
    Build {
        /// Image.
        name: String,
        /// Script of the recipe.
        script: String,
        /// Exit status.
        status: String,
        /// Full log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// An image is there, but a file of it is missing or is not as it was built.
    #[error("use image `{}`: {problem}", path.display())]
    Incomplete {
        /// Image folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl Diagnose for ImageError {
    fn code(&self) -> &'static str {
        match self {
            Self::UnknownRecipe { .. } | Self::NoRecipes { .. } => "image.unknown",
            Self::Io { .. } => "image.io",
            Self::Isolate { .. } => "image.isolate",
            Self::Build { .. } => "image.build",
            Self::Incomplete { .. } => "image.incomplete",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Isolate { source } => source.help(),
            Self::Build { log, tail, .. } => {
                let full = io::Error::from(io::ErrorKind::StorageFull);
                let help = tail.contains("No space left on device");
                let help = help.then(|| cache_help(log, &full)).flatten();
                help.or_else(|| Some("`bridgelab doctor` lists the tools a build needs".to_owned()))
            }
            Self::Io { path, source, .. } => cache_help(path, source),
            Self::Incomplete { path, .. } => Some(format!(
                "remove it and build again: `rm -rf {}; bridgelab image build`",
                path.display()
            )),
            Self::NoRecipes { .. } => Some(
                "`--images DIR` or `BRIDGELAB_IMAGES=DIR` names a folder of recipes: `images/` of bridgelab's source"
                    .to_owned(),
            ),
            Self::UnknownRecipe { .. } => None,
        }
    }
}

/// The remedy for an error about a file in the cache; `None`: the error is not about the cache's disk.
pub(crate) fn cache_help(path: &Path, source: &io::Error) -> Option<String> {
    let elsewhere = "choose another cache folder: `BRIDGELAB_CACHE=DIR`";
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some(format!(
            "see what fills the disk: `df -h {}`; or {elsewhere}",
            path.parent().unwrap_or(path).display()
        )),
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
            Some(format!("make it writable, or {elsewhere}"))
        }
        _ => None,
    }
}

/// The error of a file of the recipe or of the cache.
pub(super) fn io_error(
    doing: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(io::Error) -> ImageError {
    let path = path.into();
    move |source| ImageError::Io {
        doing,
        path,
        source,
    }
}
