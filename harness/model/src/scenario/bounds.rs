//! How many of something there may be.

/// How many of something there must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// At least so many.
    pub least: u64,
    /// At most so many; `None`: any number from `least` on.
    pub most: Option<u64>,
}

impl Bounds {
    /// Whether `count` is within them.
    pub fn allow(&self, count: u64) -> bool {
        count >= self.least && !self.exceeded(count)
    }

    /// Whether `count` is more than there may be.
    pub fn exceeded(&self, count: u64) -> bool {
        self.most.is_some_and(|most| count > most)
    }
}

impl std::fmt::Display for Bounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.least, self.most) {
            (least, None) => write!(f, "at least {least}"),
            (least, Some(most)) if least == most => write!(f, "exactly {least}"),
            (least, Some(most)) => write!(f, "{least} to {most}"),
        }
    }
}
