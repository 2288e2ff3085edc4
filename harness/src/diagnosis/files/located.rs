//! What the files say about a gap.

use crate::diagnosis::code::Code;
use crate::diagnosis::finding::{At, Evidence, Remedy};

/// What the files say about a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// A more exact code than the gap's own, where the files give one: `unit.not_matched` for `port.not_enslaved`.
    pub code: Option<Code>,
    /// The cause as the files have it, in one sentence: "`Name=vm-*` does not match `my-microvm`".
    pub statement: Option<String>,
    /// The line.
    pub place: Option<At>,
    /// Further facts.
    pub evidence: Vec<Evidence>,
    /// What mends it.
    pub remedy: Option<Remedy>,
}
