//! The actions of steps.
//!
//! An action has one file here and one row in the table. [`Declared`](crate::scenario::declare::Declared) has its keys, reads
//! them, and says what the action changes, for readers that do not run the scenario. [`CarryOut`] says which command does the
//! same by hand, and carries the action out. Actions that belong together, such as starting and stopping a guest, share a file.

use std::any::Any;

use futures_util::future::LocalBoxFuture;

use super::NotDone;
use super::by_hand::ByHand;
use crate::deadline::Deadline;
use crate::lab::run::Run;
use crate::plan::GuestKind;
use crate::scenario::declare::{Action, ActionRow, Actions, Key, KeyType, must};
use crate::scenario::{Scenario, Step};

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

/// Future of a step under way; its text is what was said about the step.
pub(in crate::lab) type Doing<'r> = LocalBoxFuture<'r, Result<String, NotDone>>;

/// How an action is shown and carried out. No method has a default, so that the compiler asks a new action for each.
pub(in crate::lab) trait CarryOut: Action {
    /// Command that does the same by hand; `bridgelab plan` and the evidence show it.
    fn by_hand(&self, scenario: &Scenario, guests: GuestKind) -> ByHand;

    /// Why ghosts cannot do it; `None` when they can. Decided by the scenario, before the step begins.
    fn ghost_limit(&self, scenario: &Scenario) -> Option<String>;

    /// Carries it out, within the deadline `by`.
    fn act<'r>(&'r self, run: &'r mut Run<'_>, step: &'r Step, by: Deadline) -> Doing<'r>;
}

/// Documentation of the key `on`, for actions on machines and guests, and for those on machines only.
const ON: &str = "where it is done: a machine or a guest";
const ON_MACHINE: &str = "where it is done: a machine";

/// The keys of an action on one link.
const LINK: &[Key] = &[
    must("on", KeyType::Text, ON),
    must("interface", KeyType::INTERFACE, "link"),
];

#[cfg(test)]
mod tests;
