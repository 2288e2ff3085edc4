//! How many frames there must be, and whether there are.

use super::declared::Packet;
use crate::check::Verdict;
use crate::check::no_verdict::NoVerdict;

/// Judges a count; `complete` says whether the capture has all that was on the wire.
///
/// # Errors
/// When frames that the capture does not have could make the count right or wrong.
pub(super) fn judge(wanted: &Packet, count: u64, complete: bool) -> Result<Verdict, NoVerdict> {
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
        (false, _) => Err(NoVerdict::new(format!(
            "the capture has not got every frame, after {got}"
        ))),
        (true, true) => Ok(Verdict::holds(got)),
        // A count of frames since the beginning never falls; one of the `last` frames does.
        (true, false) if wanted.last.is_none() && wanted.count.exceeded(count) => {
            Ok(Verdict::lost(got))
        }
        (true, false) => Ok(Verdict::violated(got)),
    }
}

/// What is wanted, in words.
pub(super) fn expected(wanted: &Packet) -> String {
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
