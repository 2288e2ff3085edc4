//! Links that are not there, and machines that did not answer.

use super::at::Explained;
use crate::diagnosis::code::Code;
use crate::diagnosis::found::Found;
use crate::diagnosis::net::End;

/// A machine that did not answer.
pub(super) fn not_watched(machine: String) -> Explained {
    Explained {
        found: Vec::new(),
        unwatched: vec![machine],
    }
}

/// A link that is not there.
pub(super) fn absent_link(end: &End) -> Found {
    let End { machine, link } = end;
    let statement = format!("{machine} has no link {link}");
    Found::link(Code::LinkAbsent, end, statement)
        .needed("link")
        .seen(
            format!("there is no {link}"),
            format!("ip link show dev {link}"),
        )
}
