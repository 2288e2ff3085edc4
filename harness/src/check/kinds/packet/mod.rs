//! Frames of a capture: which part of the file a look is about, and what tcpdump counted in it.
//!
//! tcpdump applies the filter (`tcpdump -r - --count FILTER`). What it reads is cut out of the capture here: only whole blocks,
//! since the capture goes on while it is read, and no frame from before a given moment.

mod count;
mod declared;
mod filters;
mod frames;
mod judge;

use futures_util::FutureExt;

use self::judge::expected;
use crate::check::ghosts::Ghosts;
use crate::check::kind::{Kind, Looked, Tally};
use crate::check::looking::Looking;
use crate::scenario::names::IfName;

pub use declared::{Filter, Packet};
pub use filters::filter_faults;

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
