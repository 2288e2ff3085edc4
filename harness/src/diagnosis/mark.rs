//! Kinds of packets that are followed.

use std::fmt;
use std::net::IpAddr;

use crate::check::Asks;

/// What a probe asks, and whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// What.
    pub asks: Asks,
    /// Destination; `None`: the machine's own resolver chooses it.
    pub to: Option<IpAddr>,
}

/// Which way a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// To the one who is asked.
    Request,
    /// Back.
    Answer,
    /// Back, as an ICMP error about the request.
    Error,
}

impl Way {
    const ALL: [(Self, &str); 3] = [
        (Self::Request, "request"),
        (Self::Answer, "answer"),
        (Self::Error, "error"),
    ];
}

/// A kind of packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// Of a target by its number, and one way.
    Of(usize, Way),
    /// An ARP request or a neighbour solicitation for that address.
    WhoHas(IpAddr),
    /// An ARP reply or a neighbour advertisement of that address.
    IsAt(IpAddr),
    /// The packet after which nothing of a probe comes any more.
    Canary,
}

impl Mark {
    /// The mark that a comment is.
    pub fn read(comment: &str) -> Option<Self> {
        let (first, second) = match comment.split_once(' ') {
            None => return (comment == "canary").then_some(Self::Canary),
            Some(words) => words,
        };
        match first {
            "who-has" => Some(Self::WhoHas(second.parse().ok()?)),
            "is-at" => Some(Self::IsAt(second.parse().ok()?)),
            number => {
                let mut ways = Way::ALL.into_iter();
                let (way, _) = ways.find(|(_, name)| *name == second)?;
                Some(Self::Of(number.parse().ok()?, way))
            }
        }
    }

    /// The packet in words.
    pub fn words(self, targets: &[Target]) -> String {
        match self {
            Self::WhoHas(ip @ IpAddr::V4(_)) => format!("ARP who has {ip}"),
            Self::WhoHas(ip) => format!("neighbour solicitation for {ip}"),
            Self::IsAt(ip @ IpAddr::V4(_)) => format!("ARP reply of {ip}"),
            Self::IsAt(ip) => format!("neighbour advertisement of {ip}"),
            Self::Canary => "canary".to_owned(),
            Self::Of(number, way) => {
                let target = targets.get(number);
                let asks = target.map_or(Asks::Echo, |target| target.asks);
                let to = target.and_then(|target| target.to);
                let to = to.map_or_else(|| "a name server".to_owned(), |to| to.to_string());
                match (asks, way) {
                    (_, Way::Error) => format!("ICMP error about a packet to {to}"),
                    (Asks::Echo, Way::Request) => format!("ICMP echo request to {to}"),
                    (Asks::Echo, Way::Answer) => format!("ICMP echo reply from {to}"),
                    (Asks::Dns, Way::Request) => format!("DNS query to {to}"),
                    (Asks::Dns, Way::Answer) => format!("DNS answer from {to}"),
                    (Asks::Tcp(port), Way::Request) => format!("TCP segment to {to} port {port}"),
                    (Asks::Tcp(port), Way::Answer) => format!("TCP segment from {to} port {port}"),
                }
            }
        }
    }
}

/// As the comment of a rule.
impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WhoHas(ip) => write!(f, "who-has {ip}"),
            Self::IsAt(ip) => write!(f, "is-at {ip}"),
            Self::Canary => f.write_str("canary"),
            Self::Of(number, way) => {
                let mut ways = Way::ALL.into_iter();
                let name = ways.find(|(one, _)| one == way);
                write!(f, "{number} {}", name.map_or("", |(_, name)| name))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_is_written() {
        let (v4, v6) = ([10, 0, 0, 1].into(), "fd00::2".parse().expect("an address"));
        for mark in [
            Mark::Of(0, Way::Request),
            Mark::Of(12, Way::Answer),
            Mark::Of(3, Way::Error),
            Mark::WhoHas(v4),
            Mark::WhoHas(v6),
            Mark::IsAt(v6),
            Mark::Canary,
        ] {
            assert_eq!(Mark::read(&mark.to_string()), Some(mark));
        }
        assert_eq!(Mark::read("let them in"), None);
        assert_eq!(Mark::read("hello"), None);
    }
}
