//! A change of one file.

use std::ops::Range;

/// What is done to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Bytes are replaced; of an empty range: something is put in.
    Replace {
        /// Which bytes.
        span: Range<usize>,
        /// By what.
        with: String,
    },
    /// The file is removed.
    Remove,
}

impl Change {
    /// The text afterwards; `None`: there is no file.
    pub fn applied(&self, text: &str) -> Option<String> {
        match self {
            Self::Remove => None,
            Self::Replace { span, with } => {
                let (before, after) = (text.get(..span.start)?, text.get(span.end..)?);
                Some(format!("{before}{with}{after}"))
            }
        }
    }
}

/// A place where an operator can do its work, and what it does there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Number of the file among the texts.
    pub file: usize,
    /// What is done.
    pub change: Change,
    /// Bytes of the file as it was that are what the change is about: the name of what is broken has its place in them.
    pub about: Range<usize>,
}

impl Site {
    /// Bytes are replaced, and it is about these bytes.
    pub(super) fn replace(file: usize, span: Range<usize>, with: impl Into<String>) -> Self {
        Self {
            file,
            about: span.clone(),
            change: Change::Replace {
                span,
                with: with.into(),
            },
        }
    }

    /// Bytes are taken away, and it is about the section or table around them.
    pub(super) fn delete(file: usize, span: Range<usize>, about: Range<usize>) -> Self {
        Self {
            about,
            ..Self::replace(file, span, "")
        }
    }
}
