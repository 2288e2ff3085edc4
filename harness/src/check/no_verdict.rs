//! Why what was seen cannot be judged.

/// What was seen does not tell whether it is as it should be. A judge says why, in words that the kind's look puts into its
/// [`ProbeError`](super::ProbeError).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub(crate) struct NoVerdict {
    /// What was printed instead, or what is missing.
    pub(crate) why: String,
}

impl NoVerdict {
    /// No verdict, and why.
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into() }
    }
}
