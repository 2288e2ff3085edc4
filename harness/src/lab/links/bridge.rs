//! Bridges of machines without networkd.

use std::sync::Arc;

use super::{CarryOut, Making};
use crate::host::capability::Capability;
use crate::lab::on_machine::{Done, OnMachine};
use crate::plan::Link;
use crate::plan::bridge::bridge_words;
use crate::scenario::names::{IfName, MachineName};

/// `ip link add NAME type bridge` with its options. Its MTU, addresses and ports are steps of their own.
#[derive(Debug)]
pub(super) struct Bridge {
    machine: String,
    name: IfName,
    config: crate::scenario::Bridge,
}

impl Bridge {
    pub(super) fn of_machine(
        machine: &MachineName,
        name: &IfName,
        config: &crate::scenario::Bridge,
    ) -> Arc<dyn Link> {
        Arc::new(Self {
            machine: machine.to_string(),
            name: name.clone(),
            config: config.clone(),
        })
    }
}

impl Link for Bridge {
    fn by_hand(&self) -> String {
        let words = bridge_words(&self.config);
        format!("ip -n {} link add {} {words}", self.machine, self.name)
    }

    fn machine(&self) -> &str {
        &self.machine
    }

    fn name(&self) -> &str {
        self.name.as_str()
    }

    fn peer(&self) -> Option<&str> {
        None
    }

    fn alone(&self) -> bool {
        false
    }

    fn needs(&self) -> Vec<&'static str> {
        match self.config.vlan_filtering {
            Some(true) => vec![Capability::VlanFiltering.name()],
            _ => Vec::new(),
        }
    }
}

impl CarryOut for Bridge {
    fn make<'l>(&'l self, at: &'l OnMachine, _: &'l mut Done) -> Making<'l> {
        Box::pin(async move {
            let made = at.netlink.add_bridge(self.name.as_str(), &self.config);
            Ok(made.await?)
        })
    }
}
