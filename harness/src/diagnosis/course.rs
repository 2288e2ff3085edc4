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

impl Course {
    /// Whether it is the answer that did not come through: it was seen, and the packets were last seen on its way, where that is known.
    pub fn broke_in_answer(&self, last: Option<&Point>) -> bool {
        let on = |leg: &[Seen]| last.is_some_and(|last| leg.iter().any(|one| one.point == *last));
        on(&self.answer) || (!self.answer.is_empty() && !on(&self.request))
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::point::Station;

    #[test]
    fn the_leg_that_broke_is_the_one_on_which_the_packet_was_last_seen() {
        let point = |machine: &str| Point {
            machine: machine.to_owned(),
            station: Station::Ingress,
            link: None,
        };
        let seen = |machine: &str| Seen {
            point: point(machine),
            packet: "ICMP".to_owned(),
            dropped_by: None,
        };
        let there = Course {
            request: vec![seen("a"), seen("b"), seen("c")],
            ..Course::default()
        };
        let back = Course {
            answer: vec![seen("c"), seen("b")],
            ..there.clone()
        };
        assert!(!there.broke_in_answer(None) && !there.broke_in_answer(Some(&point("c"))));
        assert!(back.broke_in_answer(None), "an answer was seen");
        assert!(
            back.broke_in_answer(Some(&point("b"))),
            "it passes there twice"
        );
        assert!(
            !back.broke_in_answer(Some(&point("a"))),
            "a rule dropped the request there"
        );
        assert!(back.broke_in_answer(Some(&point("elsewhere"))));
    }
}
