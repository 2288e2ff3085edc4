//! Which steps of a plan can be carried out at the same time, and how: each machine's on its own thread, in one go.
//!
//! A step that is sent to a machine's thread by itself costs two changes of threads for every request to the kernel,
//! and a lab of hundreds of machines has thousands of steps.

use std::collections::BTreeMap;
use std::io;

use super::error::LabError;
use super::links;
use super::on_machine::{Done, OnMachine};
use crate::host::capture::Capture;
use crate::host::netns::{read_sysctl, write_sysctl};
use crate::plan::Operation;

/// A piece of a plan; the next begins when it is done.
#[derive(Debug)]
pub(super) enum Part<'a> {
    /// Steps by machine: the machines at the same time, each one's steps in order.
    Group(BTreeMap<&'a str, Vec<&'a Operation>>),
    /// A step that must have done its work before anything else begins.
    One(&'a Operation),
}

/// Cuts a plan into parts. A machine's steps keep their order, and a cable's far end counts as its machine's.
pub(super) fn parts(steps: &[Operation]) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut groups: Vec<BTreeMap<&str, Vec<&Operation>>> = Vec::new();
    // By machine, the first group in which another's thread may touch it, and the first in which its own may.
    let mut free: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for step in steps {
        let Some((here, there)) = machines(step) else {
            parts.extend(std::mem::take(&mut groups).into_iter().map(Part::Group));
            free.clear();
            parts.push(Part::One(step));
            continue;
        };
        let own = free.get(here).map_or(0, |(_, own)| *own);
        let group = match there.filter(|there| *there != here) {
            None => own,
            Some(there) => {
                let others = free.get(there).map_or(0, |(others, _)| *others);
                let group = own.max(others);
                free.insert(there, (group + 1, group + 1));
                group
            }
        };
        free.insert(here, (group + 1, group));
        if groups.len() <= group {
            groups.resize_with(group + 1, BTreeMap::new);
        }
        groups[group].entry(here).or_default().push(step);
    }
    parts.extend(groups.into_iter().map(Part::Group));
    parts
}

/// The machine on whose thread a step is carried out, and the other that it touches; `None` for a step that does more
/// than to ask the kernel.
fn machines(step: &Operation) -> Option<(&str, Option<&str>)> {
    match step {
        Operation::Link(link) if link.alone() => None,
        Operation::Link(link) => Some((link.machine(), link.peer())),
        Operation::Sysctl { machine, .. }
        | Operation::Mtu { machine, .. }
        | Operation::BridgePort { machine, .. }
        | Operation::Vlan { machine, .. }
        | Operation::Capture { machine, .. }
        | Operation::Master { machine, .. }
        | Operation::Address { machine, .. }
        | Operation::Allmulticast { machine, .. }
        | Operation::Up { machine, .. }
        | Operation::Route { machine, .. } => Some((machine, None)),
        _ => None,
    }
}

impl OnMachine {
    /// Carries out steps in order. Must run on the machine's thread.
    pub(super) async fn carry_out(&self, steps: &[Operation]) -> Result<Done, LabError> {
        let mut done = Done::default();
        for step in steps {
            tracing::debug!(%step, "carry out");
            self.one(step, &mut done).await?;
        }
        Ok(done)
    }

    async fn one(&self, step: &Operation, done: &mut Done) -> Result<(), LabError> {
        let netlink = &self.netlink;
        match step {
            Operation::Sysctl {
                key,
                value,
                optional,
                ..
            } => done.sysctls.push(self.sysctl(key, value, *optional)?),
            Operation::Link(link) => links::of(&**link).make(self, done).await?,
            Operation::Mtu { link, mtu, .. } => netlink.set_mtu(link, *mtu).await?,
            Operation::BridgePort { port, options, .. } => {
                netlink.set_bridge_port(port.as_str(), options).await?;
            }
            Operation::Vlan { port, change, .. } => {
                netlink.change_vlan(port.as_str(), *change).await?
            }
            Operation::Capture { link, file, .. } => {
                if let Some(path) = self.captures.get(file) {
                    let capture = Capture::open(netlink, &self.keeper, link, path).await?;
                    done.captures.push((file.clone(), capture));
                }
            }
            Operation::Master { port, bridge, .. } => netlink.enslave(port, bridge).await?,
            Operation::Address {
                interface, address, ..
            } => netlink.add_address(interface, *address).await?,
            Operation::Allmulticast { link, .. } => netlink.set_allmulticast(link).await?,
            Operation::Up { link, .. } => netlink.set_up(link).await?,
            Operation::Route { route, .. } => netlink.add_route(route).await?,
            // Those for which `machines` has no answer.
            _ => {}
        }
        Ok(())
    }

    /// Sets a sysctl; what it then is, for the record.
    fn sysctl(&self, key: &str, value: &str, optional: bool) -> Result<String, LabError> {
        let machine = &self.machine;
        match write_sysctl(key, value).and_then(|()| read_sysctl(key)) {
            Ok(found) => Ok(format!("{machine} {key} = {found}")),
            Err(e) if optional && e.kind() == io::ErrorKind::NotFound => {
                Ok(format!("{machine} {key} absent on this kernel"))
            }
            Err(source) => Err(LabError::Io {
                doing: format!("run `sysctl -w {key}={value}`"),
                machine: machine.clone(),
                source,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::LinkEnd;
    use crate::plan::link::kinds;
    use crate::scenario::GuestStart;
    use crate::scenario::names::IfName;

    fn cable(here: &str, there: &str) -> Operation {
        let end = |machine: &str| LinkEnd {
            machine: machine.to_owned(),
            name: IfName::try_from("eth0").expect("a name"),
            mac: None,
            mtu: None,
        };
        Operation::Link((kinds().cable)(end(here), end(there)))
    }

    fn up(machine: &str) -> Operation {
        Operation::Up {
            machine: machine.to_owned(),
            link: "eth0".to_owned(),
        }
    }

    fn sysctl(machine: &str) -> Operation {
        Operation::Sysctl {
            machine: machine.to_owned(),
            key: "net.ipv6.conf.default.accept_dad".to_owned(),
            value: "0".to_owned(),
            optional: false,
        }
    }

    /// Each part as the machines in it, with their numbers of steps.
    fn shown(steps: &[Operation]) -> Vec<String> {
        let parts = parts(steps).into_iter().map(|part| match part {
            Part::One(step) => format!("{step}"),
            Part::Group(group) => {
                let machines = group.iter();
                let machines = machines.map(|(name, steps)| format!("{name} {}", steps.len()));
                machines.collect::<Vec<_>>().join(", ")
            }
        });
        parts.collect()
    }

    #[test]
    fn machines_that_share_nothing_go_at_once() {
        let steps = [sysctl("a"), sysctl("b"), up("a"), up("b")];
        assert_eq!(shown(&steps), ["a 2, b 2"]);
    }

    /// `default` sysctls are copied to a link when it is made; and nobody brings up what is not there yet.
    #[test]
    fn a_cable_waits_for_what_came_before_it_on_both_ends_and_the_far_end_for_the_cable() {
        let steps = [
            sysctl("switch"),
            sysctl("a"),
            sysctl("b"),
            cable("switch", "a"),
            up("switch"),
            cable("switch", "b"),
            up("a"),
            up("b"),
        ];
        assert_eq!(
            shown(&steps),
            ["a 1, b 1, switch 1", "switch 3", "a 1, b 1"]
        );
        // A cable between two that are far ends of others.
        let steps = [
            cable("switch", "a"),
            cable("switch", "b"),
            cable("a", "b"),
            up("b"),
        ];
        assert_eq!(shown(&steps), ["switch 2", "a 1", "b 1"]);
        // What one cable does to a machine, another's thread must not do at the same time.
        let steps = [cable("a", "c"), cable("b", "c"), up("c")];
        assert_eq!(shown(&steps), ["a 1", "b 1", "c 1"]);
        let steps = [cable("a", "a"), up("a")];
        assert_eq!(shown(&steps), ["a 2"]);
    }

    #[test]
    fn a_step_that_is_more_than_a_question_to_the_kernel_goes_alone() {
        let guest = Operation::Guest {
            name: "g".to_owned(),
            start: GuestStart::default(),
        };
        let steps = [up("a"), guest, up("b"), up("a")];
        assert_eq!(shown(&steps), ["a 1", "# start guest g", "a 1, b 1"]);
        assert!(shown(&[]).is_empty());
    }
}
