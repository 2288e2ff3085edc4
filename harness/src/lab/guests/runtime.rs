//! What a run needs of whatever stands for its guests.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use crate::check::Vantage;
use crate::deadline::Deadline;
use crate::guest::Guest;
use crate::lab::assignment::Assignment;
use crate::lab::ended::Ended;
use crate::lab::no_vantage::NoVantage;
use crate::lab::observer::Observer;
use crate::lab::record::Record;
use crate::lab::steps::NotDone;
use crate::lab::topology::Lab;
use crate::lab::watch::Watch;
use crate::report::Problem;
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::net::Mac;
use crate::scenario::{Check, Scenario};

/// How a change of the guests ended. It is a boxed future, since a [`GuestRuntime`] is used as a trait object.
pub(in crate::lab) type Change<'r> = LocalBoxFuture<'r, Result<(), NotDone>>;

/// The parts of a run that a guest's start or end changes.
pub(in crate::lab) struct Around<'r, 'a> {
    pub(in crate::lab) asked: Assignment<'a>,
    pub(in crate::lab) lab: &'r mut Lab,
    pub(in crate::lab) watch: &'r mut Watch,
    pub(in crate::lab) observer: &'r mut Observer,
    pub(in crate::lab) record: &'r mut Record<'a>,
}

impl Around<'_, '_> {
    /// Notes which captures and MAC addresses there are by now.
    pub(super) fn survey(&mut self) {
        self.observer.survey(self.asked.scenario, self.lab);
    }
}

/// A NIC that a step plugs in.
#[derive(Debug, Clone, Copy)]
pub(in crate::lab) struct Plugged<'r> {
    pub(in crate::lab) guest: &'r MachineName,
    /// The NIC's name on the host side.
    pub(in crate::lab) interface: &'r IfName,
    pub(in crate::lab) mac: Mac,
    /// Its place among the guest's NICs, from 0.
    pub(in crate::lab) place: usize,
}

/// What stands for the guests.
pub(in crate::lab) trait GuestRuntime: Debug {
    /// Whether a guest has a kernel of its own: it boots, and Docker runs in it.
    fn boots(&self) -> bool;

    /// The guests that are machines of the lab.
    fn machines<'s>(&self, scenario: &'s Scenario) -> Vec<&'s MachineName>;

    /// Whether a guest's VMM opens `/dev/net/tun` itself, which is a device of the host computer.
    fn opens_tun(&self, scenario: &Scenario) -> bool;

    /// Lists in the report the guests that are known before the lab is built.
    ///
    /// # Errors
    /// Why the run must not begin: the guests would mislead.
    fn introduce(&self, record: &mut Record<'_>) -> Result<(), Problem>;

    /// Makes what must exist before the lab's machines, each of which copies the worker's mounts.
    ///
    /// # Errors
    /// [`Ended`]
    fn prepare(&mut self, asked: Assignment<'_>) -> Result<(), Ended>;

    /// Starts all guests that no step starts, and waits for them.
    fn boot<'r>(&'r mut self, around: Around<'r, '_>) -> LocalBoxFuture<'r, Result<(), Ended>>;

    /// Records what is known only after the first checks.
    fn settled(&self, lab: &Lab, asked: Assignment<'_>, record: &mut Record<'_>);

    /// Starts one guest, with its NICs made anew, and waits until one can look from it. Does nothing to a guest that runs.
    fn start<'r>(&'r mut self, guest: &'r MachineName, around: Around<'r, '_>) -> Change<'r>;

    /// Stops one guest and deletes the host's ends of its NICs. The guest is asked to shut down, and its plug is pulled at
    /// `by`.
    fn stop<'r>(
        &'r mut self,
        guest: &'r MachineName,
        by: Deadline,
        around: Around<'r, '_>,
    ) -> Change<'r>;

    /// Plugs a NIC in.
    fn plug<'r>(&'r self, nic: Plugged<'r>, by: Deadline, around: Around<'r, '_>) -> Change<'r>;

    /// Unplugs a NIC and deletes the host's end of it.
    fn unplug<'r>(
        &'r self,
        guest: &'r MachineName,
        interface: &'r IfName,
        by: Deadline,
        around: Around<'r, '_>,
    ) -> Change<'r>;

    /// The guest as a place to look from.
    ///
    /// # Errors
    /// [`NoVantage`]
    fn vantage(&self, guest: &MachineName, lab: &Lab) -> Result<Vantage, NoVantage>;

    /// Why a look would be of no use now; `None`: look.
    fn before_look(
        &self,
        check: &Check,
        by: Deadline,
        scenario: &Scenario,
        lab: &Lab,
    ) -> Option<Before>;

    /// Why this kind of guest cannot show what a check asks for; `None` when it can.
    fn cannot_show(&self, scenario: &Scenario, check: &Check) -> Option<String>;

    /// How long a check that must fail is looked at, to see whether it holds after all.
    fn must_fail_window(&self) -> Duration;

    /// The MicroVMs that run, in the order of their names.
    fn vms(&self) -> Vec<(&MachineName, &Arc<Guest>)>;

    /// For each program that runs guests, its name in the report and the command that prints its version.
    fn programs(&self, scenario: &Scenario) -> Vec<(String, String)>;

    /// Ends all guests. Returns what could not be ended.
    fn end(&mut self) -> LocalBoxFuture<'_, Vec<String>>;
}

impl dyn GuestRuntime + '_ {
    /// The MicroVM of a guest, if it runs.
    pub(in crate::lab) fn vm(&self, guest: &MachineName) -> Option<&Arc<Guest>> {
        let mut all = self.vms().into_iter();
        all.find_map(|(name, vm)| (name == guest).then_some(vm))
    }
}

/// Why a look would be of no use now.
pub(in crate::lab) enum Before {
    /// Nobody has the address yet to which the look sends.
    NotYet(String),
    /// The guests of this kind have not got what the check asks for.
    Unshown(String),
}

/// The names on the host side of all NICs that a guest has or had.
pub(in crate::lab) fn nics_of(scenario: &Scenario, lab: &Lab, guest: &MachineName) -> Vec<IfName> {
    let declared = scenario.guests[guest].interfaces.iter();
    let declared = declared.map(|interface| interface.id.clone());
    let plugged = lab.plugged.keys();
    let plugged = plugged.filter(|(owner, _)| owner == guest);
    declared.chain(plugged.map(|(_, id)| id.clone())).collect()
}

/// The place of a NIC among its guest's, from 0: first those of the scenario, then those that steps plugged in.
pub(in crate::lab) fn nic_place(
    scenario: &Scenario,
    lab: &Lab,
    guest: &MachineName,
    interface: &IfName,
) -> usize {
    let declared = &scenario.guests[guest].interfaces;
    let known = declared.iter().position(|nic| nic.id == *interface);
    let plugged = || lab.plugged.get(&(guest.clone(), interface.clone()));
    known
        .or_else(|| plugged().copied())
        .unwrap_or_else(|| nics_of(scenario, lab, guest).len())
}
