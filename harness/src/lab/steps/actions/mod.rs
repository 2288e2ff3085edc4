//! The actions of steps.
//!
//! An action has one file here and one row in the table. [`Declared`](crate::scenario::declare::Declared) has its keys, reads
//! them, and says what the action changes, for readers that do not run the scenario. [`CarryOut`] says which command does the
//! same by hand, and carries the action out. Actions that belong together, such as starting and stopping a guest, share a file.

mod carry_out;
mod keys;

use std::any::Any;

use super::by_hand::ByHand;
use crate::scenario::declare::{Action, ActionRow, Actions};
use keys::{LINK, ON, ON_MACHINE};

pub(in crate::lab) use carry_out::{CarryOut, Doing};

/// A row for each file, in the order in which messages and the schema name the actions: the file, and its actions.
macro_rules! step_actions {
    ($($file:ident: $($action:ident),+;)*) => {
        $(mod $file;)*

        /// The table by which steps of a scenario file are read.
        static ROWS: &[ActionRow] = &[$($(ActionRow::of::<$file::$action>()),+),*];

        /// The same action, as the [`CarryOut`] that does it.
        pub(in crate::lab) fn of(action: &dyn Action) -> &dyn CarryOut {
            let any: &dyn Any = action;
            $($(
                if let Some(action) = any.downcast_ref::<$file::$action>() {
                    return action;
                }
            )+)*
            unreachable!("`{}` is in no row of the table", action.key())
        }
    };
}

step_actions! {
    guest: Start, Stop, Restart;
    daemon: StartDaemon, StopDaemon, Reload;
    link: LinkUp, LinkDown, DeleteLink;
    add_bridge: AddBridge;
    bridge_port: BridgePort;
    nic: Plug, Unplug;
    unit: WriteUnit, RemoveUnit;
    run: RunCommand, Kill;
    send: Send;
    impair: Impair, Unimpair;
    offload: Offload;
    flush: Flush;
    sysctl: Sysctl;
    wait_for: WaitFor;
}

pub(in crate::lab) use impair::needs_of;

inventory::submit! { Actions(ROWS) }
#[cfg(test)]
mod tests;
