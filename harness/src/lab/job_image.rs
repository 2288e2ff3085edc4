//! The image that a job boots its guests from.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A built image, as a worker needs to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobImage {
    /// Its folder in the cache.
    pub folder: PathBuf,
    /// Its recipe's digest.
    pub digest: String,
}
