//! NICs that steps plug into running guests and unplug.

use std::sync::Arc;

use super::super::run::Run;
use super::super::topology::LabError;
use super::NotDone;
use crate::host::netns::Netns;
use crate::plan::{LinkEnd, Step, ghost::nic_name};
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::net::Mac;

impl Run<'_> {
    /// The names on the host side of all NICs that a guest has or had.
    pub(super) fn nics_of(&self, guest: &MachineName) -> Vec<IfName> {
        let declared = self.scenario.guests[guest].interfaces.iter();
        let declared = declared.map(|interface| interface.id.clone());
        let plugged = self.plugged.iter();
        let plugged = plugged.filter(|(owner, _)| owner == guest);
        declared.chain(plugged.map(|(_, id)| id.clone())).collect()
    }

    pub(super) async fn plug(
        &mut self,
        guest: &MachineName,
        interface: &IfName,
        mac: Mac,
    ) -> Result<String, NotDone> {
        let declared = self.scenario.guests[guest].interfaces.iter();
        let declared = declared.clone().position(|nic| nic.id == *interface);
        if declared.is_none() {
            self.plugged.insert((guest.clone(), interface.clone()));
            let (id, mac) = (interface.to_string(), mac.to_string());
            self.surroundings.macs.insert(id, mac);
        }
        if !self.is_ghost(guest) {
            return Err(not_yet(guest));
        }
        self.plug_into_ghost(guest, interface, mac, declared)
            .await?;
        self.surround();
        Ok(String::new())
    }

    pub(super) async fn unplug(
        &mut self,
        guest: &MachineName,
        interface: &IfName,
    ) -> Result<String, NotDone> {
        if !self.is_ghost(guest) {
            return Err(not_yet(guest));
        }
        let host = self.host_of(guest)?;
        // Both ends go.
        let deleted = host.netlink().delete_if_there(interface.as_ref()).await;
        deleted.map_err(LabError::from)?;
        Ok(String::new())
    }

    /// The machine that holds a guest's TAPs.
    fn host_of(&self, guest: &MachineName) -> Result<Arc<Netns>, NotDone> {
        let host = &self.scenario.guests[guest].on;
        Ok(Arc::clone(self.lab.machine(host.as_ref())?))
    }

    async fn plug_into_ghost(
        &mut self,
        guest: &MachineName,
        interface: &IfName,
        mac: Mac,
        declared: Option<usize>,
    ) -> Result<(), NotDone> {
        let name = match declared {
            Some(index) => nic_name(index),
            None => self.free_nic(guest).await?,
        };
        let host = self.scenario.guests[guest].on.to_string();
        let link = interface.to_string();
        let steps = [
            Step::Veth {
                here: LinkEnd {
                    machine: host.clone(),
                    name: interface.clone(),
                    mac: None,
                    mtu: None,
                },
                there: LinkEnd {
                    machine: guest.to_string(),
                    name,
                    mac: Some(mac),
                    mtu: None,
                },
            },
            Step::Capture {
                machine: host.clone(),
                link: link.clone(),
                file: format!("{guest}-{link}"),
            },
            Step::Up {
                machine: host,
                link,
            },
        ];
        for step in &steps {
            self.lab.carry_out(step, &self.folders).await?;
        }
        Ok(())
    }

    /// The first name that the ghost's kernel would give to one more NIC.
    async fn free_nic(&self, guest: &MachineName) -> Result<IfName, NotDone> {
        let ghost = self.lab.machine(guest.as_ref())?;
        let mut index = self.scenario.guests[guest].interfaces.len();
        loop {
            let name = nic_name(index);
            match ghost.netlink().index(name.as_ref()).await {
                Ok(_) => index += 1,
                Err(absent) if absent.errno == Some(nix::libc::ENODEV) => return Ok(name),
                Err(other) => return Err(LabError::from(other).into()),
            }
        }
    }
}

fn not_yet(guest: &MachineName) -> NotDone {
    NotDone::Unshown(format!(
        "{guest} is a MicroVM, and only ghosts have their NICs plugged by steps so far"
    ))
}
