//! The kinds of links that the lab makes.
//!
//! A kind is one file here and one row in the table: [`Link`] says which command makes the same by hand, whose it is and what
//! the machine must offer for it; [`CarryOut`] makes it. Those that unit files make are networkd's (`host::link_kind`).

mod carry_out;
mod end;

use std::any::Any;

use crate::plan::Link;
use crate::plan::link::{LinkKinds, of_kind};
use crate::scenario::machine_link::{MachineLinks, Row};
use crate::scenario::nic_kind::{self, NicKinds};
use carry_out::{CarryOut, Making};
use end::End;

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
