//! The macvtap of a guest's NIC, as microvm.nix's `macvtap-up` makes it. See `docs/macvtap.md`.

use std::sync::Arc;

use super::macvlan::{Macvlan, sources};
use super::{CarryOut, End, Making};
use crate::host::capability::Capability;
use crate::host::macvtap;
use crate::hypervisor::macvtap_node;
use crate::lab::on_machine::{Done, OnMachine};
use crate::plan::ghost::USUAL_MTU;
use crate::plan::link::{NicEnd, NicLink};
use crate::plan::{Link, LinkEnd, Operation, no_ipv6};
use crate::scenario::error::code;
use crate::scenario::keys::{
    Key, KeyType, LINK, MACVLAN_MODE, TableKeys, flag, list, may, must, table_keys,
};
use crate::scenario::names::IfName;
use crate::scenario::net::Mac;
use crate::scenario::nic_kind::{Asked, Declared};
use crate::scenario::vmm::Vmm;
use crate::scenario::{HostEnd, MacvlanMode, NicKind, NicOptions, TapOpen, parse};

/// `type = "macvtap"`: on a link of the host.
#[derive(Debug, Clone)]
pub(super) struct Macvtap {
    link: IfName,
    mode: MacvlanMode,
    /// `ip link set ID allmulticast on`: without it the kernel, which cannot see the guest's groups, drops nearly all
    /// multicast for it.
    allmulticast: bool,
    /// With [`MacvlanMode::Source`], from whom frames come in.
    sources: Vec<Mac>,
}

const KEYS: TableKeys = table_keys(
    "a macvtap",
    "`ip link add link LINK name ID address MAC type macvtap mode MODE`",
    &[
        LINK,
        must(
            "mode",
            MACVLAN_MODE,
            "how it gets at others on the same link, and at what is behind it",
        ),
        flag(
            "allmulticast",
            "true",
            "`ip link set ID allmulticast on`, as microvm.nix's `macvtap-up` has it",
        ),
        list(
            "sources",
            &KeyType::MAC,
            "with `mode = \"source\"`: from whom frames come in",
        ),
    ],
);

impl NicKind for Macvtap {
    fn word(&self) -> &'static str {
        Self::WORD
    }

    fn carrier(&self) -> Option<&IfName> {
        Some(&self.link)
    }

    fn is_the_guests(&self) -> bool {
        true
    }

    fn not_on_the_host(&self) -> Option<&'static str> {
        Some("is a macvlan of the ghost here, and not on the host")
    }

    fn unlike_a_ghost(&self, end: &HostEnd, _: &NicOptions) -> Vec<&'static str> {
        let found = [
            (
                !self.allmulticast,
                "has a macvtap without allmulticast: a macvlan knows the groups of its own kernel",
            ),
            (
                !end.up || end.mtu.is_some(),
                "has a macvtap with `up` or `host_mtu`: a ghost's macvlan has no end on the host",
            ),
            (
                self.mode == MacvlanMode::Passthru,
                "has a macvtap in the mode passthru: a macvlan has its link's MAC address there",
            ),
        ];
        let found = found.into_iter().filter(|(unlike, _)| *unlike);
        found.map(|(_, why)| why).collect()
    }
}

impl Declared for Macvtap {
    const WORD: &'static str = "macvtap";
    const WHAT: &'static str = "a macvtap";
    const OWN: Option<Key> = Some(may(
        "macvtap",
        KeyType::Table(&KEYS),
        "none",
        "what a macvtap is put on, and how. Only with `type = \"macvtap\"`, which needs it",
    ));
    /// microvm.nix's `macvtap-up` gives the node to one user, and a macvtap is no port of a bridge and has no address.
    const NONE_OF: &'static [(&'static str, &'static str)] = &[
        (
            "owner",
            "the lab opens its device node and hands down descriptors",
        ),
        (
            "before_networkd",
            "it is made when what it is put on is there",
        ),
        ("master", "it is put on a link, which may be a bridge"),
        (
            "host_addresses",
            "it is the guest's alone; the host has its own in `macvlans`",
        ),
        (
            "host_routes",
            "it is the guest's alone; the host has its own in `macvlans`",
        ),
    ];
    const WAYS: Option<fn(&Vmm) -> &'static [TapOpen]> = Some(|vmm| vmm.macvtap);

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let own = asked.reader.table("macvtap", &KEYS);
        if own.is_none() && asked.reader.entry("macvtap").is_none() {
            let message = "`type = \"macvtap\"` needs `macvtap`";
            let (code, label) = (code::MISSING_KEY, "which link is it put on?");
            let told = (asked.context.faults).report(asked.place, code, message, label);
            told.help("for example `macvtap = { link = \"eno1\", mode = \"bridge\" }` beside it");
        }
        let own = own?;
        let mode = own.need("mode", own.meaning("mode", &MacvlanMode::WORDS));
        if let Some(mode) = &mode {
            asked.alone(&own, mode);
        }
        if let Some(mode) = mode.filter(|mode| mode.value != MacvlanMode::Source) {
            let message = format!("`sources` with mode `{}`", mode.value);
            let told = own.conflict("sources", message, "only mode `source` looks at who sends");
            told.help("make it `mode = \"source\"`");
        }
        let link = asked.carrier(&own);
        Some(Self {
            link: link?,
            mode: mode?.value,
            allmulticast: own.flag("allmulticast").unwrap_or(true),
            sources: own.values("sources", parse::mac),
        })
    }

    /// In mode bridge on the bridge that the TAP is for, or on the machine's only link.
    fn instead(asked: &Asked<'_, '_>) -> Result<Self, String> {
        for key in ["host_addresses", "host_routes"] {
            if asked.reader.entry(key).is_some() {
                return Err(format!("`{key}`: a macvtap has none, with `nic`"));
            }
        }
        let link = asked.reader.said("master").or_else(|| {
            let known = asked.known()?;
            // The only bridge there is; else the only NIC.
            only(known.bridges.iter().copied())
                .or_else(|| only(known.netdevs.iter().map(String::as_str)))
                .or_else(|| only(known.plugged.iter().copied()))
        });
        let link = link.and_then(|link| IfName::try_from(link).ok());
        let link = link.ok_or_else(|| {
            format!(
                "`nic`: which link of `{}` carries a macvtap?",
                asked.machine
            )
        });
        Ok(Self {
            link: link?,
            mode: MacvlanMode::Bridge,
            allmulticast: true,
            sources: Vec::new(),
        })
    }

    /// What is a TAP's alone is left out.
    fn end(_: &Asked<'_, '_>, end: HostEnd) -> HostEnd {
        HostEnd {
            multi_queue: end.multi_queue,
            vnet_hdr: end.vnet_hdr,
            up: end.up,
            at_start: end.at_start,
            mtu: end.mtu,
            ..HostEnd::default()
        }
    }
}

/// The name, where there is no other.
fn only<'n>(mut names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    names.next().filter(|_| names.next().is_none())
}

/// `ip link add link LINK name NAME address MAC type macvtap mode MODE`.
impl Link for End<Macvtap> {
    fn by_hand(&self) -> String {
        let NicEnd {
            machine, id, mac, ..
        } = &self.nic;
        format!(
            "ip -n {machine} link add link {} name {id} address {mac} type macvtap mode {}{}",
            self.kind.link,
            self.kind.mode,
            sources(&self.kind.sources)
        )
    }

    fn machine(&self) -> &str {
        &self.nic.machine
    }

    fn name(&self) -> &str {
        self.nic.id.as_str()
    }

    fn peer(&self) -> Option<&str> {
        None
    }

    /// What it is put on may have yet to come, and its node is opened.
    fn alone(&self) -> bool {
        true
    }

    fn needs(&self) -> Vec<&'static str> {
        vec![Capability::Macvtap.name(), Capability::DeviceNodes.name()]
    }
}

impl NicLink for End<Macvtap> {
    /// As microvm.nix's `macvtap-up` does: the guest has its own IPv6, and the host none on this link.
    fn prepared(&self) -> Vec<Operation> {
        let (machine, link) = (self.machine(), self.name());
        let all = self.kind.allmulticast.then(|| Operation::Allmulticast {
            machine: machine.to_owned(),
            link: link.to_owned(),
        });
        [no_ipv6(machine, link)].into_iter().chain(all).collect()
    }

    /// A macvlan in the same mode on the same link, born on the ghost.
    fn ghost(&self, there: LinkEnd) -> Option<Arc<dyn Link>> {
        Some(Arc::new(Macvlan {
            machine: self.nic.machine.clone(),
            link: self.kind.link.clone(),
            there: LinkEnd {
                // A guest's kernel knows nothing of the link's MTU, which a macvlan takes over by itself.
                mtu: Some(there.mtu.unwrap_or(USUAL_MTU)),
                ..there
            },
            mode: self.kind.mode,
            sources: self.kind.sources.clone(),
            addresses: Vec::new(),
        }))
    }
}

impl CarryOut for End<Macvtap> {
    /// Makes it, opens it, and holds it for its VMM if the plan says so.
    fn make<'l>(&'l self, at: &'l OnMachine, done: &'l mut Done) -> Making<'l> {
        let NicEnd {
            id, mac, end, held, ..
        } = &self.nic;
        let Macvtap {
            link,
            mode,
            sources,
            ..
        } = &self.kind;
        Box::pin(async move {
            at.has_link(link).await?;
            let index = at
                .netlink
                .add_macvtap(link, (id, *mac), *mode, sources)
                .await?;
            let node = macvtap_node(&at.run, &at.machine, id);
            let tap = macvtap::open(id, index, &node, end, *held)?;
            if *held > 0 {
                self.hold(tap, done);
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::plan::TopologyPlan;
    use crate::scenario::{LoadedScenario, Overrides, load_text_with};

    fn loaded(text: &str, imposed: &str) -> LoadedScenario {
        let imposed: Overrides = imposed.parse().expect("a key and a value");
        let text = format!("version = 1\nsummary = 'nics'\n{text}");
        load_text_with(Path::new("nics.toml"), text, &[imposed]).expect("a scenario")
    }

    /// Two guests of a host with one bridge, one that is routed to, and one that has a macvtap already.
    const NICS: &str = "[machines.host]\nbridges.br0 = {}\n\
        [guests.a]\ninterfaces = [{ type = 'tap', id = 'vm-a', mac = '02:00:00:00:00:01', master = 'br0', owner = '1' }]\n\
        [guests.b]\ninterfaces = [{ type = 'tap', id = 'vm-b', mac = '02:00:00:00:00:02' }]\n\
        [variants.routed.guests.b]\n\
        interfaces = [{ type = 'tap', id = 'vm-b', mac = '02:00:00:00:00:02', host_addresses = ['10.0.0.1/24'] }]\n\
        [variants.private.guests.b]\n\
        interfaces = [{ type = 'macvtap', id = 'vm-b', mac = '02:00:00:00:00:02', macvtap = { link = 'eno1', mode = 'private' } }]\n";

    #[test]
    fn a_tap_becomes_a_macvtap_of_its_bridge_and_what_cannot_is_beyond() {
        let all = loaded(NICS, "nic=macvtap");
        let told = |form: &str| {
            let form = all.named(form).expect("it is there")[0].clone();
            let guests = form.guests.values();
            let nics = guests.map(|guest| guest.interfaces[0].clone());
            let links = nics.map(|nic| {
                assert_eq!((&nic.host.master, &nic.host.owner), (&None, &None));
                let macvtap = nic.kind.downcast_ref::<Macvtap>();
                let macvtap = macvtap.map(|it| format!("{} {}", it.link, it.mode));
                macvtap.unwrap_or_default()
            });
            (links.collect::<Vec<_>>(), form.beyond)
        };
        let (links, beyond) = told("green");
        assert_eq!(links, ["br0 bridge", "br0 bridge"]);
        assert_eq!(beyond, []);
        let (links, beyond) = told("private");
        assert_eq!(links, ["br0 bridge", "eno1 private"], "as it is written");
        assert_eq!(beyond, []);
        assert!(told("routed").1[0].1.contains("host_addresses"));

        let all = loaded(NICS, "nic=tap");
        let private = all.named("private").expect("it is there")[0].clone();
        assert!(private.beyond[0].1.contains("on no bridge"), "{private:?}");
        assert_eq!(all.named("green").expect("it is there")[0].beyond, []);
    }

    #[test]
    fn a_tap_becomes_a_macvtap_of_its_bridge_and_back() {
        let text = "[machines.host]\ninterfaces = [{ name = 'eno1', segment = 'lan', master = 'br7' }]\n\
            bridges.br7 = { addresses = ['192.168.1.2/24'] }\n\
            [guests.a]\ninterfaces = [{ type = 'tap', id = 'a', mac = '02:00:00:00:00:01', master = 'br7' }]\n\
            [guests.b]\ninterfaces = [{ type = 'tap', id = 'b', mac = '02:00:00:00:00:02' }]\n\
            [guests.c]\ninterfaces = [{ type = 'macvtap', id = 'c', mac = '02:00:00:00:00:03', \
            macvtap = { link = 'br7', mode = 'vepa' } }]\n";
        let loaded_as = |nic: &str| {
            let loaded = loaded(text, nic);
            let scenario = loaded.scenario(None).expect("it is there");
            assert_eq!(scenario.beyond, []);
            let nics = scenario.guests.into_values();
            let nics = nics.map(|guest| {
                let nic = &guest.interfaces[0];
                match (nic.kind.downcast_ref::<Macvtap>(), &nic.host.master) {
                    (Some(it), _) => format!("{} {}", it.link, it.mode),
                    (None, Some(master)) => format!("tap on {master}"),
                    (None, None) => "tap".to_owned(),
                }
            });
            nics.collect::<Vec<_>>()
        };
        assert_eq!(
            loaded_as("nic=macvtap"),
            ["br7 bridge", "br7 bridge", "br7 vepa"]
        );
        assert_eq!(loaded_as("nic=tap"), ["tap on br7", "tap", "tap on br7"]);
    }

    /// As a TAP: there is none before the step that starts its guest.
    #[test]
    fn one_that_is_made_at_the_start_is_not_there_before() {
        let text = |at_start: bool| {
            format!(
                "[machines.host]\nbridges.br0 = {{}}\n[guests.a]\nstart = 'step'\n\
                interfaces = [{{ type = 'macvtap', id = 'mv-a', mac = '02:00:00:00:00:01', \
                at_start = {at_start}, macvtap = {{ link = 'br0', mode = 'bridge' }} }}]\n"
            )
        };
        for at_start in [true, false] {
            let loaded = loaded(&text(at_start), "vcpu=1");
            let scenario = loaded.scenario(None).expect("its green form");
            let plan = TopologyPlan::new(&scenario);
            let made =
                |step: &Operation| matches!(step, Operation::Link(link) if link.name() == "mv-a");
            assert_eq!(plan.steps().iter().any(made), !at_start);
        }
    }
}
