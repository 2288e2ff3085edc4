//! Ghosts that steps start and stop: the namespace goes, and is made again.

use std::sync::Arc;

use super::super::error::LabError;
use super::super::run::{GRACE, Run};
use super::super::topology::begin_machine;
use super::NotDone;
use crate::plan::ghost::nic_name;
use crate::plan::{Operation, TopologyPlan};
use crate::scenario::names::MachineName;

impl Run<'_> {
    /// Makes the ghost's namespace and its veths, and starts its networkd. Those of one that never ran yet are made anew, as
    /// TAPs are at each start.
    pub(super) async fn start_ghost(&mut self, guest: &MachineName) -> Result<(), NotDone> {
        if self.lab.machines.contains_key(guest.as_ref()) {
            self.stop_ghost(guest).await?;
        }
        for step in TopologyPlan::ghost_steps(self.scenario, guest) {
            if let Operation::Machine {
                name,
                private_run,
                machine_id,
            } = &step
            {
                let machine = begin_machine(name, *private_run, machine_id.clone());
                let machine = machine.finish().map_err(LabError::from)?;
                // Before its first address, so that none is missed.
                self.lab.follow(&machine).await?;
                self.lab.machines.insert(name.clone(), Arc::new(machine));
            } else {
                self.lab.carry_out(&step, &self.folders).await?;
            }
        }
        Ok(())
    }

    /// Ends its networkd, deletes the host's ends of its NICs as microvm.nix's `tap-down` deletes TAPs, and takes its
    /// namespace away.
    pub(super) async fn stop_ghost(&mut self, guest: &MachineName) -> Result<(), NotDone> {
        if let Some(networkd) = self.lab.networkd.remove(guest.as_ref()) {
            let stopped = networkd.stop(GRACE).await;
            stopped.map_err(|source| LabError::Io {
                doing: "stop networkd".to_owned(),
                machine: guest.to_string(),
                source,
            })?;
        }
        let plan = &self.scenario.guests[guest];
        let host = Arc::clone(self.lab.machine(plan.on.as_ref())?);
        for id in self.nics_of(guest) {
            let deleted = host.netlink().delete_if_there(id.as_ref()).await;
            deleted.map_err(LabError::from)?;
        }
        // The kernel takes a namespace away in its own time, and until then a macvlan in it holds its MAC address.
        let ghost = Arc::clone(self.lab.machine(guest.as_ref())?);
        for index in 0..self.nics_of(guest).len() {
            let nic = nic_name(index);
            let deleted = ghost.netlink().delete_if_there(nic.as_ref()).await;
            deleted.map_err(LabError::from)?;
        }
        drop(ghost);
        // Its thread ends with it, and its namespace with the thread.
        drop(self.lab.machines.remove(guest.as_ref()));
        self.lab.changes.forget(guest.as_ref());
        Ok(())
    }
}
