//! Where the packets of a check were seen.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::point::Point;

/// A packet at a point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Where.
    pub point: Point,
    /// Which packet, in words: `ICMP echo request`, `ARP who has 192.168.1.1`.
    pub packet: String,
    /// The rule or policy that dropped it here, as nft(8) prints it; `None`: it passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped_by: Option<String>,
}

/// Where the packets of a check were seen, in the order in which they came by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// From the machine that asks to the one that answers; neighbour resolution included.
    pub request: Vec<Seen>,
    /// Back.
    pub answer: Vec<Seen>,
    /// Why parts of the way could not be watched, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blind: Vec<String>,
}

/// Each leg with one line for each point, and what dropped the packet there.
impl fmt::Display for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (leg, seen) in [("request", &self.request), ("answer", &self.answer)] {
            if seen.is_empty() {
                writeln!(f, "  {leg}: none was seen")?;
                continue;
            }
            writeln!(f, "  {leg}:")?;
            for Seen {
                point,
                packet,
                dropped_by,
            } in seen
            {
                write!(f, "    {point}: {packet}")?;
                match dropped_by {
                    Some(by) => writeln!(f, ", dropped by {by}")?,
                    None => writeln!(f)?,
                }
            }
        }
        self.blind
            .iter()
            .try_for_each(|why| writeln!(f, "  not seen: {why}"))
    }
}
