//! Where a packet stopped, by comparison with the lab in which nothing is broken; and whether a diagnosis says so. Pure.
//!
//! The diagnosis has no part in it: both courses are what kernels told of a probe.

use std::net::IpAddr;

use bridgelab_harness::diagnosis::{Course, Point, Seen};
use serde::Serialize;

/// The points of an unbroken course, request and answer, and the last of them that the broken course has.
#[derive(Debug, Clone)]
pub(super) struct Truth<'a> {
    way: Vec<&'a Seen>,
    last: usize,
}

/// How near a diagnosis comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Hop {
    /// It names the last point that was seen, or the first that was not.
    Same,
    /// It names the point of the same machine before the one, or behind the other.
    Neighbour,
    /// It names others.
    Other,
    /// It names none.
    Unsaid,
}

/// Compares a course with that of the same check where nothing is broken. `None`: they do not differ, or one of them is not known.
pub(super) fn truth<'a>(green: &'a Course, broken: &Course) -> Option<Truth<'a>> {
    // A course without an answer is one of a check that asks for silence, or one that was not sent again.
    let unknown = green.answer.is_empty() || broken.request.is_empty();
    let way: Vec<&Seen> = green.request.iter().chain(&green.answer).collect();
    let all = broken.request.iter().chain(&broken.answer);
    let all: Vec<_> = all.map(what).collect();
    let last = way.iter().rposition(|seen| all.contains(&what(seen)))?;
    (!unknown && last + 1 < way.len()).then_some(Truth { way, last })
}

/// A point, and the kind of packet: whom it is for may be what is broken.
fn what(seen: &Seen) -> (&Point, String) {
    let words = seen.packet.split_whitespace();
    let words: Vec<&str> = words
        .filter(|word| word.parse::<IpAddr>().is_err())
        .collect();
    (&seen.point, words.join(" "))
}

impl Truth<'_> {
    /// The last point that both courses have.
    pub(super) fn last(&self) -> &Point {
        &self.way[self.last].point
    }

    /// The point behind it.
    pub(super) fn first(&self) -> &Point {
        &self.way[self.last + 1].point
    }

    /// Compares it with what a diagnosis says.
    pub(super) fn compared(&self, last: Option<&Point>, first: Option<&Point>) -> Hop {
        if last.is_none() && first.is_none() {
            return Hop::Unsaid;
        }
        let is = |said: Option<&Point>, at: Option<usize>| {
            let known = at.and_then(|at| self.way.get(at));
            known.is_some_and(|known| said.is_some_and(|said| same(said, &known.point)))
        };
        if is(last, Some(self.last)) || is(first, Some(self.last + 1)) {
            return Hop::Same;
        }
        let (before, behind) = (self.last.checked_sub(1), Some(self.last + 2));
        let of_machine = |at: Option<usize>, of: &Point| {
            let known = at.and_then(|at| self.way.get(at));
            known.is_some_and(|known| known.point.machine == of.machine)
        };
        let near = is(last, before) && of_machine(before, self.last())
            || is(first, behind) && of_machine(behind, self.first());
        match near {
            true => Hop::Neighbour,
            false => Hop::Other,
        }
    }
}

/// Whether both are one point. Who names no link means any of that machine.
fn same(said: &Point, seen: &Point) -> bool {
    let links = (said.link.as_ref(), seen.link.as_ref());
    let link = match links {
        (Some(said), Some(seen)) => said == seen,
        _ => true,
    };
    said.machine == seen.machine && said.station == seen.station && link
}

#[cfg(test)]
mod tests {
    use bridgelab_harness::diagnosis::Station;

    use super::*;

    fn point(machine: &str, station: Station, link: Option<&str>) -> Point {
        Point {
            machine: machine.to_owned(),
            station,
            link: link.map(ToOwned::to_owned),
        }
    }

    fn seen(machine: &str, station: Station, packet: &str) -> Seen {
        Seen {
            point: point(machine, station, Some("eth0")),
            packet: packet.to_owned(),
            dropped_by: None,
        }
    }

    const ASK: &str = "ARP who has 10.0.0.2";
    const HAS: &str = "ARP reply of 10.0.0.2";
    const PING: &str = "ICMP echo request to 10.0.0.2";
    const PONG: &str = "ICMP echo reply from 10.0.0.2";

    /// a resolves b, and pings it.
    fn green() -> Course {
        Course {
            request: vec![
                seen("a", Station::InetOutput, PING),
                seen("a", Station::ArpOutput, ASK),
                seen("b", Station::ArpInput, ASK),
                seen("b", Station::ArpOutput, HAS),
                seen("a", Station::ArpInput, HAS),
                seen("a", Station::Egress, PING),
                seen("b", Station::Ingress, PING),
                seen("b", Station::InetInput, PING),
            ],
            answer: vec![
                seen("b", Station::InetOutput, PONG),
                seen("a", Station::InetInput, PONG),
            ],
            blind: Vec::new(),
        }
    }

    fn broken(request: &[usize], answer: &[usize]) -> Course {
        let green = green();
        let of = |all: &[Seen], some: &[usize]| some.iter().map(|at| all[*at].clone()).collect();
        Course {
            request: of(&green.request, request),
            answer: of(&green.answer, answer),
            blind: Vec::new(),
        }
    }

    fn gap(broken: &Course) -> Option<(Point, Point)> {
        let green = green();
        let truth = truth(&green, broken)?;
        Some((truth.last().clone(), truth.first().clone()))
    }

    fn at(machine: &str, station: Station) -> Point {
        point(machine, station, Some("eth0"))
    }

    #[test]
    fn the_gap_is_behind_the_furthest_common_point() {
        let unanswered = Some((at("b", Station::ArpInput), at("b", Station::ArpOutput)));
        assert_eq!(gap(&broken(&[0, 1, 2], &[])), unanswered);
        // The neighbour was known, so that nothing was resolved.
        let unread = Some((at("b", Station::Ingress), at("b", Station::InetInput)));
        assert_eq!(gap(&broken(&[0, 5, 6], &[])), unread);
        let unsent = Some((at("b", Station::InetInput), at("b", Station::InetOutput)));
        assert_eq!(gap(&broken(&[0, 5, 6, 7], &[])), unsent);
        assert_eq!(
            gap(&broken(&[0, 5, 6, 7], &[0, 1])),
            None,
            "all of it was seen"
        );
        assert_eq!(gap(&Course::default()), None);
    }

    #[test]
    fn whom_a_packet_is_for_may_be_what_is_broken() {
        let mut other = broken(&[0, 1, 2], &[]);
        for seen in &mut other.request {
            seen.packet = seen.packet.replace("10.0.0.2", "10.0.0.9");
        }
        let unanswered = Some((at("b", Station::ArpInput), at("b", Station::ArpOutput)));
        assert_eq!(gap(&other), unanswered);
        // The same point, and another kind of packet.
        let mut reply = broken(&[0, 1], &[]);
        reply.request.push(seen("b", Station::ArpInput, HAS));
        let unsent = Some((at("a", Station::ArpOutput), at("b", Station::ArpInput)));
        assert_eq!(gap(&reply), unsent);
    }

    #[test]
    fn a_check_that_asks_for_silence_has_no_gap() {
        let silent = Course {
            answer: Vec::new(),
            ..green()
        };
        assert!(truth(&silent, &broken(&[0], &[])).is_none());
    }

    #[test]
    fn a_diagnosis_is_right_by_one_of_the_two_points() {
        let (green, broken) = (green(), broken(&[0, 5, 6], &[]));
        let truth = truth(&green, &broken).expect("a gap");
        let hop = |last: Option<Point>, first: Option<Point>| {
            truth.compared(last.as_ref(), first.as_ref())
        };
        let (ingress, input) = (
            at("b", Station::Ingress),
            point("b", Station::InetInput, None),
        );
        assert_eq!(hop(Some(ingress.clone()), None), Hop::Same);
        assert_eq!(hop(None, Some(input.clone())), Hop::Same);
        assert_eq!(hop(Some(at("a", Station::Egress)), Some(input)), Hop::Same);
        // Of another machine, the point before is another hop; of the same, the point behind is near.
        assert_eq!(hop(Some(at("a", Station::Egress)), None), Hop::Other);
        let output = at("b", Station::InetOutput);
        assert_eq!(hop(None, Some(output.clone())), Hop::Neighbour);
        assert_eq!(hop(Some(output), None), Hop::Other);
        assert_eq!(
            hop(Some(point("b", Station::Ingress, Some("eth1"))), None),
            Hop::Other
        );
        assert_eq!(hop(None, None), Hop::Unsaid);
    }
}
