//! systemd-networkd's unit files by themselves: what a file says and at which line, what networkd passes over, and which links
//! its `[Match]` finds (systemd.network(5), systemd.netdev(5), systemd.link(5), systemd.syntax(7)).
//!
//! Nothing here knows a scenario. Whoever asks gives the files ([`UnitFile`]) and describes the links ([`Links`]); what is
//! doubtful comes back as a [`Warning`] with its place:
//!
//! * [`Unit::all`] reads files into units, each with its drop-ins; [`misspelt`] finds sections and keys that do not exist;
//! * [`Unit::matches`] says whether a unit finds a link, and [`Unit::match_by_key`] which line of `[Match]` decides it;
//! * [`matches_nothing`] and [`two_files`] say what is wrong with units that find no link, or one that another unit has;
//! * [`said`] finds the line that networkd means with its own words.

mod file;
mod keys;
mod link;
mod link_kind;
mod matching;
mod named;
pub mod said;
mod spelling;
mod syntax;
mod text;
mod two_files;
mod udev;
mod unit;
mod unmatched;
mod warning;

pub use file::{MASK, NETWORKD_CONF, SUFFIXES, Taken, UnitFile, looks_like_a_unit, made, netdevs};
pub use keys::{Section, UnitKind};
pub use link::{Link, LinkName, Links};
pub use link_kind::LinkKind;
pub use matching::{KeyMatch, Matches};
pub use spelling::{TOLD, misspelt};
pub use syntax::settings;
pub(crate) use syntax::{What, lines};
pub use two_files::warnings as two_files;
pub use unit::{Setting, Unit};
pub use unmatched::{matches_nothing, without_match};
pub use warning::{Warning, code};
