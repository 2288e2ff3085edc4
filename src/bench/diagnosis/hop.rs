//! Where a packet stopped, by comparison with the lab in which nothing is broken; and whether a diagnosis says so. Pure.
//!
//! The diagnosis has no part in it: both courses are what kernels told of a probe.

use std::collections::BTreeSet;
use std::net::IpAddr;

use bridgelab_harness::diagnosis::{Course, Point, Seen, Station};
use bridgelab_harness::lab::WENT_WELL;
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

/// Compares a course with that of the same check where nothing is broken. `None`: they do not differ, or it cannot be said where.
pub(super) fn truth<'a>(green: &'a Course, broken: &Course) -> Option<Truth<'a>> {
    // A course without an answer is one of a check that asks for silence, or one that was not sent again.
    let unknown = green.answer.is_empty() || broken.request.is_empty();
    if unknown || broken.blind.iter().any(|why| why.starts_with(WENT_WELL)) {
        return None;
    }
    let way = way(green);
    let all: Vec<_> = broken.request.iter().chain(&broken.answer).collect();
    let has = |seen: &Seen| all.iter().any(|it| is_same(it, seen));
    // Who answers resolves the neighbour that it answers to. So does whoever asked for another reason, and answers nothing.
    let answered = broken.answer.iter().any(|seen| !is_resolution(seen));
    let of_answer = |seen: &Seen| green.answer.iter().any(|it| std::ptr::eq(it, seen));
    let counts = |seen: &Seen| answered || !is_resolution(seen) || !of_answer(seen);
    let last = way.iter().rposition(|seen| counts(seen) && has(seen))?;
    let first = way.get(last + 1)?;
    // Where the neighbour was known in the unbroken lab, nothing says how far its resolution comes.
    let waits = way[last].point.station == Station::InetPostrouting;
    let resolves = all.iter().any(|it| {
        is_resolution(it)
            && it.point.machine == first.point.machine
            && !way.iter().any(|seen| is_same(it, seen))
    });
    let unresolved = waits && !is_resolution(first) && resolves;
    (!unresolved).then_some(Truth { way, last })
}

/// The points of an unbroken course. What is flooded comes to others as well: where no packet of the check itself comes by, a
/// neighbour's resolution is on no way to anything.
fn way(green: &Course) -> Vec<&Seen> {
    let all = || green.request.iter().chain(&green.answer);
    let own: BTreeSet<(&str, Option<&str>)> = all()
        .filter(|seen| !is_resolution(seen))
        .map(|seen| (seen.point.machine.as_str(), seen.point.link.as_deref()))
        .collect();
    let on_it = |seen: &&Seen| {
        let place = (seen.point.machine.as_str(), seen.point.link.as_deref());
        own.contains(&place)
    };
    all().filter(on_it).collect()
}

/// Whether a packet is one by which a neighbour is found: ARP, or neighbour discovery (RFC 4861).
fn is_resolution(seen: &Seen) -> bool {
    seen.packet.starts_with("ARP ") || seen.packet.starts_with("neighbour ")
}

/// Whether both are one kind of packet at one point: whom it is for may be what is broken.
fn is_same(one: &Seen, other: &Seen) -> bool {
    let kind = |seen: &Seen| -> Vec<String> {
        let words = seen.packet.split_whitespace();
        let words = words.filter(|word| word.parse::<IpAddr>().is_err());
        words.map(ToOwned::to_owned).collect()
    };
    one.point == other.point && kind(one) == kind(other)
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

/// Whether both are one point. Who names no link means any of that machine; a packet that is forwarded has two links.
fn same(said: &Point, seen: &Point) -> bool {
    let links = (said.link.as_ref(), seen.link.as_ref());
    let link = match links {
        _ if said.station == Station::InetForward => true,
        (Some(said), Some(seen)) => said == seen,
        _ => true,
    };
    said.machine == seen.machine && said.station == seen.station && link
}

#[cfg(test)]
mod tests {
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

    /// In the unbroken course.
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
    fn what_is_flooded_to_others_is_no_part_of_the_way() {
        let mut green = green();
        // A third machine, and a port to it: the resolution comes there last of all.
        for (at, machine, station) in [
            (4, "b", Station::Egress),
            (5, "c", Station::Ingress),
            (6, "c", Station::ArpInput),
        ] {
            let mut aside = seen(machine, station, ASK);
            aside.point.link = Some("eth9".to_owned());
            green.request.insert(at, aside);
        }
        let mut broken = broken(&[0, 1, 2], &[]);
        broken.request.extend(green.request[4..7].to_vec());
        let truth = truth(&green, &broken).expect("a gap");
        assert_eq!(truth.last(), &at("b", Station::ArpInput));
        assert_eq!(truth.first(), &at("b", Station::ArpOutput));
    }

    #[test]
    fn a_resolution_on_the_way_back_says_nothing_where_nothing_comes_back() {
        let back = [
            seen("b", Station::InetOutput, PONG),
            seen("b", Station::ArpOutput, "ARP who has 10.0.0.1"),
            seen("b", Station::Egress, PONG),
            seen("a", Station::InetInput, PONG),
        ];
        let green = Course {
            answer: back.to_vec(),
            ..green()
        };
        let mut broken = broken(&[0, 5, 6, 7], &[]);
        broken.answer.push(back[1].clone());
        let last = |broken: &Course| truth(&green, broken).map(|truth| truth.last().clone());
        assert_eq!(last(&broken), Some(at("b", Station::InetInput)));
        broken.answer.insert(0, back[0].clone());
        assert_eq!(last(&broken), Some(at("b", Station::ArpOutput)));
    }

    #[test]
    fn a_resolution_that_the_unbroken_lab_did_not_need_says_nothing() {
        let course = |more: Seen| Course {
            request: vec![
                seen("a", Station::InetOutput, PING),
                seen("a", Station::InetPostrouting, PING),
                more,
            ],
            answer: vec![seen("a", Station::InetInput, PONG)],
            blind: Vec::new(),
        };
        let green = course(seen("a", Station::Egress, PING));
        let mut asks = course(seen("a", Station::Egress, ASK));
        asks.answer.clear();
        assert!(truth(&green, &asks).is_none());
        asks.request.pop();
        let unasked = truth(&green, &asks).expect("a gap");
        assert_eq!(unasked.first(), &at("a", Station::Egress));
    }

    #[test]
    fn a_packet_that_came_all_the_way_has_no_gap() {
        let mut arrived = broken(&[0, 5], &[]);
        assert!(gap(&arrived).is_some());
        arrived.blind.push(format!("{WENT_WELL}: a reply"));
        assert!(gap(&arrived).is_none());
    }

    #[test]
    fn a_forwarded_packet_has_two_links() {
        let green = Course {
            request: vec![
                seen("r", Station::InetPrerouting, PING),
                seen("r", Station::InetForward, PING),
            ],
            answer: vec![seen("r", Station::InetForward, PONG)],
            blind: Vec::new(),
        };
        let stopped = Course {
            request: vec![seen("r", Station::InetPrerouting, PING)],
            ..Course::default()
        };
        let truth = truth(&green, &stopped).expect("a gap");
        let by = point("r", Station::InetForward, Some("wan0"));
        assert_eq!(truth.compared(None, Some(&by)), Hop::Same);
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
