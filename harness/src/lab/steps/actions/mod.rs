//! The actions of steps.
//!
//! An action is one file here and one row in the table: [`Declared`](crate::scenario::declare::Declared) has its keys, how they are read and what it changes for
//! whoever reads a scenario without running it; [`CarryOut`] what does the same by hand, and how it is done. Actions that
//! are one thing, such as starting and stopping a guest, share a file.

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

        /// What the scenario room reads steps by.
        static ROWS: &[ActionRow] = &[$($(ActionRow::of::<$file::$action>()),+),*];

        /// The part of an action that carries it out.
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

/// What was said about a step that is done.
pub(in crate::lab) type Doing<'r> = LocalBoxFuture<'r, Result<String, NotDone>>;

/// How an action is shown and done. Nothing here has a default: the compiler asks for each of a new action.
pub(in crate::lab) trait CarryOut: Action {
    /// What does the same by hand; `bridgelab plan` and the evidence show it.
    fn by_hand(&self, scenario: &Scenario, guests: GuestKind) -> ByHand;

    /// Why it cannot be done with ghosts; `None` when it can. Decided from the scenario, before it is done.
    fn ghost_limit(&self, scenario: &Scenario) -> Option<String>;

    /// Does it, by `by`.
    fn act<'r>(&'r self, run: &'r mut Run<'_>, step: &'r Step, by: Deadline) -> Doing<'r>;
}

/// Documentation of `on`, where both will do and where only a machine will.
const ON: &str = "where it is done: a machine or a guest";
const ON_MACHINE: &str = "where it is done: a machine";

/// The keys of what is done to one link.
const LINK: &[Key] = &[
    must("on", KeyType::Text, ON),
    must("interface", KeyType::INTERFACE, "link"),
];

#[cfg(test)]
mod tests;
