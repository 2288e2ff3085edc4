//! What an operator is.

use super::change::Site;
use super::keys::TomlKey;
use super::texts::Texts;
use super::unit_text::{UnitSetting, UnitText};

/// Where in the network an operator breaks something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Files, sections and lines, whatever they say.
    File,
    /// `[Match]`: which link a unit is for.
    Match,
    /// Links: whether they are up, how long a frame may be, which MAC address they have.
    Link,
    /// Bridges, their ports and VLANs.
    Bridge,
    /// Addresses, prefixes, gateways, routes, name servers.
    Address,
    /// IPv6 by itself: router advertisements, link-local addresses, DHCP.
    Autoconf,
    /// Sysctls of machines and guests.
    Sysctl,
    /// Rulesets.
    Firewall,
    /// What the router and the internet serve.
    Service,
    /// NICs of guests, and their ends on the host.
    Nic,
    /// Docker in guests.
    Docker,
}

impl Layer {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Match => "match",
            Self::Link => "link",
            Self::Bridge => "bridge",
            Self::Address => "address",
            Self::Autoconf => "autoconf",
            Self::Sysctl => "sysctl",
            Self::Firewall => "firewall",
            Self::Service => "service",
            Self::Nic => "nic",
            Self::Docker => "docker",
        }
    }
}

/// A way to break one thing.
#[derive(Debug)]
pub struct Operator {
    /// Its name, which stays: scripts and reports know it by that.
    pub name: &'static str,
    /// Where it breaks something.
    pub layer: Layer,
    /// What it does, in one sentence.
    pub says: &'static str,
    /// Whether only a MicroVM can show it: a ghost has no VMM, no Docker and no root file system.
    pub needs_guests: bool,
    /// Where it can be done.
    pub(super) sites: Sites,
}

/// Where an operator can be done, and what it does there.
#[derive(Debug)]
pub(super) enum Sites {
    /// The value of a setting of unit files becomes another one.
    Setting(fn(&UnitSetting<'_>) -> Option<String>),
    /// Unit files for which this holds get these lines in that section.
    Lines {
        /// Name of the section.
        section: &'static str,
        /// The lines, without the last line's end.
        lines: &'static str,
        /// Whether a unit file of that name may get them.
        to: fn(&str, &UnitText<'_>) -> bool,
    },
    /// The value of a key of the scenario's file becomes another one, as TOML.
    Key(fn(&TomlKey) -> Option<String>),
    /// The scenario's file gets these tables at its end, each with its header.
    Tables(fn(Texts<'_>) -> Vec<String>),
    /// The scenario's file gets one of these paths in `remove`.
    Removes(fn(Texts<'_>) -> Vec<String>),
    /// A line of a ruleset becomes another one; an empty text: it goes.
    Rule(fn(&str) -> Option<String>),
    /// Whatever it does.
    Any(fn(Texts<'_>) -> Vec<Site>),
}
