//! NICs that steps plug into running guests and unplug.

use super::super::error::LabError;
use super::super::run::Run;
use super::NotDone;
use crate::deadline::Deadline;
use crate::diagnostic::Diagnostic;
use crate::hypervisor::{Monitor, MonitorError, Nic, nics};
use crate::plan::{TopologyPlan, ghost::nic_name};
use crate::scenario::NicOptions;
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::net::Mac;

impl Run<'_> {
    /// The names on the host side of all NICs that a guest has or had.
    pub(super) fn nics_of(&self, guest: &MachineName) -> Vec<IfName> {
        let declared = self.scenario.guests[guest].interfaces.iter();
        let declared = declared.map(|interface| interface.id.clone());
        let plugged = self.plugged.keys();
        let plugged = plugged.filter(|(owner, _)| owner == guest);
        declared.chain(plugged.map(|(_, id)| id.clone())).collect()
    }

    pub(super) async fn plug(
        &mut self,
        guest: &MachineName,
        interface: &IfName,
        mac: Mac,
        by: Deadline,
    ) -> Result<String, NotDone> {
        let place = self.nic_index(guest, interface);
        if place >= self.scenario.guests[guest].interfaces.len() {
            let nic = (guest.clone(), interface.clone());
            self.plugged.insert(nic, place);
            let (id, mac) = (interface.to_string(), mac.to_string());
            self.context.macs.insert(id, mac);
        }
        if self.is_ghost(guest) {
            self.plug_into_ghost(guest, interface, mac, place).await?;
        } else {
            self.plug_into_vm(guest, interface, mac, place, by).await?;
        }
        self.surround();
        Ok(String::new())
    }

    /// The host's end goes with it.
    pub(super) async fn unplug(
        &mut self,
        guest: &MachineName,
        interface: &IfName,
        by: Deadline,
    ) -> Result<String, NotDone> {
        if !self.is_ghost(guest) {
            let mut monitor = self.monitor(guest, by).await?;
            let port = self.nic_index(guest, interface);
            monitor.unplug(port, by).await?;
        }
        // A ghost's macvlan has no end on the host.
        let mut declared = self.scenario.guests[guest].interfaces.iter();
        let macvtap = declared.find(|nic| nic.id == *interface);
        let own = self.is_ghost(guest) && macvtap.is_some_and(|nic| nic.macvtap().is_some());
        let (machine, link) = match own {
            true => (guest, nic_name(self.nic_index(guest, interface))),
            false => (&self.scenario.guests[guest].on, interface.clone()),
        };
        let netlink = self.lab.machine(machine.as_ref())?.netlink();
        let deleted = netlink.delete_if_there(link.as_ref()).await;
        deleted.map_err(LabError::from)?;
        Ok(String::new())
    }

    /// Which of the guest's NICs it is, from 0: first those of the scenario, then those that steps plugged in.
    fn nic_index(&self, guest: &MachineName, interface: &IfName) -> usize {
        let declared = &self.scenario.guests[guest].interfaces;
        let known = declared.iter().position(|nic| nic.id == *interface);
        let known = known.or_else(|| {
            let plugged = self.plugged.get(&(guest.clone(), interface.clone()));
            plugged.copied()
        });
        known.unwrap_or_else(|| self.nics_of(guest).len())
    }

    async fn plug_into_ghost(
        &mut self,
        guest: &MachineName,
        interface: &IfName,
        mac: Mac,
        place: usize,
    ) -> Result<(), NotDone> {
        let steps = TopologyPlan::ghost_nic_steps(self.scenario, guest, interface, mac, place);
        for step in steps {
            self.lab.carry_out(&step, &self.folders).await?;
        }
        Ok(())
    }

    async fn plug_into_vm(
        &mut self,
        guest: &MachineName,
        interface: &IfName,
        mac: Mac,
        port: usize,
        by: Deadline,
    ) -> Result<(), NotDone> {
        let mut monitor = self.monitor(guest, by).await?;
        for step in TopologyPlan::nic_steps(self.scenario, guest, interface, mac) {
            self.lab.carry_out(&step, &self.folders).await?;
        }
        let tap = self.lab.take_taps(guest.as_ref()).pop();
        let tap = tap.ok_or_else(|| NotDone::Refused(format!("{interface} has no descriptor")))?;
        let plan = &self.scenario.guests[guest];
        let nic = nics(plan, &self.folders.run).into_iter().nth(port);
        let nic = nic.unwrap_or(Nic {
            mac,
            tap: interface.clone(),
            node: None,
            fds: 0..0,
            options: NicOptions::default(),
        });
        // The VMM has descriptors of its own then, and a TAP lives as long as those.
        let queues = tap.into_queues();
        monitor.plug(port, &nic, &queues, by).await?;
        Ok(())
    }

    /// The monitor of a guest's VMM.
    async fn monitor(
        &self,
        guest: &MachineName,
        by: Deadline,
    ) -> Result<Box<dyn Monitor>, NotDone> {
        let absent = || NotDone::Refused(format!("guest `{guest}` is not running"));
        let vm = self.guests.get(guest).ok_or_else(absent)?;
        Ok(vm.monitor(by).await?)
    }
}

impl From<MonitorError> for NotDone {
    fn from(error: MonitorError) -> Self {
        match error {
            MonitorError::Cannot { .. } => Self::Unshown(error.to_string()),
            said => Self::Refused(Diagnostic::new(&said).to_string()),
        }
    }
}
