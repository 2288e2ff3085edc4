//! The host's ends of the guests' NICs: TAPs, and macvtaps and macvlans on links that may have yet to come.

use super::error::LabError;
use super::topology::{DAEMON_READY, Folders, Lab};
use crate::deadline::Deadline;
use crate::host::macvtap;
use crate::host::netlink::VethEnd;
use crate::host::tap::{Tap, TapError};
use crate::hypervisor::macvtap_node;
use crate::plan::Operation;
use crate::scenario::names::IfName;
use crate::wait;

impl Lab {
    /// Makes a guest's TAP, and holds it for its VMM if the plan says so.
    pub(super) async fn add_tap(&mut self, step: &Operation) -> Result<(), LabError> {
        let Operation::Tap {
            machine,
            guest,
            index,
            id,
            end,
            held,
        } = step
        else {
            return Ok(());
        };
        let (id, end, queues) = (id.clone(), end.clone(), *held);
        let made = self.machine(machine)?.run(async move {
            let mut tap = Tap::create(&id, &end)?;
            if queues == 0 {
                return tap.let_go().map(|()| None);
            }
            for _ in 1..queues {
                tap.add_queue(&end)?;
            }
            Ok::<_, TapError>(Some(tap))
        });
        if let Some(tap) = made.await?? {
            self.hold(guest, *index, tap);
        }
        Ok(())
    }

    /// Makes a guest's macvtap, and opens it.
    pub(super) async fn add_macvtap(
        &mut self,
        step: &Operation,
        folders: &Folders,
    ) -> Result<(), LabError> {
        let Operation::Macvtap {
            machine,
            guest,
            index: place,
            id,
            mac,
            macvtap,
            end,
            held,
        } = step
        else {
            return Ok(());
        };
        self.has_link(machine, &macvtap.link).await?;
        let there = self.machine(machine)?;
        let index = there.netlink().add_macvtap(id, *mac, macvtap).await?;
        let node = macvtap_node(&folders.run, machine, id);
        let (id, end, queues) = (id.clone(), end.clone(), *held);
        let opened = there.run(async move { macvtap::open(&id, index, &node, &end, queues) });
        let tap = opened.await??;
        if queues > 0 {
            self.hold(guest, *place, tap);
        }
        Ok(())
    }

    /// Makes a macvlan.
    pub(super) async fn add_macvlan(&self, step: &Operation) -> Result<(), LabError> {
        let Operation::Macvlan {
            machine,
            link,
            there,
            mode,
            sources,
        } = step
        else {
            return Ok(());
        };
        self.has_link(machine, link).await?;
        let namespace = (there.machine != *machine)
            .then(|| {
                self.machine(&there.machine)
                    .map(|machine| machine.namespace())
            })
            .transpose()?;
        let end = VethEnd {
            name: there.name.clone(),
            mac: there.mac,
            mtu: there.mtu,
        };
        let netlink = self.machine(machine)?.netlink();
        let made = netlink.add_macvlan(link, &end, *mode, sources, namespace.as_ref());
        Ok(made.await?)
    }

    /// Waits for a link that the machine's networkd makes: it says that it is ready before its netdevs are. Elsewhere the
    /// link is there, or will never be.
    async fn has_link(&self, machine: &str, link: &IfName) -> Result<(), LabError> {
        let netlink = self.machine(machine)?.netlink();
        if !self.has_networkd(machine) {
            return Ok(());
        }
        let by = Deadline::after(DAEMON_READY);
        let what = format!("networkd on {machine} to make {link}");
        let there = wait::until(by, &what, async || netlink.index(link.as_str()).await);
        there.await.map(drop).map_err(|error| LabError::Io {
            doing: format!("put something on `{link}`"),
            machine: machine.to_owned(),
            source: std::io::Error::new(std::io::ErrorKind::TimedOut, error),
        })
    }
}
