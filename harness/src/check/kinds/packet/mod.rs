//! Frames of a capture: which part of the file a look is about, and what tcpdump counted in it.
//!
//! tcpdump applies the filter (`tcpdump -r - --count FILTER`). What it reads is cut out of the capture here: only whole blocks,
//! since the capture goes on while it is read, and no frame from before a given moment.

mod count;
mod filters;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt;

use crate::check::Verdict;
use crate::check::ghosts::Ghosts;
use crate::check::kind::{Kind, Looked, Tally};
use crate::check::looking::Looking;
use crate::scenario::check_kind::{Asked, Declared, Looks, bounds};
use crate::scenario::error::{Fault, code};
use crate::scenario::file::Place;
use crate::scenario::keys::{KeyType, TableKeys, first_of_each, may, must, table_keys};
use crate::scenario::names::IfName;
use crate::scenario::{Bounds, parse};

pub use filters::filter_faults;

/// Frames on a wire that the lab captures.
#[derive(Debug, Clone)]
pub struct Packet {
    /// Interface whose wire is watched: a guest's `id`, or a machine's interface or TAP.
    pub interface: IfName,
    /// Which frames.
    pub filter: Filter,
    /// How many.
    pub count: Bounds,
    /// Only frames of the last so long; `None`: all.
    pub last: Option<Duration>,
    /// Only frames that came since the check began, not all since the link was made.
    pub since_check: bool,
    /// Only frames that `tcpdump -vv` describes with these words; empty: all.
    pub says: String,
}

/// A filter in tcpdump's language (pcap-filter(7)), and where it stands in its file.
#[derive(Debug, Clone)]
pub struct Filter {
    /// The expression.
    pub text: String,
    place: Place,
}

impl Filter {
    fn new(text: &str, place: &Place) -> Self {
        Self {
            text: text.to_owned(),
            place: place.clone(),
        }
    }

    /// The fault to report when tcpdump refuses the expression with these words.
    pub fn refused(&self, said: &str) -> Fault {
        let message = format!("`{}` is not a filter", self.text);
        Fault::new(&self.place, code::BAD_VALUE, message, said.to_owned()).help(
            "pcap-filter(7) has the syntax, for example `icmp6 and ip6[40] == 135`".to_owned(),
        )
    }
}

/// Whether only what came since the check began is counted.
const SINCE: [(&str, bool); 2] = [("start", false), ("check", true)];

impl Declared for Packet {
    const KEYS: TableKeys = table_keys(
        "packet",
        "so many frames on the wire match the filter",
        &[
            must("interface", KeyType::INTERFACE, "whose wire is watched"),
            must(
                "filter",
                KeyType::Text,
                "filter of tcpdump (pcap-filter(7))",
            ),
            may(
                "count",
                KeyType::Range(0, 4_294_967_295),
                "1",
                "at least, or `[least, most]`",
            ),
            may("last", KeyType::TIME, "all", "of the last so long"),
            may(
                "since",
                KeyType::Words(&first_of_each(&SINCE)),
                "\"start\"",
                "since when; after a step, since that",
            ),
            may(
                "says",
                KeyType::Text,
                "\"\"",
                "only those in whose description by `tcpdump -vv` these words are: `\"bad udp cksum\"`",
            ),
        ],
    );
    const HOLDS: &'static str = "so many frames on the wire match the filter of tcpdump (pcap-filter(7)), and have these words in what `tcpdump -vv` prints of them: at least, or `[least, most]`; of the last so long; `\"check\"`: since the checks of its stage began, or that in `during`; after a step, since that";
    const NEEDS: Option<&'static str> = Some("tcpdump");
    const LOOKS: Looks = Looks::machine_or_guest(|_| None);

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked { reader, .. } = *asked;
        let interface = asked.captured();
        let filter = reader.need("filter", reader.text("filter"));
        let count = reader.bounds("count").unwrap_or((1, None));
        let last = reader.word("last", parse::duration);
        let since = reader.meaning("since", &SINCE);
        Some(Self {
            interface: interface?,
            filter: filter.map(|text| Filter::new(text.value, text.place))?,
            count: bounds(count),
            last: last.map(|time| time.value),
            since_check: since.is_some_and(|since| since.value),
            says: reader
                .text("says")
                .map_or(String::new(), |words| words.value.to_owned()),
        })
    }
}

impl Kind for Packet {
    fn expected(&self) -> String {
        expected(self)
    }

    fn holds_by_lack(&self) -> bool {
        self.count.least == 0
    }

    fn ghost_limit(&self, ghosts: &Ghosts<'_>) -> Option<String> {
        let interface = &self.interface;
        let told = !self.says.is_empty() && !about_checksums(&self.says);
        (told && ghosts.is_tap(interface)).then(|| {
            format!(
                "{interface} is a veth, and what tcpdump says of frames there is not what it says at a TAP"
            )
        })
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async { count::look(self, at).await }.boxed_local()
    }

    /// The link of the capture: a link that does not exist would never carry a frame.
    fn lacking(&self) -> Vec<&IfName> {
        vec![&self.interface]
    }

    fn tally(&self) -> Option<Tally> {
        Some(Tally {
            bounds: self.count,
            only_grows: self.last.is_none(),
        })
    }
}

/// Whether these words of tcpdump are about a checksum: `[bad udp cksum ...]`, `[udp sum ok]`, `cksum ... (correct)`. A ghost shows
/// these: its veth carries checksums that are still to be computed, as the TAP of a NIC with offloads does, and a guest whose
/// NIC has no offloads gets no ghost (`plan::ghost::unfit`).
fn about_checksums(words: &str) -> bool {
    words.contains("sum") || words.contains("correct")
}

/// An enhanced packet block (draft-ietf-opsawg-pcapng, 4.3).
const ENHANCED_PACKET: u32 = 6;

/// The part of a pcapng file that consists of whole blocks, without the frames from before `since`.
///
/// The lab's own capture wrote the file: one section, one interface with times in nanoseconds, in this machine's byte order.
fn cut(file: &[u8], since: SystemTime) -> Vec<u8> {
    let since = since.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let mut rest = file;
    let mut part = Vec::with_capacity(file.len());
    while let (Some(kind), Some(length)) = (word(rest, 0), word(rest, 4)) {
        let length = length as usize;
        let Some(block) = rest.get(..length) else {
            break;
        };
        if length < 12 {
            break;
        }
        let early = kind == ENHANCED_PACKET && time(block).is_some_and(|time| time < since);
        if !early {
            part.extend_from_slice(block);
        }
        rest = &rest[length..];
    }
    part
}

/// Time stamp of an enhanced packet block.
fn time(block: &[u8]) -> Option<Duration> {
    let (high, low) = (word(block, 12)?, word(block, 16)?);
    Some(Duration::from_nanos(u64::from(high) << 32 | u64::from(low)))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}

/// The count that `tcpdump --count` printed: `1 packet`, `12 packets`.
fn counted(stdout: &str) -> Option<u64> {
    let line = stdout.lines().find(|line| line.contains(" packet"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// How many frames have these words in what `tcpdump -vv` printed about them. The first line of each is not indented.
fn saying(stdout: &str, words: &str) -> u64 {
    let mut frames = 0;
    let mut said = true;
    for line in stdout.lines() {
        if !line.starts_with(char::is_whitespace) {
            said = false;
        }
        if !said && line.contains(words) {
            said = true;
            frames += 1;
        }
    }
    frames
}

/// Judges a count; `complete` says whether the capture has all that was on the wire.
///
/// # Errors
/// When frames that the capture does not have could make the count right or wrong.
fn judge(wanted: &Packet, count: u64, complete: bool) -> Result<Verdict, String> {
    let packets = match count {
        0 => "no packet".to_owned(),
        1 => "1 packet".to_owned(),
        count => format!("{count} packets"),
    };
    let got = format!(
        "{packets} on the wire of {} match `{}`{}",
        wanted.interface,
        wanted.filter.text,
        of_which(wanted)
    );
    let right = wanted.count.allow(count);
    // More frames can only break an upper limit, and only mend a lower one.
    let certain = complete
        || match wanted.count.most {
            None => right,
            Some(most) => count > most,
        };
    match (certain, right) {
        (false, _) => Err(format!("the capture has not got every frame, after {got}")),
        (true, true) => Ok(Verdict::holds(got)),
        // A count of frames since the beginning never falls; one of the `last` frames does.
        (true, false) if wanted.last.is_none() && wanted.count.exceeded(count) => {
            Ok(Verdict::lost(got))
        }
        (true, false) => Ok(Verdict::violated(got)),
    }
}

/// What is wanted, in words.
fn expected(wanted: &Packet) -> String {
    let last = wanted.last.map(humantime::format_duration);
    let last = last.map_or_else(String::new, |last| format!(" of the last {last}"));
    let since = if wanted.since_check {
        " from now on"
    } else {
        ""
    };
    let (count, filter, interface) = (wanted.count, &wanted.filter.text, &wanted.interface);
    let says = of_which(wanted);
    format!("{count} packets{last}{since} on the wire of {interface} that match `{filter}`{says}")
}

/// The words of tcpdump that are looked for.
fn of_which(wanted: &Packet) -> String {
    match wanted.says.as_str() {
        "" => String::new(),
        words => format!(" and of which tcpdump says \"{words}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(kind: u32, body: &[u8]) -> Vec<u8> {
        let length = (body.len() as u32 + 12).to_ne_bytes();
        [&kind.to_ne_bytes(), &length[..], body, &length[..]].concat()
    }

    fn frame(seconds: u64) -> Vec<u8> {
        let nanos = seconds * 1_000_000_000;
        let (high, low) = ((nanos >> 32) as u32, nanos as u32);
        let words = [0, high, low, 4, 4, 0xAABB_CCDD_u32];
        block(ENHANCED_PACKET, &words.map(u32::to_ne_bytes).concat())
    }

    #[test]
    fn only_whole_blocks_and_late_frames_are_kept() {
        let header = [block(0x0A0D_0D0A, &[0; 16]), block(1, &[0; 8])].concat();
        let (early, late) = (frame(1_000), frame(2_000));
        let file = [&header[..], &early, &late].concat();
        assert_eq!(cut(&file, UNIX_EPOCH), file);
        let since = UNIX_EPOCH + Duration::from_secs(1_500);
        assert_eq!(cut(&file, since), [&header[..], &late].concat());
        // Leave out a frame that is still being written.
        for missing in 1..late.len() {
            let part = &file[..file.len() - missing];
            assert_eq!(cut(part, UNIX_EPOCH), [&header[..], &early].concat());
        }
        // Stop at bytes that are no block.
        assert_eq!(cut(&[&header[..], &[0; 64]].concat(), UNIX_EPOCH), header);
    }

    /// Descriptions by tcpdump 4.99, with and without a checksum that the sender left to its NIC.
    const DESCRIBED: &str = "\
12:00:00.000001 IP (tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto UDP (17), length 63)
    192.168.1.3.40000 > 192.168.1.1.53: [udp sum ok] 2+ A? www.internet.test. (35)
12:00:00.000002 IP (tos 0x0, ttl 64, id 2, offset 0, flags [DF], proto UDP (17), length 79)
    192.168.1.1.53 > 192.168.1.3.40000: [bad udp cksum 0x838f -> 0x1234!] 2* q: A? www.internet.test. 1/0/0 www.internet.test. A 203.0.113.80 (51)
12:00:00.000003 ARP, Ethernet (len 6), IPv4 (len 4), Request who-has 192.168.1.3 tell 192.168.1.1, length 28
";

    #[test]
    fn a_frame_is_counted_once_whatever_of_it_has_the_words() {
        assert_eq!(saying(DESCRIBED, "bad udp cksum"), 1);
        assert_eq!(saying(DESCRIBED, "udp sum ok"), 1);
        assert_eq!(saying(DESCRIBED, "192.168.1.3"), 3);
        assert_eq!(saying(DESCRIBED, "icmp"), 0);
        assert_eq!(saying("", "x"), 0);
    }

    #[test]
    fn tcpdump_s_count_is_read() {
        assert_eq!(counted("0 packets\n"), Some(0));
        assert_eq!(counted("1 packet\n"), Some(1));
        assert_eq!(counted("12 packets\n"), Some(12));
        assert_eq!(counted(""), None);
    }
}
