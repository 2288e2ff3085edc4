//! Links on top of another link, each with a MAC address of its own: a guest's macvtap, and the modes of these and of macvlans.

use std::fmt;

use super::names::IfName;
use super::net::Mac;

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

/// The host's end of a NIC with `type = "macvtap"`, as microvm.nix's `macvtap-up` makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Macvtap {
    /// Link of the machine that it is put on.
    pub link: IfName,
    /// Its mode.
    pub mode: MacvlanMode,
    /// `ip link set ID allmulticast on`: without it the kernel, which cannot see the guest's groups, drops nearly all
    /// multicast for it.
    pub allmulticast: bool,
    /// With [`MacvlanMode::Source`], from whom frames come in.
    pub sources: Vec<Mac>,
}
