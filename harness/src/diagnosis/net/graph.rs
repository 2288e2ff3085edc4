//! Ends, edges, and the states of the machines.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::nics::nics;
use crate::diagnosis::state::{Link, State};
use crate::plan::FABRIC;
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::{Scenario, VantagePoint};

/// A link of a machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::diagnosis) struct End {
    /// The machine, guest, `GUEST/CONTAINER`, or the lab's switches.
    pub(in crate::diagnosis) machine: String,
    /// The link.
    pub(in crate::diagnosis) link: String,
}

impl End {
    /// The link of the machine.
    pub(in crate::diagnosis) fn new(machine: impl Into<String>, link: impl Into<String>) -> Self {
        Self {
            machine: machine.into(),
            link: link.into(),
        }
    }
}

/// How two ends are joined, from the first to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::diagnosis) enum Join {
    /// A wire.
    Wire,
    /// From a port to its bridge.
    ToBridge,
    /// From a bridge to its port.
    ToPort,
    /// From a macvlan or a VLAN to the link that it is put on.
    Down,
    /// From a link to what is put on it.
    Up,
}

impl Join {
    fn back(self) -> Self {
        match self {
            Self::Wire => Self::Wire,
            Self::ToBridge => Self::ToPort,
            Self::ToPort => Self::ToBridge,
            Self::Down => Self::Up,
            Self::Up => Self::Down,
        }
    }
}

/// An edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::diagnosis) struct Edge {
    pub(super) to: End,
    pub(super) join: Join,
    /// Whether it is there; otherwise it is only meant to be.
    pub(super) is: bool,
}

/// The lab.
pub(in crate::diagnosis) struct Net<'a> {
    /// What was asked for.
    pub(in crate::diagnosis) scenario: &'a Scenario,
    pub(super) states: BTreeMap<String, State>,
    pub(super) edges: BTreeMap<End, Vec<Edge>>,
}

impl<'a> Net<'a> {
    pub(super) fn add(&mut self, from: End, to: End, join: Join, is: bool) {
        for (from, to, join) in [(from.clone(), to.clone(), join), (to, from, join.back())] {
            let edges = self.edges.entry(from).or_default();
            if !edges.iter().any(|edge| edge.to == to) {
                edges.push(Edge { to, join, is });
            }
        }
    }

    /// A machine's state; `None`: it did not answer.
    pub(in crate::diagnosis) fn state(&self, machine: &str) -> Option<&State> {
        self.states.get(machine)
    }

    /// Every machine that answered, with its state; not the lab's switches.
    pub(in crate::diagnosis) fn states(&self) -> impl Iterator<Item = (&str, &State)> {
        let all = self.states.iter().filter(|(name, _)| *name != FABRIC);
        all.map(|(name, state)| (name.as_str(), state))
    }

    /// A link, where its machine answered and has it.
    pub(in crate::diagnosis) fn link(&self, end: &End) -> Option<&Link> {
        self.state(&end.machine)?.links.get(&end.link)
    }

    /// The ends that have an address, whatever its state.
    pub(in crate::diagnosis) fn owners(&self, address: IpAddr) -> Vec<End> {
        let all = self.states();
        let owned = all.filter_map(|(name, state)| {
            let (link, _) = state.owner(address)?;
            Some(End::new(name, &link.name))
        });
        owned.collect()
    }

    /// The name of a link at a vantage: a guest's NIC goes by the host's name for it.
    pub(in crate::diagnosis) fn link_name(&self, at: &VantagePoint, name: &str) -> String {
        let VantagePoint::Guest(guest) = at else {
            return name.to_owned();
        };
        let nics = nics(self.scenario, guest);
        let mac = nics.iter().find(|nic| nic.0.as_str() == name);
        let known = mac.and_then(|(_, mac)| self.state(guest.as_str())?.with_mac(&mac.to_string()));
        known.map_or_else(|| name.to_owned(), |link| link.name.clone())
    }

    /// Whether a guest's NIC is at the other end of a link.
    pub(in crate::diagnosis) fn guest_beyond(&self, end: &End) -> bool {
        let named = IfName::try_from(end.link.as_str()).ok();
        named.is_some_and(|name| self.guest_of(&name).is_some())
    }

    /// The guest whose NIC goes by this name on the host.
    pub(in crate::diagnosis) fn guest_of(&self, id: &IfName) -> Option<&MachineName> {
        let mut guests = self.scenario.guests.iter();
        let found = guests.find(|(_, guest)| guest.interfaces.iter().any(|nic| nic.id == *id));
        found.map(|(name, _)| name)
    }
}
