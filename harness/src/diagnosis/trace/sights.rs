//! Where a machine saw each kind of packet.

use std::collections::BTreeMap;
use std::time::Duration;

use super::line::{Line, Told};
use crate::diagnosis::instrument::{End, is_ours, watched};
use crate::diagnosis::mark::Mark;
use crate::diagnosis::point::{Point, Station};

/// What is said of a packet that met the beginning of a hook for IP and not its end, though no rule of nftables took it.
pub(in crate::diagnosis) const TAKEN: &str =
    "a rule that nftables does not trace, as of iptables-legacy(8)";

/// A kind of packet at a place, the first time that it came by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// Which.
    pub mark: Mark,
    /// Where.
    pub point: Point,
    /// When that was read, from any beginning that all machines have in common.
    pub at: Duration,
    /// What dropped it there, as nft(8) prints it.
    pub dropped_by: Option<String>,
    /// Whether it came to the end of the hook.
    passed: bool,
}

/// The chain that a packet is in.
#[derive(Debug, Default)]
struct Within<'a> {
    iif: Option<&'a str>,
    oif: Option<&'a str>,
    marks: Vec<Mark>,
}

/// What a machine's trace shows, in the order in which its kernel told it. Each line has the time at which it was read.
pub fn sights<'a>(
    machine: &str,
    lines: impl IntoIterator<Item = (Duration, &'a str)>,
) -> Vec<Sight> {
    let mut seen: Vec<Sight> = Vec::new();
    let mut marks: BTreeMap<&str, Vec<Mark>> = BTreeMap::new();
    let mut within: BTreeMap<&str, Within<'_>> = BTreeMap::new();
    for (at, text) in lines {
        let Some(line) = Line::read(text) else {
            continue;
        };
        let watched = is_ours(line.table)
            .then(|| watched(line.family, line.chain))
            .flatten();
        match (line.told, watched) {
            (Told::Packet { iif, oif }, _) => {
                let marks = Vec::new();
                within.insert(line.id, Within { iif, oif, marks });
            }
            (Told::Rule { comment, .. }, Some(_)) => {
                let mark = comment.and_then(Mark::read);
                within.entry(line.id).or_default().marks.extend(mark);
            }
            // What changes its address within the machine goes on as the same packet.
            (Told::Policy { .. }, Some((station, end))) => {
                let within = within.remove(line.id).unwrap_or_default();
                if !within.marks.is_empty() {
                    marks.insert(line.id, within.marks);
                }
                for mark in marks.get(line.id).into_iter().flatten() {
                    let point = Point {
                        machine: machine.to_owned(),
                        station,
                        link: link(station, within.iif, within.oif),
                    };
                    note(&mut seen, *mark, point, end, at);
                }
            }
            (
                Told::Rule {
                    text, drops: true, ..
                },
                None,
            ) => {
                let by = format!("{} {} {}: {text}", line.family, line.table, line.chain);
                dropped(&mut seen, marks.get(line.id), &by);
            }
            (Told::Policy { drops: true }, None) => {
                let by = format!("{} {} {}: policy drop", line.family, line.table, line.chain);
                dropped(&mut seen, marks.get(line.id), &by);
            }
            (Told::Rule { .. } | Told::Policy { .. }, None) => {}
        }
    }
    told_of_untraced(&mut seen);
    seen
}

/// The link of a place that a packet comes by.
fn link(station: Station, iif: Option<&str>, oif: Option<&str>) -> Option<String> {
    let comes = match station {
        Station::Ingress
        | Station::BridgePrerouting
        | Station::BridgeInput
        | Station::ArpInput
        | Station::InetPrerouting
        | Station::InetInput => iif,
        _ => oif,
    };
    comes.map(str::to_owned)
}

fn note(seen: &mut Vec<Sight>, mark: Mark, point: Point, end: End, at: Duration) {
    let passed = end == End::Last;
    let mut known = seen.iter_mut();
    match known.find(|one| one.mark == mark && one.point == point) {
        Some(one) => {
            one.passed |= passed;
            // One of several of its kind was dropped and another came through.
            if passed {
                one.dropped_by = None;
            }
        }
        None => seen.push(Sight {
            mark,
            point,
            at,
            dropped_by: None,
            passed,
        }),
    }
}

fn dropped(seen: &mut [Sight], marks: Option<&Vec<Mark>>, by: &str) {
    for mark in marks.into_iter().flatten() {
        let mut last = seen.iter_mut().rev();
        if let Some(one) = last.find(|one| one.mark == *mark) {
            one.dropped_by = Some(by.to_owned());
        }
    }
}

/// Says of what did not come to the end of a hook for IP that it was taken there, unless it was seen later.
fn told_of_untraced(seen: &mut [Sight]) {
    for place in 0..seen.len() {
        let (before, later) = seen.split_at_mut(place + 1);
        let Some(one) = before.last_mut() else {
            continue;
        };
        let ip = matches!(
            one.point.station,
            Station::InetPrerouting
                | Station::InetInput
                | Station::InetForward
                | Station::InetOutput
                | Station::InetPostrouting
        );
        let goes_on = later.iter().any(|other| other.mark == one.mark);
        if ip && !one.passed && !goes_on && one.dropped_by.is_none() {
            one.dropped_by = Some(TAKEN.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::mark::Way;

    fn read(text: &str) -> Vec<Sight> {
        let lines = text.lines().zip(1..);
        sights(
            "s",
            lines.map(|(line, at)| (Duration::from_millis(at), line)),
        )
    }

    fn told(seen: &[Sight]) -> Vec<(String, Option<&str>)> {
        let seen = seen.iter();
        seen.map(|one| {
            (
                format!("{} {}", one.point, one.mark),
                one.dropped_by.as_deref(),
            )
        })
        .collect()
    }

    /// As nft(8) 1.0.6 prints a packet that a rule of another table drops between the chains of one hook.
    const DROPPED: &str = r#"trace id eb11bd82 inet bridgelab input-first packet: iif "eth0" ether saddr 9a:71:dd:73:00:d1 ether daddr b6:e4:4e:8f:5c:9d ip saddr 10.0.0.1 ip daddr 10.0.0.2 ip dscp cs0 ip ecn not-ect ip ttl 64 ip id 1 ip protocol icmp ip length 84 icmp type echo-request icmp code net-unreachable icmp id 7 icmp sequence 1
trace id eb11bd82 inet bridgelab input-first rule ip daddr 10.0.0.2 icmp type echo-request meta nftrace set 1 comment "0 request" (verdict continue)
trace id eb11bd82 inet bridgelab input-first policy accept
trace id eb11bd82 inet user in packet: iif "eth0" ip saddr 10.0.0.1 ip daddr 10.0.0.2
trace id eb11bd82 inet user in rule icmp type echo-request drop comment "no pings" (verdict drop)
"#;

    #[test]
    fn a_rule_that_drops_is_named_where_it_drops() {
        let by = "inet user in: icmp type echo-request drop comment \"no pings\"";
        let expected = [("s inet input eth0 0 request".to_owned(), Some(by))];
        assert_eq!(told(&read(DROPPED)), expected);
        let policy = DROPPED.replace(
            "rule icmp type echo-request drop comment \"no pings\" (verdict drop)",
            "policy drop ",
        );
        let expected = [(expected[0].0.clone(), Some("inet user in: policy drop"))];
        assert_eq!(told(&read(&policy)), expected);
    }

    #[test]
    fn what_no_table_of_nftables_took_is_said_to_be_taken_by_something_else() {
        let first: String = DROPPED
            .lines()
            .take(3)
            .map(|line| format!("{line}\n"))
            .collect();
        assert_eq!(told(&read(&first))[0].1, Some(TAKEN));
        // It came to the hook's end.
        let both = format!("{first}{}", first.replace("input-first", "input-last"));
        assert_eq!(
            told(&read(&both)),
            [("s inet input eth0 0 request".to_owned(), None)]
        );
    }

    /// Destination NAT changes the address, so that the rule of the later chain does not match any more.
    #[test]
    fn a_packet_with_another_address_is_the_same_packet() {
        let first: String = DROPPED
            .lines()
            .take(3)
            .map(|line| format!("{line}\n"))
            .collect();
        let before = first.replace("input", "prerouting");
        let after = r#"trace id eb11bd82 inet bridgelab forward-last packet: iif "eth0" oif "docker0" ip daddr 172.17.0.2
trace id eb11bd82 inet bridgelab forward-last policy accept
"#;
        let seen = read(&format!("{before}{after}"));
        let forward = seen.last().expect("a sight");
        assert_eq!(forward.mark, Mark::Of(0, Way::Request));
        assert_eq!(forward.point.to_string(), "s inet forward docker0");
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0].dropped_by, None);
    }

    #[test]
    fn each_place_is_told_once_for_packets_that_are_sent_again() {
        let arp = r#"trace id 3cd93199 arp bridgelab output-last packet: oif "br0" arp operation request
trace id 3cd93199 arp bridgelab output-last rule arp operation request arp daddr ip 10.0.0.2 meta nftrace set 1 comment "who-has 10.0.0.2" (verdict continue)
trace id 3cd93199 arp bridgelab output-last policy accept
"#;
        let seen = read(&arp.repeat(3));
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].at, Duration::from_millis(3));
        assert_eq!(seen[0].point.to_string(), "s arp output br0");
    }
}
