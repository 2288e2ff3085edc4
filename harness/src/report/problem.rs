//! Why a run has no verdict.

use serde::{Deserialize, Serialize};

use crate::diagnostic::Diagnostic;

/// Why a run has no verdict: an error with its code and its remedy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Stable, dotted code.
    pub code: String,
    /// The error and its causes, outermost first.
    pub chain: Vec<String>,
    /// What the reader can do.
    pub help: Option<String>,
}

impl From<Diagnostic> for Problem {
    fn from(diagnostic: Diagnostic) -> Self {
        // EMFILE may come of anything that is opened, so its remedy is told in one place.
        let few_files = |link: &String| link.contains("Too many open files");
        let more_files = diagnostic.chain.iter().any(few_files);
        let more_files = more_files.then(|| "allow more open files: `ulimit -n 8192`".to_owned());
        Self {
            code: diagnostic.code,
            chain: diagnostic.chain,
            help: diagnostic.help.or(more_files),
        }
    }
}
