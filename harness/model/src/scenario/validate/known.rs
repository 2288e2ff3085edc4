//! Which names exist.

use std::collections::{BTreeMap, BTreeSet};

/// The names of a scenario.
#[derive(Debug, Default)]
pub struct Known<'a> {
    pub(crate) segments: BTreeSet<&'a str>,
    pub machines: BTreeMap<&'a str, KnownMachine<'a>>,
    pub guests: BTreeMap<&'a str, KnownGuest<'a>>,
}

/// A machine's names.
#[derive(Debug, Default)]
pub struct KnownMachine<'a> {
    /// Plugged interfaces.
    pub plugged: BTreeSet<&'a str>,
    /// Interfaces that its networkd's `.netdev` files make; those taken away by `without_units` included, since
    /// a check may be there to show that one is missing.
    pub netdevs: BTreeSet<String>,
    /// TAPs of its guests.
    pub taps: BTreeSet<&'a str>,
    /// Bridges made by rtnetlink.
    pub bridges: BTreeSet<&'a str>,
    /// Other links made by rtnetlink.
    pub(crate) made: BTreeSet<&'a str>,
    /// How many links there are on a link.
    pub(crate) carried: BTreeMap<&'a str, usize>,
    /// Which interface or TAP is put on which bridge by rtnetlink.
    pub(crate) masters: BTreeMap<&'a str, &'a str>,
    /// Whether networkd runs in it.
    pub networkd: bool,
    /// Whether dnsmasq does.
    pub dnsmasq: bool,
    /// Whether a web server does.
    pub http: bool,
    /// Whether its unit files could be read; if not, its netdevs are anyone's guess.
    pub(crate) complete: bool,
}

/// A guest's names.
#[derive(Debug, Default)]
pub struct KnownGuest<'a> {
    pub taps: BTreeSet<&'a str>,
    /// MAC addresses of its NICs, by `id`; those that steps plug in are not among them.
    pub macs: BTreeMap<&'a str, &'a str>,
    pub(crate) containers: BTreeSet<&'a str>,
    /// The machine that holds its TAPs.
    pub(crate) on: &'a str,
    /// Its image; `None`: the default.
    pub image: Option<&'a str>,
    /// Whether it boots with the lab; if not, a step starts it.
    pub(crate) boots: bool,
}

impl KnownMachine<'_> {
    /// Whether there is one of that name among [`interfaces`](Self::interfaces).
    pub(crate) fn has_interface(&self, name: &str) -> bool {
        let sets = [&self.plugged, &self.bridges, &self.made, &self.taps];
        let mut sets = sets.into_iter();
        sets.any(|set| set.contains(name)) || self.netdevs.contains(name) || name == "lo"
    }

    /// Every interface that can be looked at in the machine.
    pub(crate) fn interfaces(&self) -> impl Iterator<Item = &str> + Clone {
        let plugged = self.plugged.iter().copied();
        let netdevs = self.netdevs.iter().map(String::as_str);
        plugged
            .chain(self.bridges.iter().copied())
            .chain(self.made.iter().copied())
            .chain(netdevs)
            .chain(self.taps.iter().copied())
            .chain(["lo"])
    }
}

impl Known<'_> {
    /// Everything a check can look from, as it is written.
    pub(crate) fn vantages(&self) -> Vec<String> {
        let machines = self.machines.keys().map(|name| (*name).to_owned());
        let guests = self.guests.keys().map(|name| (*name).to_owned());
        let containers = self.guests.iter().flat_map(|(guest, known)| {
            known
                .containers
                .iter()
                .map(move |container| format!("{guest}/{container}"))
        });
        machines.chain(guests).chain(containers).collect()
    }
}
