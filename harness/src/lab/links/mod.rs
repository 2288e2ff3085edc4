//! The kinds of links that the lab makes.
//!
//! A kind is one file here and one row in the table: [`Link`] says which command makes the same by hand, whose it is and what
//! the machine must offer for it; [`CarryOut`] makes it. Those that unit files make are networkd's (`host::link_kind`).

use std::any::Any;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::error::LabError;
use super::parallel::{Done, OnMachine};
use crate::host::tap::Tap as Held;
use crate::plan::Link;
use crate::plan::link::{LinkKinds, NicEnd, NicLink, of_kind};
use crate::scenario::machine_link::{MachineLinks, Row};
use crate::scenario::nic_kind::{self, NicKinds};
use crate::scenario::{GuestInterface, NicKind};

/// The table: what stands behind cables, switches and bridges, then a row for each kind that a machine may have beside its
/// bridges, and for each kind of a NIC's end on the host.
macro_rules! link_kinds {
    (
        cable: $cable:ident::$Cable:ident;
        switch: $switch:ident::$Switch:ident;
        bridge: $bridge:ident::$Bridge:ident;
        machines: $($own:ident::$Own:ident,)*;
        nics: $($nic:ident::$Nic:ident,)*;
    ) => {
        mod $cable;
        mod $switch;
        mod $bridge;
        $(mod $own;)*
        $(mod $nic;)*

        inventory::submit! { NicKinds(&[$(nic_kind::Row::of::<$nic::$Nic>()),*]) }
        inventory::submit! { MachineLinks(&[$(Row::of::<$own::$Own>()),*]) }
        inventory::submit! {
            LinkKinds {
                cable: $cable::$Cable::between,
                switch: $switch::$Switch::of_segment,
                bridge: $bridge::$Bridge::of_machine,
                machines: &[$(of_kind::<$own::$Own>),*],
                nics: &[$(End::<$nic::$Nic>::of),*],
            }
        }

        link_kinds! {
            carry_out $cable::$Cable, $switch::$Switch, $bridge::$Bridge, $($own::$Own,)* $(End<$nic::$Nic>,)*
        }
    };
    (carry_out $($Link:ty,)*) => {
        /// The part of a kind that makes the link.
        pub(super) fn of(link: &dyn Link) -> &dyn CarryOut {
            let any: &dyn Any = link;
            $(
                if let Some(link) = any.downcast_ref::<$Link>() {
                    return link;
                }
            )*
            unreachable!("`{}` is of no row of the table", link.by_hand())
        }
    };
}

link_kinds! {
    cable: veth::Veth;
    switch: switch::Switch;
    bridge: bridge::Bridge;
    machines:
        macvlan::Macvlan,
    ;
    nics:
        tap::Tap,
        macvtap::Macvtap,
    ;
}

/// A link that is made, or why it is not.
pub(super) type Making<'l> = BoxFuture<'l, Result<(), LabError>>;

/// The host's end of a NIC of that kind.
#[derive(Debug)]
struct End<K> {
    /// What the scenario says of it.
    kind: K,
    nic: NicEnd,
}

impl<K: NicKind + Clone> End<K>
where
    Self: NicLink,
{
    fn of(interface: &GuestInterface, nic: NicEnd) -> Option<Arc<dyn NicLink>> {
        let kind = interface.kind.downcast_ref::<K>()?.clone();
        Some(Arc::new(Self { kind, nic }))
    }

    /// Has the lab hold it for the guest's VMM.
    fn hold(&self, opened: Held, done: &mut Done) {
        let NicEnd { guest, index, .. } = &self.nic;
        done.taps.push((guest.clone(), *index, opened));
    }
}

/// How a link is made.
pub(super) trait CarryOut: Link {
    /// Makes it, down. Is run on the thread of its machine.
    fn make<'l>(&'l self, there: &'l OnMachine, done: &'l mut Done) -> Making<'l>;
}
