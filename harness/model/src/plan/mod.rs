//! What we will do about a scenario: every namespace, link, address and process, decided before anything is touched.
//!
//! [`TopologyPlan::new`] is pure. The plan can be printed (`bridgelab plan`), snapshot-tested without privileges,
//! and is carried out step by step by `lab`.

mod accelerator;
mod attach;
pub mod bridge;
mod build;
pub mod dnsmasq;
pub mod frame;
pub mod ghost;
pub mod link;
mod link_kinds;
mod operation;
pub mod picture;
pub mod shell;
mod show;
pub mod sysctl;

pub use accelerator::Accelerator;
pub use attach::no_ipv6;
pub use build::FABRIC;
pub use ghost::GuestKind;
pub use link::{Link, LinkEnd};
pub use operation::Operation;

use crate::scenario::names::{IfName, MachineName};
use crate::scenario::net::Mac;
use crate::scenario::{GuestInterface, Scenario};

/// All steps of a scenario's set-up, in order. Tearing down is the reverse, and the kernel's work.
#[derive(Debug, Clone)]
pub struct TopologyPlan {
    title: String,
    steps: Vec<Operation>,
}

impl TopologyPlan {
    /// Plans a scenario with MicroVMs. Two calls give equal plans.
    pub fn new(scenario: &Scenario) -> Self {
        Self::with_guests(scenario, GuestKind::Vm)
    }

    /// Plans a scenario with this kind of guests. Two calls give equal plans.
    pub fn with_guests(scenario: &Scenario, guests: GuestKind) -> Self {
        let title = match scenario.form_if_any() {
            Some(variant) => format!("{}/{variant}", scenario.name),
            None => scenario.name.clone(),
        };
        Self {
            title,
            steps: build::steps(scenario, guests),
        }
    }

    /// The steps that make one ghost: at the beginning, and again whenever a step of the scenario starts it.
    pub fn ghost_steps(scenario: &Scenario, guest: &MachineName) -> Vec<Operation> {
        let mut steps = Vec::new();
        if let Some(plan) = scenario.guests.get(guest) {
            steps.push(ghost::machine(guest, plan));
            steps.extend(ghost::sysctls(guest, plan));
            for before_networkd in [true, false] {
                ghost::links(scenario, guest, plan, before_networkd, true, &mut steps);
            }
            steps.extend(ghost::boot(guest, plan));
        }
        steps
    }

    /// The steps that make a guest's TAPs for one start of its VMM: `tap-up` of microvm.nix.
    pub fn guest_steps(scenario: &Scenario, guest: &MachineName) -> Vec<Operation> {
        let mut steps = Vec::new();
        if let Some(plan) = scenario.guests.get(guest) {
            for before_networkd in [true, false] {
                attach::taps(scenario, guest, plan, before_networkd, true, &mut steps);
            }
        }
        steps
    }

    /// The steps that make the host's end of one NIC for a MicroVM; one that the guest does not have gets one
    /// like its first.
    pub fn nic_steps(
        scenario: &Scenario,
        guest: &MachineName,
        id: &IfName,
        mac: Mac,
    ) -> Vec<Operation> {
        let mut alone = scenario.clone();
        let nic = Self::nic(scenario, guest, id, mac);
        if let Some(plan) = alone.guests.get_mut(guest) {
            plan.interfaces = nic.into_iter().collect();
        }
        Self::guest_steps(&alone, guest)
    }

    /// The same for a ghost: the NIC is its `eth` with that index.
    pub fn ghost_nic_steps(
        scenario: &Scenario,
        guest: &MachineName,
        id: &IfName,
        mac: Mac,
        index: usize,
    ) -> Vec<Operation> {
        let mut steps = Vec::new();
        if let Some(nic) = Self::nic(scenario, guest, id, mac) {
            ghost::nic(scenario, guest, index, &nic, &mut steps);
        }
        steps
    }

    /// A NIC of a guest; one that it does not have is like its first.
    pub fn nic(
        scenario: &Scenario,
        guest: &MachineName,
        id: &IfName,
        mac: Mac,
    ) -> Option<GuestInterface> {
        let plan = scenario.guests.get(guest)?;
        let known = plan.interfaces.iter().find(|nic| nic.id == *id);
        let nic = known.or(plan.interfaces.first()).cloned()?;
        Some(GuestInterface {
            id: id.clone(),
            mac,
            ..nic
        })
    }

    /// The steps in the order they are carried out.
    pub fn steps(&self) -> &[Operation] {
        &self.steps
    }
}
