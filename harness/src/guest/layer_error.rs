//! Why there is no file for a guest's writes to its disk.

/// The file could not be made by qemu-img.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// There is no qemu-img.
    #[error("find qemu-img (Debian: apt-get install qemu-utils)")]
    NoProgram,
    /// It did not make the file.
    #[error("qemu-img create: {said}")]
    Refused {
        /// Its standard error, or why it did not start.
        said: String,
    },
}
