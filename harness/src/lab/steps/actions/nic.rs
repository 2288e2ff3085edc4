//! Steps that plug NICs into running guests and unplug them.

use super::{ByHand, CarryOut, Doing};
use crate::deadline::Deadline;
use crate::lab::guests::{Plugged, nic_place};
use crate::lab::run::Run;
use crate::lab::steps::NotDone;
use crate::plan::{GuestKind, TopologyPlan};
use crate::scenario::declare::{
    Asked, At, Change, Declared, KeyType, TableKeys, code, if_name, may, must, parse_mac, parsed,
    table_keys,
};
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::net::Mac;
use crate::scenario::{Scenario, Step};

/// Plugs a NIC into a running guest: a TAP, then QMP's `netdev_add` and `device_add`.
#[derive(Debug)]
pub(super) struct Plug {
    guest: MachineName,
    /// The NIC's name on the host side.
    interface: IfName,
    /// The guest's MAC address.
    mac: Mac,
}

impl Declared for Plug {
    const KEYS: TableKeys = table_keys(
        "plug",
        "QEMU's `device_add`; the TAP comes with it",
        &[
            must("guest", KeyType::NAME, "whose NIC"),
            must("interface", KeyType::INTERFACE, "its name on the host"),
            may(
                "mac",
                KeyType::MAC,
                "that of the guest's NIC of this name",
                "the guest's address",
            ),
        ],
    );
    const REMARK: &'static str = "cloud-hypervisor's `vm.add-net`. Skipped where the VMM has no place for a NIC, as QEMU has \
                                  none in a MicroVM that started cold";

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        let (guest, interface) = nic(asked)?;
        let mac = asked.reader.word("mac", parse_mac);
        let key = format!("{} {}", guest.value, interface.value);
        let known = asked.context.known.guests.get(guest.value);
        let declared = known.and_then(|known| known.macs.get(interface.value).copied());
        let own = declared
            .map(str::to_owned)
            .or_else(|| asked.state.macs.get(&key).cloned());
        let mac = match (own, mac) {
            (Some(_), Some(mac)) => {
                let message = format!("`{}` has its MAC address already", interface.value);
                let label = "only a new NIC is given one";
                asked.fault(mac.place, code::CONFLICT, &message, label);
                mac.value
            }
            // A bad MAC address is reported where the file has it.
            (Some(own), None) => parse_mac(&own).ok()?,
            (None, mac) => {
                let mac = asked.reader.need("mac", mac)?;
                let owner = format!("guest `{}`", guest.value);
                asked.context.claims.mac(&mac, &owner);
                mac.value
            }
        };
        let state = &mut *asked.state;
        state.turn_nic(asked.context, &guest, &interface, true);
        state.macs.insert(key, mac.to_string());
        Some(Self {
            guest: MachineName::try_from(guest.value).ok()?,
            interface: parsed(interface, if_name, asked.context.faults)?.value,
            mac,
        })
    }

    fn changes(&self) -> Vec<Change<'_>> {
        vec![Change::Plugs {
            guest: &self.guest,
            interface: &self.interface,
            mac: self.mac,
        }]
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl CarryOut for Plug {
    fn by_hand(&self, scenario: &Scenario, _: GuestKind) -> ByHand {
        let Self {
            guest,
            interface,
            mac,
        } = self;
        let steps = TopologyPlan::nic_steps(scenario, guest, interface, *mac);
        let made = steps.first().map(ToString::to_string).unwrap_or_default();
        ByHand::Words(format!(
            "{made}  # then device_add virtio-net-pci,mac={mac} in QEMU's monitor of {guest}"
        ))
    }

    fn ghost_limit(&self, _: &Scenario) -> Option<String> {
        None
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, _: &'r Step, by: Deadline) -> Doing<'r> {
        Box::pin(self.plug(run, by))
    }
}

/// Unplugs a NIC of a running guest with QMP's `device_del` and `netdev_del`, and deletes its TAP.
#[derive(Debug)]
pub(super) struct Unplug {
    guest: MachineName,
    /// The NIC's name on the host side.
    interface: IfName,
}

impl Declared for Unplug {
    const KEYS: TableKeys = table_keys(
        "unplug",
        "QEMU's `device_del`; the TAP goes with it",
        &[
            must("guest", KeyType::NAME, "whose NIC"),
            must("interface", KeyType::INTERFACE, "its name on the host"),
        ],
    );
    const REMARK: &'static str = "cloud-hypervisor's `vm.remove-device`";

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        let (guest, interface) = nic(asked)?;
        asked
            .state
            .turn_nic(asked.context, &guest, &interface, false);
        Some(Self {
            guest: MachineName::try_from(guest.value).ok()?,
            interface: parsed(interface, if_name, asked.context.faults)?.value,
        })
    }

    fn changes(&self) -> Vec<Change<'_>> {
        let Self { guest, interface } = self;
        vec![Change::Unplugs { guest, interface }]
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl CarryOut for Unplug {
    fn by_hand(&self, scenario: &Scenario, _: GuestKind) -> ByHand {
        let Self { guest, interface } = self;
        let host = scenario.guests.get(guest);
        let host = host.map_or_else(String::new, |guest| guest.on.to_string());
        ByHand::Words(format!(
            "# device_del and netdev_del of {interface} in QEMU's monitor of {guest}; its TAP on {host} goes"
        ))
    }

    fn ghost_limit(&self, _: &Scenario) -> Option<String> {
        None
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, _: &'r Step, by: Deadline) -> Doing<'r> {
        Box::pin(async move {
            let (guests, around) = run.guests();
            let unplugged = guests.unplug(&self.guest, &self.interface, by, around);
            unplugged.await.map(|()| String::new())
        })
    }
}

type Named<'a> = (At<'a, &'a str>, At<'a, &'a str>);

/// Reads the keys that name a NIC of a running guest.
fn nic<'a>(asked: &Asked<'_, 'a>) -> Option<Named<'a>> {
    let guest = asked.guest();
    let interface = asked
        .reader
        .need("interface", asked.reader.text("interface"));
    let (guest, interface) = (guest?, interface?);
    if !asked.state.runs(guest.value) {
        let message = format!("guest `{}` does not run", guest.value);
        let label = "at this point of the steps";
        asked.fault(guest.place, code::CONFLICT, &message, label);
        return None;
    }
    let known = asked.context.known.guests.get(guest.value)?;
    if !known.taps.contains(interface.value) {
        let scope = format!(" in guest `{}`", guest.value);
        let taps = known.taps.iter().copied();
        let what = ("interface", "interfaces");
        asked.context.faults.unknown(&interface, what, &scope, taps);
        return None;
    }
    Some((guest, interface))
}

impl Plug {
    async fn plug(&self, run: &mut Run<'_>, by: Deadline) -> Result<String, NotDone> {
        let Self {
            guest,
            interface,
            mac,
        } = self;
        let (scenario, lab) = (run.asked.scenario, &mut run.testbed.lab);
        let place = nic_place(scenario, lab, guest, interface);
        if place >= scenario.guests[guest].interfaces.len() {
            let nic = (guest.clone(), interface.clone());
            lab.plugged.insert(nic, place);
            let (id, mac) = (interface.to_string(), mac.to_string());
            run.observer.context.macs.insert(id, mac);
        }
        let nic = Plugged {
            guest,
            interface,
            mac: *mac,
            place,
        };
        let (guests, around) = run.guests();
        guests.plug(nic, by, around).await?;
        run.observer.survey(scenario, &run.testbed.lab);
        Ok(String::new())
    }
}
