//! LAN switches: the segments that are no cables.

use std::sync::Arc;

use super::{CarryOut, Making};
use crate::lab::on_machine::{Done, OnMachine};
use crate::plan::Link;
use crate::plan::bridge::switch_words;
use crate::scenario::names::MachineName;

/// `ip link add NAME type bridge forward_delay 0`: a bridge that stands for a LAN switch.
#[derive(Debug)]
pub(super) struct Switch {
    machine: String,
    name: String,
    /// What it is told.
    config: crate::scenario::Switch,
}

impl Switch {
    pub(super) fn of_segment(
        machine: &str,
        segment: &MachineName,
        config: &crate::scenario::Switch,
    ) -> Arc<dyn Link> {
        Arc::new(Self {
            machine: machine.to_owned(),
            name: segment.to_string(),
            config: config.clone(),
        })
    }
}

impl Link for Switch {
    fn by_hand(&self) -> String {
        let words = switch_words(&self.config);
        format!("ip -n {} link add {} {words}", self.machine, self.name)
    }

    fn machine(&self) -> &str {
        &self.machine
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn peer(&self) -> Option<&str> {
        None
    }

    fn alone(&self) -> bool {
        false
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl CarryOut for Switch {
    fn make<'l>(&'l self, at: &'l OnMachine, _: &'l mut Done) -> Making<'l> {
        Box::pin(async move { Ok(at.netlink.add_switch(&self.name, &self.config).await?) })
    }
}
