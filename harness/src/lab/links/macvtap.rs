//! The macvtap of a guest's NIC, as microvm.nix's `macvtap-up` makes it. See `docs/macvtap.md`.

use std::sync::Arc;

use super::macvlan::{Macvlan, sources};
use super::{CarryOut, Making};
use crate::host::capability::Capability;
use crate::host::macvtap;
use crate::hypervisor::macvtap_node;
use crate::lab::parallel::{Done, OnMachine};
use crate::plan::ghost::USUAL_MTU;
use crate::plan::link::{NicEnd, NicLink};
use crate::plan::{Link, LinkEnd, Operation, no_ipv6};
use crate::scenario::GuestInterface;

/// `ip link add link LINK name NAME address MAC type macvtap mode MODE`.
#[derive(Debug)]
pub(super) struct Macvtap {
    /// What it is put on, and how.
    on: crate::scenario::Macvtap,
    /// Of its `end` the flags of the descriptors.
    nic: NicEnd,
}

impl Macvtap {
    pub(super) fn of_nic(nic: &GuestInterface, end: NicEnd) -> Option<Arc<dyn NicLink>> {
        let on = nic.macvtap()?.clone();
        Some(Arc::new(Self { on, nic: end }))
    }
}

impl Link for Macvtap {
    fn by_hand(&self) -> String {
        let NicEnd {
            machine, id, mac, ..
        } = &self.nic;
        format!(
            "ip -n {machine} link add link {} name {id} address {mac} type macvtap mode {}{}",
            self.on.link,
            self.on.mode,
            sources(&self.on.sources)
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

impl NicLink for Macvtap {
    /// As microvm.nix's `macvtap-up` does: the guest has its own IPv6, and the host none on this link.
    fn prepared(&self) -> Vec<Operation> {
        let (machine, link) = (self.machine(), self.name());
        let all = self.on.allmulticast.then(|| Operation::Allmulticast {
            machine: machine.to_owned(),
            link: link.to_owned(),
        });
        [no_ipv6(machine, link)].into_iter().chain(all).collect()
    }

    /// A macvlan in the same mode on the same link, born on the ghost.
    fn ghost(&self, there: LinkEnd) -> Option<Arc<dyn Link>> {
        Some(Arc::new(Macvlan {
            machine: self.nic.machine.clone(),
            link: self.on.link.clone(),
            there: LinkEnd {
                // A guest's kernel knows nothing of the link's MTU, which a macvlan takes over by itself.
                mtu: Some(there.mtu.unwrap_or(USUAL_MTU)),
                ..there
            },
            mode: self.on.mode,
            sources: self.on.sources.clone(),
            addresses: Vec::new(),
        }))
    }
}

impl CarryOut for Macvtap {
    /// Makes it, opens it, and holds it for its VMM if the plan says so.
    fn make<'l>(&'l self, at: &'l OnMachine, done: &'l mut Done) -> Making<'l> {
        let NicEnd {
            guest,
            index: place,
            id,
            mac,
            end,
            held,
            ..
        } = &self.nic;
        Box::pin(async move {
            at.has_link(&self.on.link).await?;
            let index = at.netlink.add_macvtap(id, *mac, &self.on).await?;
            let node = macvtap_node(&at.run, &at.machine, id);
            let tap = macvtap::open(id, index, &node, end, *held)?;
            if *held > 0 {
                done.taps.push((guest.clone(), *place, tap));
            }
            Ok(())
        })
    }
}
