//! Cables: pairs of virtual Ethernet devices (veth(4)).

use std::sync::Arc;

use super::{CarryOut, Making};
use crate::lab::error::LabError;
use crate::lab::on_machine::{Done, OnMachine};
use crate::plan::{Link, LinkEnd};

/// `ip link add NAME type veth peer name PEER netns OTHER`.
#[derive(Debug)]
pub(super) struct Veth {
    /// End made first.
    here: LinkEnd,
    /// The other end.
    there: LinkEnd,
}

impl Veth {
    pub(super) fn between(here: LinkEnd, there: LinkEnd) -> Arc<dyn Link> {
        Arc::new(Self { here, there })
    }
}

impl Link for Veth {
    fn by_hand(&self) -> String {
        let Self { here, there } = self;
        format!(
            "ip -n {} link add {}{} type veth peer name {}{} netns {}",
            here.machine,
            here.name,
            here.options(),
            there.name,
            there.options(),
            there.machine
        )
    }

    fn machine(&self) -> &str {
        &self.here.machine
    }

    fn name(&self) -> &str {
        self.here.name.as_str()
    }

    fn peer(&self) -> Option<&str> {
        Some(&self.there.machine)
    }

    fn wire(&self) -> Option<[(String, String); 2]> {
        let ends = [&self.here, &self.there];
        Some(ends.map(|end| (end.machine.clone(), end.name.to_string())))
    }

    fn alone(&self) -> bool {
        false
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl CarryOut for Veth {
    fn make<'l>(&'l self, at: &'l OnMachine, _: &'l mut Done) -> Making<'l> {
        Box::pin(async move {
            let peer = at.namespaces.get(&self.there.machine);
            let peer = peer.ok_or_else(|| LabError::NoMachine {
                machine: self.there.machine.clone(),
            })?;
            Ok(at.netlink.add_veth(&self.here, &self.there, peer).await?)
        })
    }
}
