//! Macvlans: those of machines without networkd, and those that stand for a guest's macvtap and are born on the ghost.

use std::sync::Arc;

use super::{CarryOut, Making};
use crate::host::capability::Capability;
use crate::lab::parallel::{Done, OnMachine};
use crate::plan::{Link, LinkEnd};
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::net::Mac;
use crate::scenario::{Machine, MacvlanMode};

/// `ip link add link LINK name NAME type macvlan mode MODE`.
#[derive(Debug)]
pub(super) struct Macvlan {
    /// Machine of the link that it is put on.
    pub(super) machine: String,
    /// That link.
    pub(super) link: IfName,
    /// The machine that gets it, and what it is there.
    pub(super) there: LinkEnd,
    pub(super) mode: MacvlanMode,
    /// With [`MacvlanMode::Source`], from whom frames come in.
    pub(super) sources: Vec<Mac>,
}

impl Macvlan {
    pub(super) fn of_machine(name: &MachineName, machine: &Machine) -> Vec<Arc<dyn Link>> {
        let own = machine.macvlans.iter();
        let own = own.map(|(id, macvlan)| -> Arc<dyn Link> {
            let mac = macvlan.mac.unwrap_or_else(|| Mac::derived(name, id));
            Arc::new(Self {
                machine: name.to_string(),
                link: macvlan.link.clone(),
                there: LinkEnd {
                    machine: name.to_string(),
                    name: id.clone(),
                    mac: Some(mac),
                    mtu: None,
                },
                mode: macvlan.mode,
                sources: Vec::new(),
            })
        });
        own.collect()
    }
}

impl Link for Macvlan {
    fn by_hand(&self) -> String {
        let (machine, link) = (&self.machine, &self.link);
        let (name, options) = (&self.there.name, self.there.options());
        let netns = self.peer().map(|peer| format!(" netns {peer}"));
        format!(
            "ip -n {machine} link add link {link} name {name}{options}{} type macvlan mode {}{}",
            netns.unwrap_or_default(),
            self.mode,
            sources(&self.sources)
        )
    }

    fn machine(&self) -> &str {
        &self.machine
    }

    fn name(&self) -> &str {
        self.there.name.as_str()
    }

    fn peer(&self) -> Option<&str> {
        let there = &self.there.machine;
        (*there != self.machine).then_some(there)
    }

    /// What it is put on may have yet to come.
    fn alone(&self) -> bool {
        true
    }

    /// The driver of macvtaps needs that of macvlans, so a kernel with macvtaps has macvlans too.
    fn needs(&self) -> Vec<&'static str> {
        vec![Capability::Macvtap.name()]
    }
}

impl CarryOut for Macvlan {
    fn make<'l>(&'l self, at: &'l OnMachine, _: &'l mut Done) -> Making<'l> {
        Box::pin(async move {
            at.has_link(&self.link).await?;
            let namespace = self.peer().and_then(|peer| at.namespaces.get(peer));
            let Self {
                link,
                there,
                mode,
                sources,
                ..
            } = self;
            let made = at
                .netlink
                .add_macvlan(link, there, *mode, sources, namespace);
            Ok(made.await?)
        })
    }
}

/// ` macaddr set MAC ...`, where there are any.
pub(super) fn sources(sources: &[Mac]) -> String {
    let set = if sources.is_empty() {
        ""
    } else {
        " macaddr set"
    };
    let each = sources.iter().map(|mac| format!(" {mac}"));
    [set.to_owned()].into_iter().chain(each).collect()
}
