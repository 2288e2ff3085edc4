//! Modes of links that share another one, each with a MAC address of its own: macvlans, and the macvtaps of guests.

use std::fmt;

/// How the macvtaps and macvlans of one link get at each other and at what is behind it: `ip link add ... type macvtap mode
/// MODE` (ip-link(8)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MacvlanMode {
    /// All of one link reach each other, as over a bridge.
    Bridge,
    /// None of one link reaches another, not even by way of a switch that sends frames back.
    Private,
    /// Every frame goes out of the link; to reach another of the same link, the switch must send it back (hairpin).
    Vepa,
    /// The link's only one, which gets all frames.
    Passthru,
    /// Only frames from the listed MAC addresses come in.
    Source,
}

impl MacvlanMode {
    /// All of them, by the words of `ip` and of microvm.nix's `macvtap.mode`.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("bridge", Self::Bridge),
        ("private", Self::Private),
        ("vepa", Self::Vepa),
        ("passthru", Self::Passthru),
        ("source", Self::Source),
    ];
}

impl fmt::Display for MacvlanMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Self::WORDS.iter().find(|(_, mode)| mode == self);
        f.write_str(word.map_or("", |(word, _)| word))
    }
}
