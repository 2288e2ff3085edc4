//! What a resolver is asked and what it answers, as it is read from each tool, and whether that is what it must answer.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, Question, RCODE, SimpleDnsError, TYPE};

use super::declared::{DnsExpect, RecordType};
use crate::check::Verdict;

/// Most bytes of an answer over UDP to a query that does not ask for more (RFC 1035, 4.2.1).
const UDP_LIMIT: usize = 512;

/// What a resolver said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// These addresses; possibly none.
    Addresses(BTreeSet<IpAddr>),
    /// A response with an error, by its name: `NXDOMAIN`.
    Rcode(String),
    /// Nobody answered, and how that was noticed.
    Silence(String),
    /// Another complaint, in the resolver's words.
    Refused(String),
}

/// Judges an answer.
pub(super) fn judge(name: &str, expect: &DnsExpect, answer: &Answer) -> Verdict {
    let got = match answer {
        Answer::Addresses(got) if got.is_empty() => format!("no address for {name}"),
        Answer::Addresses(got) => {
            let all: Vec<String> = got.iter().map(IpAddr::to_string).collect();
            format!("{name} is {}", all.join(", "))
        }
        Answer::Rcode(words) | Answer::Silence(words) | Answer::Refused(words) => {
            format!("no address for {name}: {words}")
        }
    };
    let right = match (expect, answer) {
        (DnsExpect::Addresses(expect), Answer::Addresses(got)) => {
            *got == expect.iter().copied().collect::<BTreeSet<_>>()
        }
        (DnsExpect::Rcode(wanted), Answer::Rcode(got)) => wanted == got,
        (DnsExpect::Silence, Answer::Silence(_)) => true,
        _ => false,
    };
    match right {
        true => Verdict::holds(got),
        false => Verdict::violated(got),
    }
}

/// A query for one name (RFC 1035), recursion desired.
///
/// # Errors
/// When the name is no domain name.
pub(super) fn query(name: &str, record: RecordType) -> Result<Vec<u8>, SimpleDnsError> {
    let kind = match record {
        RecordType::A => TYPE::A,
        RecordType::Aaaa => TYPE::AAAA,
    };
    let mut packet = Packet::new_query(0xb71d);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let name = Name::new(name)?;
    packet
        .questions
        .push(Question::new(name, kind.into(), CLASS::IN.into(), false));
    packet.build_bytes_vec()
}

/// Whether a reply over UDP says that there is more than fits into it (TC, RFC 1035, 4.2.1): all of it is to be had over TCP.
pub(super) fn cut_short(reply: &[u8]) -> bool {
    Packet::parse(reply).is_ok_and(|packet| packet.has_flags(PacketFlag::TRUNCATION))
}

/// Whether an answer over UDP with these addresses has no room for one more (RFC 1035, 4.2.1). busybox's nslookup does not say
/// that it was given only a part.
pub(super) fn may_be_cut_short(name: &str, record: RecordType, answer: &Answer) -> bool {
    let Answer::Addresses(addresses) = answer else {
        return false;
    };
    // Header; the question's name, with a length before each label and a zero at its end, and its type and class.
    let question = 12 + name.trim_end_matches('.').len() + 2 + 4;
    // A pointer to the name, type, class, lifetime, length (4.1.3 and 4.1.4), and the address.
    let one = 12
        + match record {
            RecordType::A => 4,
            RecordType::Aaaa => 16,
        };
    question + (addresses.len() + 1) * one > UDP_LIMIT
}

/// The answer in a reply's bytes.
pub(super) fn parse_reply(bytes: &[u8]) -> Answer {
    let packet = match Packet::parse(bytes) {
        Ok(packet) => packet,
        Err(e) => return Answer::Refused(format!("the reply does not parse: {e}")),
    };
    if packet.rcode() != RCODE::NoError {
        return Answer::Rcode(rcode(packet.rcode()));
    }
    let addresses = packet
        .answers
        .iter()
        .filter_map(|record| match &record.rdata {
            RData::A(a) => Some(IpAddr::from(Ipv4Addr::from(a.address))),
            RData::AAAA(a) => Some(IpAddr::from(Ipv6Addr::from(a.address))),
            _ => None,
        });
    Answer::Addresses(addresses.collect())
}

/// The bytes of a reply in hexadecimal digits.
///
/// # Errors
/// [`Answer::Refused`] when the text is no such digits.
pub(super) fn hex_reply(digits: &str) -> Result<Vec<u8>, Answer> {
    let digits = digits.trim();
    let bytes = (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok());
    let bytes = bytes.collect::<Option<Vec<u8>>>();
    bytes.ok_or_else(|| Answer::Refused(format!("the reply is not of digits: {digits}")))
}

/// Server that `busybox nslookup` says it asked.
pub(super) fn nslookup_server(stdout: &str) -> Option<IpAddr> {
    let mut lines = stdout.lines();
    let server = lines.find_map(|line| line.strip_prefix("Server:"))?;
    server.trim().parse().ok()
}

/// Name of a response code, as the registry of DNS parameters and all tools have it.
fn rcode(code: RCODE) -> String {
    let name = match code {
        RCODE::FormatError => "FORMERR",
        RCODE::ServerFailure => "SERVFAIL",
        RCODE::NameError => "NXDOMAIN",
        RCODE::NotImplemented => "NOTIMP",
        RCODE::Refused => "REFUSED",
        other => return format!("{other:?}"),
    };
    name.to_owned()
}

/// The answer in the output of `resolvectl query --legend=no NAME`.
pub(super) fn parse_resolvectl(stdout: &str, stderr: &str, success: bool) -> Answer {
    if !success {
        let words = stderr.trim().rsplit(": ").next().unwrap_or("no answer");
        // `Could not resolve 'NAME', server or network returned error: REFUSED (Not Ready)`, with and without the colon
        // and the extended error (RFC 8914).
        let plain = words.split(" (").next().unwrap_or_default();
        let code = plain.rsplit(' ').next().unwrap_or_default();
        if !code.is_empty() && code.chars().all(|c| c.is_ascii_uppercase()) {
            return Answer::Rcode(code.to_owned());
        }
        if words.ends_with("' not found") {
            return Answer::Rcode("NXDOMAIN".to_owned());
        }
        if words.contains("does not have any RR") {
            return Answer::Addresses(BTreeSet::new());
        }
        if words.contains("timed out") || words.contains("All attempts to contact") {
            return Answer::Silence(words.to_owned());
        }
        return Answer::Refused(words.to_owned());
    }
    let words = stdout.lines().flat_map(|line| {
        // What follows ` -- ` names the link and the protocol.
        line.split(" -- ")
            .next()
            .unwrap_or_default()
            .split_whitespace()
    });
    Answer::Addresses(words.filter_map(|word| word.parse().ok()).collect())
}

/// The answer in the output of `busybox nslookup -type=a NAME SERVER`.
pub(super) fn parse_nslookup(stdout: &str, stderr: &str) -> Answer {
    let mut addresses = BTreeSet::new();
    // The first `Address:` is the server's own.
    let answers = stdout.lines().skip_while(|line| !line.starts_with("Name:"));
    for line in answers {
        if let Some(address) = line.strip_prefix("Address:") {
            addresses.extend(
                address
                    .split_whitespace()
                    .filter_map(|word| word.parse::<IpAddr>().ok()),
            );
        }
    }
    if !addresses.is_empty() {
        return Answer::Addresses(addresses);
    }
    let complaint = |text: &str| {
        text.lines()
            .find(|line| line.starts_with("** ") || line.contains(";; "))
            .map(str::to_owned)
    };
    match complaint(stdout).or_else(|| complaint(stderr)) {
        Some(words) => {
            let words = words.trim_start_matches(['*', ';', ' ']);
            match words.rsplit_once(": ") {
                _ if words.contains("timed out") => Answer::Silence(words.to_owned()),
                Some((_, code)) if code.chars().all(|c| c.is_ascii_uppercase()) => {
                    Answer::Rcode(code.to_owned())
                }
                _ => Answer::Refused(words.to_owned()),
            }
        }
        None if stdout.contains("Server:") => Answer::Addresses(addresses),
        None => Answer::Refused(stderr.trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(list: &[&str]) -> Answer {
        Answer::Addresses(
            list.iter()
                .map(|a| a.parse().expect("an address"))
                .collect(),
        )
    }

    #[test]
    fn resolvectl_is_read_without_its_comments() {
        let text = "www.internet.test: 203.0.113.80                -- link: eth0\n";
        assert_eq!(
            parse_resolvectl(text, "", true),
            addresses(&["203.0.113.80"])
        );
        let error = "www.nowhere.test: resolve call failed: 'www.nowhere.test' not found\n";
        assert_eq!(
            parse_resolvectl("", error, false),
            Answer::Rcode("NXDOMAIN".to_owned())
        );
    }

    /// systemd 257 behind a server that refuses, as it was seen from a guest.
    #[test]
    fn an_error_of_the_server_is_named() {
        for end in [
            "returned error: REFUSED (Not Ready)",
            "returned error: REFUSED",
            "returned error REFUSED",
        ] {
            let error = format!("www.nowhere.test: resolve call failed: {end}\n");
            assert_eq!(
                parse_resolvectl("", &error, false),
                Answer::Rcode("REFUSED".to_owned())
            );
        }
    }

    #[test]
    fn nslookup_does_not_mistake_the_server_for_the_answer() {
        let text = "Server:\t\t192.168.1.1\nAddress:\t192.168.1.1:53\n\nName:\twww.internet.test\nAddress: 2001:db8:ffff::80\n";
        assert_eq!(parse_nslookup(text, ""), addresses(&["2001:db8:ffff::80"]));
        let nothing = "Server:\t\t192.168.1.1\nAddress:\t192.168.1.1:53\n\n** server can't find nope: NXDOMAIN\n";
        assert_eq!(
            parse_nslookup(nothing, ""),
            Answer::Rcode("NXDOMAIN".to_owned())
        );
    }

    /// Measured with dnsmasq 2.90 and busybox 1.35: 30 of 80 A records come over UDP, and 17 of 40 AAAA records.
    #[test]
    fn an_answer_that_fills_a_datagram_may_be_a_part() {
        let count =
            |count: u8| Answer::Addresses((0..count).map(|n| [10, 0, 0, n].into()).collect());
        let cut = |kind, number| may_be_cut_short("many.test", kind, &count(number));
        assert!(cut(RecordType::A, 30) && !cut(RecordType::A, 29));
        assert!(cut(RecordType::Aaaa, 17) && !cut(RecordType::Aaaa, 16));
        assert!(!may_be_cut_short(
            "many.test",
            RecordType::A,
            &Answer::Rcode(String::new())
        ));
        let output = "Server:\t\t192.168.1.1\nAddress:\t192.168.1.1:53\n\nName:\tx\n";
        assert_eq!(nslookup_server(output), "192.168.1.1".parse().ok());
        assert_eq!(nslookup_server("Name: x\n"), None);
        let mut reply = Packet::new_reply(1);
        let bytes = |reply: &Packet<'_>| reply.build_bytes_vec().expect("a reply");
        assert!(!cut_short(&bytes(&reply)));
        reply.set_flags(PacketFlag::TRUNCATION);
        assert!(cut_short(&bytes(&reply)));
        assert!(!cut_short(b"none"));
    }

    #[test]
    fn one_address_too_many_is_wrong() {
        let expect = DnsExpect::Addresses(vec!["203.0.113.80".parse().expect("an address")]);
        assert!(judge("www", &expect, &addresses(&["203.0.113.80"])).holds);
        let verdict = judge(
            "www",
            &expect,
            &addresses(&["203.0.113.80", "203.0.113.81"]),
        );
        assert_eq!(
            verdict,
            Verdict::violated("www is 203.0.113.80, 203.0.113.81")
        );
    }

    #[test]
    fn every_way_not_to_answer_is_its_own() {
        let none = DnsExpect::Addresses(Vec::new());
        let nxdomain = DnsExpect::Rcode("NXDOMAIN".to_owned());
        let wanted = [&none, &nxdomain, &DnsExpect::Silence];
        let answers = [
            addresses(&[]),
            Answer::Rcode("NXDOMAIN".to_owned()),
            Answer::Silence("connection timed out".to_owned()),
            Answer::Rcode("SERVFAIL".to_owned()),
            Answer::Refused("something else".to_owned()),
        ];
        for (row, expect) in wanted.into_iter().enumerate() {
            for (column, answer) in answers.iter().enumerate() {
                let holds = judge("www", expect, answer).holds;
                assert_eq!(holds, row == column, "{expect:?} {answer:?}");
            }
        }
    }

    #[test]
    fn a_query_asks_for_what_it_should() {
        let bytes = query("www.internet.test", RecordType::Aaaa).expect("a query");
        let packet = Packet::parse(&bytes).expect("it parses");
        assert_eq!(packet.questions[0].qname.to_string(), "www.internet.test");
        assert_eq!(parse_reply(&bytes), Answer::Addresses(BTreeSet::new()));
        assert!(matches!(parse_reply(&bytes[..7]), Answer::Refused(_)));
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex_reply(&digits), Ok(bytes));
        for odd in ["abc", "zz", "ü"] {
            assert!(matches!(hex_reply(odd), Err(Answer::Refused(_))), "{odd}");
        }
        assert!(matches!(parse_reply(b""), Answer::Refused(_)));
    }
}
