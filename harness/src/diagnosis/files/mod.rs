//! Which line of which file makes a gap: from what a kernel lacks to what its configuration says.

use super::code::Code;
use super::finding::{At, Evidence, Remedy};
use super::gap::Gap;
use super::observed::Observed;

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

/// The places that may make a gap, the most likely first; none where no file is known to be at fault.
pub fn locate(_gap: &Gap, _observed: &Observed<'_>) -> Vec<Located> {
    Vec::new()
}
