//! What a process could not write of its run's evidence: logs, captures, states. A verdict whose evidence is not whole
//! says so.

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Files named at most; of a full disk they all tell the same.
const NAMED: usize = 8;

/// The one list of this process, which carries out one run.
static FILES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Notes that a file of the evidence could not be written, or not all of it. Each file is noted once.
pub(crate) fn note(path: &Path, error: &io::Error) {
    tracing::warn!(%error, path = %path.display(), "evidence could not be written");
    let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    let head = format!("{}: ", path.display());
    if files.len() < NAMED && !files.iter().any(|file| file.starts_with(&head)) {
        files.push(format!("{head}{error}"));
    }
}

/// What has been noted.
pub(crate) fn all() -> Vec<String> {
    let files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    files.clone()
}
