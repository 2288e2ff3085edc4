//! Frames on a wire: which, and how many.

use std::time::Duration;

use crate::scenario::check_kind::{Asked, Declared, Looks, bounds};
use crate::scenario::error::{Fault, code};
use crate::scenario::file::Place;
use crate::scenario::keys::{KeyType, TableKeys, first_of_each, may, must, table_keys};
use crate::scenario::names::IfName;
use crate::scenario::{Bounds, parse};

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
