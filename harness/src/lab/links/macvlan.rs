//! Macvlans: those of machines without networkd, and those that stand for a guest's macvtap and are born on the ghost.

use ipnet::IpNet;

use super::{CarryOut, Making};
use crate::host::capability::Capability;
use crate::lab::on_machine::{Done, OnMachine};
use crate::plan::{Link, LinkEnd};
use crate::scenario::keys::{
    DUPLICATE_MAC, KeyType, LINK, MACVLAN_MODE, OWN_MAC, TableKeys, list, may, table_keys,
};
use crate::scenario::machine_link::{Asked, Declared};
use crate::scenario::names::IfName;
use crate::scenario::net::Mac;
use crate::scenario::{MachineLink, MacvlanMode};

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
    /// Of a machine's, which are steps of their own.
    pub(super) addresses: Vec<IpNet>,
}

impl MachineLink for Macvlan {
    fn name(&self) -> &IfName {
        &self.there.name
    }

    fn kind(&self) -> &'static str {
        "macvlan"
    }

    fn addresses(&self) -> &[IpNet] {
        &self.addresses
    }
}

impl Declared for Macvlan {
    const KEY: (&'static str, &'static str) = (
        "macvlans",
        "made as by `ip link add link LINK name NAME type macvlan`. Not with `networkd`",
    );
    const KEYS: TableKeys = table_keys(
        "a macvlan",
        "`ip link add link LINK name NAME type macvlan mode MODE`",
        &[
            LINK,
            may(
                "mode",
                MACVLAN_MODE,
                "\"bridge\"",
                "how it gets at others on the same link, and at what is behind it",
            ),
            OWN_MAC,
            DUPLICATE_MAC,
            list("addresses", &KeyType::ADDRESS, "its addresses"),
        ],
    );

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let (mac, addresses) = asked.own();
        let mode = asked.reader.meaning("mode", &MacvlanMode::WORDS);
        if let Some(mode) = &mode {
            asked.alone(mode);
        }
        let link = asked.carrier()?;
        let (machine, name) = asked.names()?;
        let mac = mac.unwrap_or_else(|| Mac::derived(&machine, &name));
        let machine = machine.to_string();
        Some(Self {
            machine: machine.clone(),
            link,
            there: LinkEnd {
                machine,
                name,
                mac: Some(mac),
                mtu: None,
            },
            mode: mode.map_or(MacvlanMode::Bridge, |mode| mode.value),
            sources: Vec::new(),
            addresses,
        })
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
