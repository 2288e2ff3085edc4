//! The TAP of a guest's NIC, as microvm.nix's `tap-up` makes it.

use std::sync::Arc;

use super::{CarryOut, End, Making};
use crate::host::tap::Tap as Opened;
use crate::lab::on_machine::{Done, OnMachine};
use crate::plan::ghost::USUAL_MTU;
use crate::plan::link::{NicEnd, NicLink};
use crate::plan::{Link, LinkEnd, Operation};
use crate::scenario::keys::Key;
use crate::scenario::names::IfName;
use crate::scenario::nic_kind::{Asked, Declared};
use crate::scenario::vmm::Vmm;
use crate::scenario::{HostEnd, NicKind, NicOptions, TapOpen};

/// `type = "tap"`: left for the host's networkd to put on a bridge, or put there by `master`.
#[derive(Debug, Clone)]
pub(super) struct Tap;

impl NicKind for Tap {
    fn word(&self) -> &'static str {
        Self::WORD
    }

    fn carrier(&self) -> Option<&IfName> {
        None
    }

    fn is_the_guests(&self) -> bool {
        false
    }

    fn not_on_the_host(&self) -> Option<&'static str> {
        None
    }

    fn unlike_a_ghost(&self, end: &HostEnd, nic: &NicOptions) -> Vec<&'static str> {
        let usual = |mtu: Option<u32>| mtu.unwrap_or(USUAL_MTU);
        match usual(nic.mtu.map(u32::from)) == usual(end.mtu) {
            true => Vec::new(),
            false => vec![
                "has an MTU that is not its TAP's: a veth's end takes no frame larger than its own",
            ],
        }
    }
}

impl Declared for Tap {
    const WORD: &'static str = "tap";
    const WHAT: &'static str = "a TAP";
    const OWN: Option<Key> = None;
    const NONE_OF: &'static [(&'static str, &'static str)] = &[];
    const WAYS: Option<fn(&Vmm) -> &'static [TapOpen]> = None;

    fn read(_: &Asked<'_, '_>) -> Option<Self> {
        Some(Self)
    }

    /// By networkd it is put on whatever matches its name, and by hand on the bridge that carried what stood in its place.
    fn instead(asked: &Asked<'_, '_>) -> Result<Self, String> {
        let networkd = asked.known().is_some_and(|known| known.networkd);
        match networkd || asked.bridge_instead().is_some() {
            true => Ok(Self),
            false => Err("`nic`: a TAP in the place of a macvtap is on no bridge".to_owned()),
        }
    }

    fn end(asked: &Asked<'_, '_>, end: HostEnd) -> HostEnd {
        let master = asked.bridge_instead().or(end.master);
        HostEnd { master, ..end }
    }
}

/// `ip tuntap add name NAME mode tap`.
impl Link for End<Tap> {
    fn by_hand(&self) -> String {
        let NicEnd {
            machine, id, end, ..
        } = &self.nic;
        let user = end.owner.as_ref().map(|owner| format!(" user {owner}"));
        format!(
            "ip -n {machine} tuntap add name {id} mode tap{}{}{}",
            user.unwrap_or_default(),
            if end.vnet_hdr { " vnet_hdr" } else { "" },
            if end.multi_queue { " multi_queue" } else { "" }
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

    /// It is opened.
    fn alone(&self) -> bool {
        true
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl NicLink for End<Tap> {
    fn prepared(&self) -> Vec<Operation> {
        Vec::new()
    }

    fn ghost(&self, _: LinkEnd) -> Option<Arc<dyn Link>> {
        None
    }
}

impl CarryOut for End<Tap> {
    /// Holds it for its VMM if the plan says so.
    fn make<'l>(&'l self, _: &'l OnMachine, done: &'l mut Done) -> Making<'l> {
        let NicEnd { id, end, held, .. } = &self.nic;
        Box::pin(async move {
            let mut tap = Opened::create(id, end)?;
            if *held == 0 {
                return Ok(tap.let_go()?);
            }
            for _ in 1..*held {
                tap.add_queue(end)?;
            }
            self.hold(tap, done);
            Ok(())
        })
    }
}
