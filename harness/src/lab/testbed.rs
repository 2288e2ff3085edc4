//! What exists while a run goes on: the lab, its guests, and what runs on both.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::assignment::Assignment;
use super::background::Backgrounds;
use super::guests::{GuestRuntime, runtime};
use super::no_vantage::NoVantage;
use super::topology::Lab;
use super::watch::{Lost, Watch};
use crate::check::Vantage;
use crate::guest::{Guest, GuestError};
use crate::host::daemon::Keeper;
use crate::scenario::VantagePoint;
use crate::scenario::names::MachineName;

/// The lab, its guests, and what runs on both.
#[derive(Debug)]
pub(super) struct Testbed {
    pub(super) lab: Lab,
    pub(super) guests: Box<dyn GuestRuntime>,
    /// Notices daemons of machines that end though nobody stops them.
    pub(super) keeper: Keeper,
    /// Notices guests that end though nobody stops them.
    pub(super) watch: Watch,
    /// Commands of steps that run in the background.
    pub(super) backgrounds: Backgrounds,
    /// Guests in which commands of the scenario ran.
    pub(super) shells: BTreeSet<MachineName>,
    /// Guests that stand still and would not answer a question.
    pub(super) silent: BTreeSet<MachineName>,
}

impl Testbed {
    /// The testbed of a run that begins, with nothing in it yet.
    pub(super) fn new(asked: Assignment<'_>) -> Self {
        Self {
            lab: Lab::default(),
            guests: runtime(asked.job.guests),
            keeper: Keeper::default(),
            watch: Watch::default(),
            backgrounds: Backgrounds::default(),
            shells: BTreeSet::new(),
            silent: BTreeSet::new(),
        }
    }

    /// The vantage that a scenario names.
    ///
    /// # Errors
    /// [`NoVantage`]
    pub(super) fn vantage(&self, from: &VantagePoint) -> Result<Vantage, NoVantage> {
        Ok(match from {
            VantagePoint::Guest(name) => self.guests.vantage(name, &self.lab)?,
            VantagePoint::Machine(name) => {
                let machine = self.lab.machine(name.as_ref())?;
                Vantage::Machine(Arc::clone(machine))
            }
            VantagePoint::Container(name, container) => Vantage::Container {
                guest: Arc::clone(self.vm(name)?),
                name: container.to_string(),
            },
        })
    }

    /// Takes note of a guest that was lost. Returns the error that says what became of it.
    pub(super) async fn lost(&mut self, lost: Lost) -> GuestError {
        if lost.stands_still() && self.guests.vm(lost.guest()).is_some() {
            self.silent.insert(lost.guest().clone());
        }
        let guest = self.guests.vm(lost.guest()).map(Arc::as_ref);
        lost.error(guest).await
    }

    /// The MicroVM of a guest.
    ///
    /// # Errors
    /// [`NoVantage::NotRunning`]
    pub(super) fn vm(&self, guest: &MachineName) -> Result<&Arc<Guest>, NoVantage> {
        let vm = self.guests.vm(guest);
        vm.ok_or_else(|| NoVantage::NotRunning {
            guest: guest.clone(),
        })
    }
}
