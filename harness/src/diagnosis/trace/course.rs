//! The sights of all machines, in the order in which a packet came by.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::sights::Sight;
use crate::diagnosis::course::{Course, Seen};
use crate::diagnosis::mark::{Mark, Target, Way};
use crate::diagnosis::point::{Point, Station};

/// Two links, each as machine and name, of which one receives what the other is given.
pub type Wire = [(String, String); 2];

/// What was seen while probes went out.
#[derive(Debug, Clone, Copy)]
pub struct Followed<'a> {
    /// What was asked, and whom.
    pub targets: &'a [Target],
    /// What all machines saw; the sights of each are in the order in which its kernel told them.
    pub sights: &'a [Sight],
    /// How machines are connected.
    pub wires: &'a [Wire],
    /// The next hops that a machine may need, by machine.
    pub gateways: &'a BTreeMap<String, BTreeSet<IpAddr>>,
    /// The addresses that a machine has, by machine.
    pub addresses: &'a BTreeMap<String, BTreeSet<IpAddr>>,
}

/// Which way a sight belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leg {
    Request,
    Answer,
}

impl Followed<'_> {
    /// The course of what `from` asked the target of that number.
    pub fn course(&self, from: &str, number: usize) -> Course {
        let legs = self.legs(from, number);
        let to = self.targets.get(number).and_then(|target| target.to);
        let owner = to.and_then(|to| {
            let mut machines = self.addresses.iter();
            let (owner, _) = machines.find(|(_, addresses)| addresses.contains(&to))?;
            Some(owner.as_str())
        });
        let mut course = Course::default();
        course.request.push(Seen {
            point: Point {
                machine: from.to_owned(),
                station: Station::Sender,
                link: None,
            },
            packet: Mark::Of(number, Way::Request).words(self.targets),
            dropped_by: None,
        });
        for (sight, leg) in self.in_order(&legs, from, owner) {
            let seen = Seen {
                point: sight.point.clone(),
                packet: sight.mark.words(self.targets),
                dropped_by: sight.dropped_by.clone(),
            };
            match leg {
                Leg::Request => course.request.push(seen),
                Leg::Answer => course.answer.push(seen),
            }
        }
        course
    }

    /// The sights that are about it: its packets, and the resolution of the next hops of machines that were about to send them.
    fn legs(&self, from: &str, number: usize) -> Vec<(&Sight, Leg)> {
        let leaves = |ways: &[Way]| -> BTreeSet<&str> {
            let sights = self.sights.iter();
            let about_to = sights.filter(|sight| {
                let is_its = ways.iter().any(|way| sight.mark == Mark::Of(number, *way));
                is_its && sight.point.station == Station::InetPostrouting
            });
            about_to.map(|sight| sight.point.machine.as_str()).collect()
        };
        let hops = |machines: &BTreeSet<&str>| -> BTreeSet<IpAddr> {
            let machines = machines.iter();
            let of = machines.filter_map(|machine| self.gateways.get(*machine));
            of.flatten().copied().collect()
        };
        let asking = leaves(&[Way::Request]);
        let answering = leaves(&[Way::Answer, Way::Error]);
        let mut towards = hops(&asking);
        towards.extend(self.targets.get(number).and_then(|target| target.to));
        let mut back = hops(&answering);
        if !answering.is_empty() {
            back.extend(self.addresses.get(from).into_iter().flatten());
        }
        let sights = self.sights.iter();
        let mut legs = Vec::new();
        for sight in sights {
            let leg = match sight.mark {
                Mark::Of(of, Way::Request) if of == number => Leg::Request,
                Mark::Of(of, _) if of == number => Leg::Answer,
                Mark::WhoHas(ip) | Mark::IsAt(ip)
                    if !asking.is_empty() && towards.contains(&ip) =>
                {
                    Leg::Request
                }
                Mark::WhoHas(ip) | Mark::IsAt(ip) if back.contains(&ip) => Leg::Answer,
                _ => continue,
            };
            legs.push((sight, leg));
        }
        legs
    }

    /// A linear order: that of each machine is kept, and a packet comes out of a wire after it went in. Of branches, as of a
    /// frame that is flooded, the one to the machine that has the destination's address comes last.
    fn in_order<'s>(
        &self,
        legs: &[(&'s Sight, Leg)],
        from: &str,
        owner: Option<&str>,
    ) -> Vec<(&'s Sight, Leg)> {
        let mut left: Vec<(&Sight, Leg)> = legs.to_vec();
        let mut ordered: Vec<(&Sight, Leg)> = Vec::new();
        let mut here = from;
        while !left.is_empty() {
            let ready = |place: usize| {
                let (sight, _) = left[place];
                let machine = &sight.point.machine;
                let earlier = left[..place].iter();
                let waits = earlier
                    .clone()
                    .any(|(one, _)| one.point.machine == *machine);
                !waits && !self.is_on_its_way(sight, &left)
            };
            let places = (0..left.len()).filter(|place| ready(*place));
            let next = places.min_by_key(|place| {
                let (sight, _) = left[*place];
                // What a bridge's own link receives came by no wire: its machine had it already.
                let comes = sight.point.station == Station::Ingress
                    && self.other_end(&sight.point).is_some();
                let stays = sight.point.machine == here && !comes;
                let ends = Some(sight.point.machine.as_str()) == owner;
                (!stays, ends, sight.at)
            });
            // Lines that were lost may leave a circle; the first of it then comes first.
            let next = next.unwrap_or(0);
            let one = left.remove(next);
            here = &one.0.point.machine;
            ordered.push(one);
        }
        ordered
    }

    /// Whether what a link received has not yet been given to the other end of its wire.
    fn is_on_its_way(&self, sight: &Sight, left: &[(&Sight, Leg)]) -> bool {
        if sight.point.station != Station::Ingress {
            return false;
        }
        let Some((machine, link)) = self.other_end(&sight.point) else {
            return false;
        };
        left.iter().any(|(one, _)| {
            one.mark == sight.mark
                && one.point.station == Station::Egress
                && one.point.machine == *machine
                && one.point.link.as_ref() == Some(link)
        })
    }

    /// The link at the other end of the wire of a point's link.
    fn other_end(&self, point: &Point) -> Option<&(String, String)> {
        let is_here = |(machine, link): &(String, String)| {
            *machine == point.machine && Some(link) == point.link.as_ref()
        };
        let mut wires = self.wires.iter();
        wires.find_map(|[one, two]| match (is_here(one), is_here(two)) {
            (true, _) => Some(two),
            (_, true) => Some(one),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::check::Asks;
    use crate::diagnosis::trace::sights::sights;

    /// What a machine told of packets, one `FAMILY CHAIN IIF OIF MARK` each, as nft(8) prints it, from that time on.
    fn saw(machine: &str, begun: u64, told: &[&str]) -> Vec<Sight> {
        let lines: Vec<String> = told
            .iter()
            .enumerate()
            .flat_map(|(number, one)| {
                let words: Vec<&str> = one.splitn(5, ' ').collect();
                let [family, chain, iif, oif, mark] = words[..] else {
                    unreachable!("five words");
                };
                let table = match family {
                    "netdev" => format!("bridgelab-{}", chain.split('-').next().expect("a hook")),
                    _ => "bridgelab".to_owned(),
                };
                let head = format!("trace id {number:08x} {family} {table} {chain}");
                [
                    format!("{head} packet: iif \"{iif}\" oif \"{oif}\" "),
                    format!("{head} rule meta nftrace set 1 comment \"{mark}\" (verdict continue)"),
                    format!("{head} policy accept "),
                ]
            })
            .collect();
        let at = Duration::from_millis(begun);
        sights(machine, lines.iter().map(|line| (at, line.as_str())))
    }

    fn wire(one: (&str, &str), two: (&str, &str)) -> Wire {
        [one, two].map(|(machine, link)| (machine.to_owned(), link.to_owned()))
    }

    fn places(seen: &[Seen]) -> Vec<String> {
        seen.iter()
            .map(|seen| format!("{}: {}", seen.point, seen.packet))
            .collect()
    }

    fn by_machine(of: &[(&str, &[&str])]) -> BTreeMap<String, BTreeSet<IpAddr>> {
        of.iter()
            .map(|(machine, addresses)| {
                let addresses = addresses.iter();
                let parsed = addresses.map(|one| one.parse().expect("an address"));
                ((*machine).to_owned(), parsed.collect())
            })
            .collect()
    }

    /// a and c are ports of the bridge of b; c is read before b, and the bridge floods to d as well. Nobody answers.
    #[test]
    fn the_order_is_that_of_the_wires_and_not_of_the_reading() {
        let target = Target {
            asks: Asks::Echo,
            to: Some([10, 0, 0, 3].into()),
        };
        let ask = "who-has 10.0.0.3";
        let a = saw(
            "a",
            9,
            &[
                "inet output-last lo eth0 0 request",
                "inet postrouting-last lo eth0 0 request",
                &format!("arp output-last lo eth0 {ask}"),
                &format!("netdev egress-0 lo eth0 {ask}"),
            ],
        );
        let b = saw(
            "b",
            8,
            &[
                &format!("netdev ingress-0 pa x {ask}"),
                &format!("bridge prerouting-last pa x {ask}"),
                &format!("bridge forward-last pa pc {ask}"),
                &format!("netdev egress-1 x pc {ask}"),
                &format!("bridge forward-last pa pd {ask}"),
                &format!("netdev egress-2 x pd {ask}"),
                &format!("bridge input-last pa x {ask}"),
                &format!("netdev ingress-1 br0 x {ask}"),
                &format!("arp input-last br0 x {ask}"),
            ],
        );
        let c = saw(
            "c",
            1,
            &[
                &format!("netdev ingress-0 eth0 x {ask}"),
                &format!("arp input-last eth0 x {ask}"),
            ],
        );
        let d = saw(
            "d",
            2,
            &[
                &format!("netdev ingress-0 eth0 x {ask}"),
                &format!("arp input-last eth0 x {ask}"),
            ],
        );
        let sights = [c, d, b, a].concat();
        let wires = [
            wire(("a", "eth0"), ("b", "pa")),
            wire(("b", "pc"), ("c", "eth0")),
            wire(("d", "eth0"), ("b", "pd")),
        ];
        let followed = Followed {
            targets: &[target],
            sights: &sights,
            wires: &wires,
            gateways: &BTreeMap::new(),
            addresses: &by_machine(&[("a", &["10.0.0.1"]), ("c", &["10.0.0.3"])]),
        };
        let course = followed.course("a", 0);
        let arp = "ARP who has 10.0.0.3";
        assert_eq!(
            places(&course.request),
            [
                "a sender: ICMP echo request to 10.0.0.3".to_owned(),
                "a inet output eth0: ICMP echo request to 10.0.0.3".to_owned(),
                "a inet postrouting eth0: ICMP echo request to 10.0.0.3".to_owned(),
                format!("a arp output eth0: {arp}"),
                format!("a egress eth0: {arp}"),
                format!("b ingress pa: {arp}"),
                format!("b bridge prerouting pa: {arp}"),
                format!("b bridge forward pc: {arp}"),
                format!("b egress pc: {arp}"),
                format!("b bridge forward pd: {arp}"),
                format!("b egress pd: {arp}"),
                format!("b bridge input pa: {arp}"),
                format!("b ingress br0: {arp}"),
                format!("b arp input br0: {arp}"),
                format!("d ingress eth0: {arp}"),
                format!("d arp input eth0: {arp}"),
                format!("c ingress eth0: {arp}"),
                format!("c arp input eth0: {arp}"),
            ]
        );
        assert_eq!(course.answer, []);
    }

    /// b has the request, and resolves the one who asked before it answers; another one resolves the same address meanwhile.
    #[test]
    fn whom_a_machine_resolves_belongs_to_what_it_is_about_to_send() {
        let target = Target {
            asks: Asks::Tcp(80),
            to: Some([10, 0, 0, 2].into()),
        };
        let a = saw(
            "a",
            0,
            &[
                "inet output-last lo eth0 0 request",
                "netdev egress-0 lo eth0 0 request",
                "netdev ingress-0 eth0 x who-has 10.0.0.1",
            ],
        );
        let b = saw(
            "b",
            0,
            &[
                "netdev ingress-0 eth0 x 0 request",
                "inet input-last eth0 x 0 request",
            ],
        );
        let answers = saw(
            "b",
            0,
            &[
                "netdev ingress-0 eth0 x 0 request",
                "inet input-last eth0 x 0 request",
                "inet output-last lo eth0 0 answer",
                "inet postrouting-last lo eth0 0 answer",
                "arp output-last lo eth0 who-has 10.0.0.1",
                "netdev egress-0 lo eth0 who-has 10.0.0.1",
            ],
        );
        let addresses = by_machine(&[("a", &["10.0.0.1"]), ("b", &["10.0.0.2"])]);
        let wires = [wire(("a", "eth0"), ("b", "eth0"))];
        let course = |sights: &[Sight]| {
            let followed = Followed {
                targets: &[target],
                sights,
                wires: &wires,
                gateways: &BTreeMap::new(),
                addresses: &addresses,
            };
            followed.course("a", 0)
        };
        assert_eq!(course(&[a.clone(), b].concat()).answer, []);
        let answer = course(&[a, answers].concat()).answer;
        assert_eq!(
            places(&answer),
            [
                "b inet output eth0: TCP segment from 10.0.0.2 port 80",
                "b inet postrouting eth0: TCP segment from 10.0.0.2 port 80",
                "b arp output eth0: ARP who has 10.0.0.1",
                "b egress eth0: ARP who has 10.0.0.1",
                "a ingress eth0: ARP who has 10.0.0.1",
            ]
        );
    }
}
