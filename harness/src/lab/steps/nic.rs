//! NICs that steps plug into running guests and unplug.

use super::super::guests::{Plugged, nic_place};
use super::super::run::Run;
use super::NotDone;
use crate::deadline::Deadline;
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::net::Mac;

impl Run<'_> {
    pub(super) async fn plug(
        &mut self,
        guest: &MachineName,
        interface: &IfName,
        mac: Mac,
        by: Deadline,
    ) -> Result<String, NotDone> {
        let (scenario, lab) = (self.asked.scenario, &mut self.testbed.lab);
        let place = nic_place(scenario, lab, guest, interface);
        if place >= scenario.guests[guest].interfaces.len() {
            let nic = (guest.clone(), interface.clone());
            lab.plugged.insert(nic, place);
            let (id, mac) = (interface.to_string(), mac.to_string());
            self.observer.context.macs.insert(id, mac);
        }
        let nic = Plugged {
            guest,
            interface,
            mac,
            place,
        };
        let (guests, around) = self.guests();
        guests.plug(nic, by, around).await?;
        self.observer.survey(scenario, &self.testbed.lab);
        Ok(String::new())
    }

    pub(super) async fn unplug(
        &mut self,
        guest: &MachineName,
        interface: &IfName,
        by: Deadline,
    ) -> Result<String, NotDone> {
        let (guests, around) = self.guests();
        guests.unplug(guest, interface, by, around).await?;
        Ok(String::new())
    }
}
