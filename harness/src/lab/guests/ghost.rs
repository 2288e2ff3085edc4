//! Guests that are ghosts: network namespaces, machines of the lab as all others, with a guest's unit files in them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use super::{Around, Before, Change, GuestRuntime, Plugged, nic_place, nics_of};
use crate::check::{Vantage, ghost_limit, no_server, of};
use crate::deadline::Deadline;
use crate::guest::Guest;
use crate::host::netlink_events::Whereabouts;
use crate::lab::assignment::Assignment;
use crate::lab::daemon_times::GRACE;
use crate::lab::ended::Ended;
use crate::lab::error::LabError;
use crate::lab::no_vantage::NoVantage;
use crate::lab::record::Record;
use crate::lab::steps::NotDone;
use crate::lab::topology::{Lab, begin_machine};
use crate::plan::ghost::{nic_name, unfit};
use crate::plan::{Operation, TopologyPlan};
use crate::report::{GuestReport, NOT_SHOWN, Problem};
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::{Check, Scenario};

/// How long a check that must fail is looked at, to see whether it holds after all. Ghosts neither boot nor are slow: their
/// longest wait is that of networkd between two router solicitations, four seconds (RFC 4861, 10).
const MUST_FAIL_WINDOW: Duration = Duration::from_secs(5);

/// The ghosts of a run. They are machines of the lab, so nothing else is kept of them.
#[derive(Debug)]
pub(super) struct Ghosts;

impl GuestRuntime for Ghosts {
    fn boots(&self) -> bool {
        false
    }

    fn machines<'s>(&self, scenario: &'s Scenario) -> Vec<&'s MachineName> {
        scenario.guests.keys().collect()
    }

    fn opens_tun(&self, _: &Scenario) -> bool {
        false
    }

    fn introduce(&self, record: &mut Record<'_>) -> Result<(), Problem> {
        let scenario = record.scenario();
        record.report.accelerator = "ghost".to_owned();
        for name in scenario.guests.keys() {
            record.report.guests.push(GuestReport {
                name: name.to_string(),
                machine: "ghost".to_owned(),
                reason: "by --guests ghost".to_owned(),
                start: "ghost".to_owned(),
                start_reason: "a namespace needs no boot".to_owned(),
                memory: None,
                nics: Vec::new(),
            });
            record.commands.push(format!(
                "# {name} is a ghost: a network namespace, made as plan.txt says\nip netns add {name}"
            ));
        }
        let unfit = unfit(scenario);
        if unfit.is_empty() {
            return Ok(());
        }
        let mut chain =
            vec!["a ghost's NIC would answer these otherwise than a guest's".to_owned()];
        chain.extend(unfit);
        Err(Problem {
            code: NOT_SHOWN.to_owned(),
            chain,
            help: Some("run it with MicroVMs: `--guests vm`".to_owned()),
        })
    }

    /// Does nothing: ghosts are made with the lab.
    fn prepare(&mut self, _: Assignment<'_>) -> Result<(), Ended> {
        Ok(())
    }

    /// Only notes what can be looked at by now: ghosts do not boot.
    fn boot<'r>(&'r mut self, mut around: Around<'r, '_>) -> LocalBoxFuture<'r, Result<(), Ended>> {
        around.survey();
        Box::pin(std::future::ready(Ok(())))
    }

    /// Records the stage `dad`: from the run's start until the last address that a networkd set up was past duplicate address
    /// detection. Addresses of stand-ins skip the detection.
    fn settled(&self, lab: &Lab, asked: Assignment<'_>, record: &mut Record<'_>) {
        let machines = lab.machines().map(|machine| machine.name());
        let last = machines
            .filter(|name| lab.has_networkd(name))
            .filter_map(|name| lab.changes().last_detection(name))
            .max();
        if let Some(last) = last {
            record.timed("dad", asked.started, last.duration_since(asked.started));
        }
    }

    /// Makes the ghost's namespace and its veths, and starts its networkd. What the lab made for a ghost that has never run is
    /// deleted first, as TAPs are made anew at each start.
    fn start<'r>(&'r mut self, guest: &'r MachineName, mut around: Around<'r, '_>) -> Change<'r> {
        Box::pin(async move {
            if around.lab.machines.contains_key(guest.as_ref()) {
                take_away(guest, &mut around).await?;
            }
            let (asked, lab) = (around.asked, &mut *around.lab);
            for step in TopologyPlan::ghost_steps(asked.scenario, guest) {
                if let Operation::Machine {
                    name,
                    private_run,
                    machine_id,
                } = &step
                {
                    let machine = begin_machine(name, *private_run, machine_id.clone());
                    let machine = machine.finish().map_err(LabError::from)?;
                    // Follow the machine before it has an address, so that none is missed.
                    lab.follow(&machine).await?;
                    lab.machines.insert(name.clone(), Arc::new(machine));
                } else {
                    lab.carry_out(&step, asked.folders).await?;
                }
            }
            around.survey();
            Ok(())
        })
    }

    fn stop<'r>(
        &'r mut self,
        guest: &'r MachineName,
        _: Deadline,
        mut around: Around<'r, '_>,
    ) -> Change<'r> {
        Box::pin(async move { take_away(guest, &mut around).await })
    }

    fn plug<'r>(&'r self, nic: Plugged<'r>, _: Deadline, around: Around<'r, '_>) -> Change<'r> {
        Box::pin(async move {
            let Around { asked, lab, .. } = around;
            let steps = TopologyPlan::ghost_nic_steps(
                asked.scenario,
                nic.guest,
                nic.interface,
                nic.mac,
                nic.place,
            );
            for step in steps {
                lab.carry_out(&step, asked.folders).await?;
            }
            Ok(())
        })
    }

    /// Deletes only the ghost's link where the NIC has no end on the host.
    fn unplug<'r>(
        &'r self,
        guest: &'r MachineName,
        interface: &'r IfName,
        _: Deadline,
        around: Around<'r, '_>,
    ) -> Change<'r> {
        Box::pin(async move {
            let Around { asked, lab, .. } = around;
            let plan = &asked.scenario.guests[guest];
            let mut declared = plan.interfaces.iter();
            let declared = declared.find(|nic| nic.id == *interface);
            if declared.is_some_and(|nic| nic.kind.not_on_the_host().is_some()) {
                let own = nic_name(nic_place(asked.scenario, lab, guest, interface));
                lab.delete_link(guest.as_ref(), own.as_str()).await?;
            } else {
                lab.delete_link(plan.on.as_ref(), interface.as_str())
                    .await?;
            }
            Ok(())
        })
    }

    fn vantage(&self, guest: &MachineName, lab: &Lab) -> Result<Vantage, NoVantage> {
        let ghost = lab.machine(guest.as_ref())?;
        Ok(Vantage::Machine(Arc::clone(ghost)))
    }

    fn before_look(
        &self,
        check: &Check,
        by: Deadline,
        scenario: &Scenario,
        lab: &Lab,
    ) -> Option<Before> {
        before_look(check, by, scenario, lab)
    }

    fn cannot_show(&self, scenario: &Scenario, check: &Check) -> Option<String> {
        ghost_limit(scenario, check)
    }

    fn must_fail_window(&self) -> Duration {
        MUST_FAIL_WINDOW
    }

    fn vms(&self) -> Vec<(&MachineName, &Arc<Guest>)> {
        Vec::new()
    }

    fn programs(&self, _: &Scenario) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Does nothing: ghosts end with the lab.
    fn end(&mut self) -> LocalBoxFuture<'_, Vec<String>> {
        Box::pin(std::future::ready(Vec::new()))
    }
}

/// Ends a ghost's networkd, deletes the host's ends of its NICs as microvm.nix's `tap-down` deletes TAPs, and removes its
/// namespace.
async fn take_away(guest: &MachineName, around: &mut Around<'_, '_>) -> Result<(), NotDone> {
    let (scenario, lab) = (around.asked.scenario, &mut *around.lab);
    if let Some(networkd) = lab.networkd.remove(guest.as_ref()) {
        let stopped = networkd.stop(GRACE).await;
        stopped.map_err(|source| LabError::Io {
            doing: "stop networkd".to_owned(),
            machine: guest.to_string(),
            source,
        })?;
    }
    let nics = nics_of(scenario, lab, guest);
    for id in &nics {
        let host = &scenario.guests[guest].on;
        lab.delete_link(host.as_ref(), id.as_str()).await?;
    }
    // Delete the NICs first: the kernel removes a namespace late, and a macvlan in it keeps its MAC address in use until then.
    for index in 0..nics.len() {
        lab.delete_link(guest.as_ref(), nic_name(index).as_str())
            .await?;
    }
    // The machine's thread ends with it, and the namespace with its last thread.
    drop(lab.machines.remove(guest.as_ref()));
    lab.changes.forget(guest.as_ref());
    Ok(())
}

/// Holds back a look that sends to an address which nobody has, or which is still in duplicate address detection: nobody could
/// answer, and the kernel would ask for the neighbour again only after a second (RFC 4861, `RETRANS_TIMER`). Once half of the
/// time until `by` is over, the look is made all the same.
///
/// Used where the lab sees all addresses, so not with MicroVMs.
pub(super) fn before_look(
    check: &Check,
    by: Deadline,
    scenario: &Scenario,
    lab: &Lab,
) -> Option<Before> {
    let target = of(&*check.kind).target()?;
    let to = target.address;
    match lab.changes().whereabouts(to)? {
        Whereabouts::Up(machine) => {
            let mut guests = scenario.guests.keys();
            let ghost = guests.any(|name| name.as_ref() == machine);
            (target.listens && ghost).then(|| Before::Unshown(no_server(&machine)))
        }
        _ if by.left() < by.elapsed() || to.is_loopback() => None,
        Whereabouts::Tentative(machine) => {
            Some(Before::NotYet(format!("{to} is tentative on {machine}")))
        }
        Whereabouts::Nowhere => Some(Before::NotYet(format!("nobody has {to}"))),
    }
}
