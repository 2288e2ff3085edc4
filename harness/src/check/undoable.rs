//! Steps that ghost guests cannot do. Pure: decided from the scenario.

use super::ghosts::{Ghosts, no_docker, no_macvtap, no_server};
use crate::scenario::step::{Action, Daemon};
use crate::scenario::{Scenario, VantagePoint};

/// Programs that show and change the network of whoever runs them, and nothing else of the machine.
const NETWORK_PROGRAMS: [&str; 12] = [
    "arping",
    "bridge",
    "dig",
    "getent",
    "ip",
    "networkctl",
    "nft",
    "ping",
    "sysctl",
    "tc",
    "tcpdump",
    "traceroute",
];

/// Why a step cannot be done with ghosts; `None` when it can.
pub fn undoable(scenario: &Scenario, action: &Action) -> Option<String> {
    let in_container = |on: &VantagePoint| match on {
        VantagePoint::Container(guest, _) => Some(no_docker(guest)),
        VantagePoint::Machine(_) | VantagePoint::Guest(_) => None,
    };
    match action {
        Action::LinkUp { on, interface }
        | Action::LinkDown { on, interface }
        | Action::DeleteLink { on, interface }
            if Ghosts { scenario, from: on }.is_macvtap(interface) =>
        {
            Some(no_macvtap(interface))
        }
        Action::Offload { on, interface, .. } => {
            let from = &VantagePoint::Machine(on.clone());
            Ghosts { scenario, from }
                .is_macvtap(interface)
                .then(|| no_macvtap(interface))
        }
        Action::StartDaemon { on, daemon } | Action::StopDaemon { on, daemon } => {
            match (on, daemon) {
                (VantagePoint::Guest(guest), Daemon::Docker) => Some(no_docker(guest)),
                (VantagePoint::Guest(guest), Daemon::Resolved) => Some(no_server(guest.as_ref())),
                _ => None,
            }
        }
        Action::Run { on, command, .. } => match on {
            VantagePoint::Guest(guest) => {
                let program = command.first().map_or("", String::as_str);
                let known = NETWORK_PROGRAMS.contains(&program);
                (!known).then(|| {
                    format!("{guest} is a ghost: `{program}` there would be this machine's, not the guest's")
                })
            }
            other => in_container(other),
        },
        _ => None,
    }
}
