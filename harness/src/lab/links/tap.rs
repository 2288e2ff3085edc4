//! The TAP of a guest's NIC, as microvm.nix's `tap-up` makes it.

use std::sync::Arc;

use super::{CarryOut, Making};
use crate::host::tap::Tap as Opened;
use crate::lab::parallel::{Done, OnMachine};
use crate::plan::link::{NicEnd, NicLink};
use crate::plan::{Link, LinkEnd, Operation};
use crate::scenario::{GuestInterface, GuestInterfaceKind};

/// `ip tuntap add name NAME mode tap`.
#[derive(Debug)]
pub(super) struct Tap(NicEnd);

impl Tap {
    pub(super) fn of_nic(nic: &GuestInterface, end: NicEnd) -> Option<Arc<dyn NicLink>> {
        (nic.kind == GuestInterfaceKind::Tap).then(|| Arc::new(Self(end)) as Arc<dyn NicLink>)
    }
}

impl Link for Tap {
    fn by_hand(&self) -> String {
        let NicEnd {
            machine, id, end, ..
        } = &self.0;
        let user = end.owner.as_ref().map(|owner| format!(" user {owner}"));
        format!(
            "ip -n {machine} tuntap add name {id} mode tap{}{}{}",
            user.unwrap_or_default(),
            if end.vnet_hdr { " vnet_hdr" } else { "" },
            if end.multi_queue { " multi_queue" } else { "" }
        )
    }

    fn machine(&self) -> &str {
        &self.0.machine
    }

    fn name(&self) -> &str {
        self.0.id.as_str()
    }

    fn peer(&self) -> Option<&str> {
        None
    }

    /// It is opened.
    fn alone(&self) -> bool {
        true
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl NicLink for Tap {
    fn prepared(&self) -> Vec<Operation> {
        Vec::new()
    }

    fn ghost(&self, _: LinkEnd) -> Option<Arc<dyn Link>> {
        None
    }
}

impl CarryOut for Tap {
    /// Holds it for its VMM if the plan says so.
    fn make<'l>(&'l self, _: &'l OnMachine, done: &'l mut Done) -> Making<'l> {
        let NicEnd {
            id,
            end,
            held,
            guest,
            index,
            ..
        } = &self.0;
        Box::pin(async move {
            let mut tap = Opened::create(id, end)?;
            if *held == 0 {
                return Ok(tap.let_go()?);
            }
            for _ in 1..*held {
                tap.add_queue(end)?;
            }
            done.taps.push((guest.clone(), *index, tap));
            Ok(())
        })
    }
}
