//! Ghost guests, as far as a kind of check must know them to say what they cannot show. Pure: decided from the scenario,
//! before anybody looks.

use std::net::IpAddr;

use crate::scenario::names::{IfName, MachineName};
use crate::scenario::{Guest, GuestInterface, Scenario, VantagePoint};

/// A lab whose guests are ghosts, seen from one place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ghosts<'s> {
    pub(super) scenario: &'s Scenario,
    pub(super) from: &'s VantagePoint,
}

impl<'s> Ghosts<'s> {
    /// The guest that the check looks from, if it looks from one.
    pub(super) fn own(&self) -> Option<&'s MachineName> {
        match self.from {
            VantagePoint::Guest(guest) => Some(guest),
            VantagePoint::Machine(_) | VantagePoint::Container(..) => None,
        }
    }

    /// Whether the interface is a guest's TAP, seen from the machine that holds it.
    pub(super) fn is_tap(&self, interface: &IfName) -> bool {
        self.nic_backend(interface).is_some()
    }

    /// Why the interface is not on the host, if it is the end of a guest's NIC that is none with ghosts. `None` for any other.
    pub(super) fn not_on_the_host(&self, interface: &IfName) -> Option<String> {
        let why = self.nic_backend(interface)?.kind.not_on_the_host()?;
        Some(format!("{interface} {why}"))
    }

    /// The guest's NIC whose backend on the vantage's machine has this name.
    fn nic_backend(&self, interface: &IfName) -> Option<&'s GuestInterface> {
        let VantagePoint::Machine(machine) = self.from else {
            return None;
        };
        let guests = self.scenario.guests.values();
        let mut nics = guests
            .filter(|guest| guest.on == *machine)
            .flat_map(|guest| &guest.interfaces);
        nics.find(|nic| nic.id == *interface)
    }

    /// Whether the check looks from a machine that holds guests.
    pub(super) fn hold_here(&self) -> bool {
        let VantagePoint::Machine(machine) = self.from else {
            return false;
        };
        let mut guests = self.scenario.guests.values();
        guests.any(|guest| guest.on == *machine)
    }

    /// Why no server answers at an address of a ghost; `None` where no ghost has the address.
    pub(super) fn no_server_at(&self, address: IpAddr) -> Option<String> {
        let mut guests = self.scenario.guests.iter();
        let owner = guests.find(|(_, guest)| has(guest, address));
        owner.map(|(name, _)| no_server(name.as_ref()))
    }
}

/// Why a step cannot change a link: with ghosts it is none of the host's. `None` for any other link.
pub(crate) fn not_on_the_host(
    scenario: &Scenario,
    from: &VantagePoint,
    link: &IfName,
) -> Option<String> {
    Ghosts { scenario, from }.not_on_the_host(link)
}

pub(super) fn carrier_of_a_veth(interface: &IfName) -> String {
    format!("{interface} is a veth, and its carrier is that of its other end, not a VMM's")
}

/// Why a connection to a ghost shows nothing.
pub fn no_server(guest: &str) -> String {
    format!("{guest} is a ghost: it runs systemd-networkd and no servers")
}

pub(crate) fn no_docker(guest: &MachineName) -> String {
    format!("{guest} is a ghost: it runs systemd-networkd and no Docker")
}

pub(super) fn not_its_own(guest: &MachineName) -> String {
    format!(
        "{guest} is a ghost: its programs, sysctls and firewall are this machine's, not the image's"
    )
}

/// Whether one of the guest's unit files gives it this address.
fn has(guest: &Guest, address: IpAddr) -> bool {
    let mut texts = guest
        .units
        .iter()
        .filter_map(|unit| std::str::from_utf8(&unit.bytes).ok());
    texts.any(|text| {
        text.lines().any(|line| {
            let Some((key, value)) = line.split_once('=') else {
                return false;
            };
            let given = value.trim().split('/').next().unwrap_or_default();
            key.trim() == "Address" && given.parse() == Ok(address)
        })
    })
}
