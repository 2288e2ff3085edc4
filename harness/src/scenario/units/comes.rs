//! Whether a link that is not there may still come: who says that it is made.

use super::links::{changes, of_guest, of_machine};
use crate::scenario::action::{Action, Change};
use crate::scenario::names::{IfName, MachineName, StepId};
use crate::scenario::provides::Provides;
use crate::scenario::{Scenario, Step, VantagePoint};

/// Whether the scenario, its unit files or Docker make a link of this name at a place, so that a check which does not find it
/// waits. `after`: the step that the check comes after; what steps have taken away by then is made by nobody.
///
/// In a guest a NIC goes by its `id`, or by the name that its kernel gives it.
pub fn may_come(
    scenario: &Scenario,
    place: &VantagePoint,
    name: &str,
    after: Option<&StepId>,
) -> bool {
    let made = match place {
        VantagePoint::Machine(machine) => scenario.machines.get(machine).is_some_and(|of| {
            let units = of.networkd.as_deref().unwrap_or_default();
            of_machine(scenario, machine, of, units).may_have(name)
        }),
        VantagePoint::Guest(guest) | VantagePoint::Container(guest, _) => {
            scenario.guests.get(guest).is_some_and(|of| {
                let id = |nic: &IfName| nic.as_ref() == name;
                of.interfaces.iter().any(|nic| id(&nic.id))
                    || changes(scenario).any(|change| {
                        matches!(change, Change::Plugs { guest: to, interface, .. } if to == guest && id(interface))
                    })
                    || of_guest(scenario, guest, of).may_have(name)
            })
        }
    };
    made && !is_taken_away(scenario, place, name, after)
}

/// Whether Docker in the guest loads the module that a sysctl belongs to: br_netfilter and nf_conntrack come with its bridge and
/// its rules.
pub fn is_of_a_module_of_docker(scenario: &Scenario, place: &VantagePoint, key: &str) -> bool {
    let (VantagePoint::Guest(guest) | VantagePoint::Container(guest, _)) = place else {
        return false;
    };
    let docker = |name: &MachineName| {
        let guest = scenario.guests.get(name);
        guest.is_some_and(|guest| Provides::of(&guest.image).docker)
    };
    let of_a_module = ["net.bridge.", "net.netfilter."];
    docker(guest) && of_a_module.iter().any(|family| key.starts_with(family))
}

/// Whether a link was deleted, or a guest's NIC, or its end on the host, has gone with the guest or by itself, and not come again
/// since.
fn is_taken_away(
    scenario: &Scenario,
    place: &VantagePoint,
    name: &str,
    after: Option<&StepId>,
) -> bool {
    let owner = |guest: &MachineName, nic: &IfName| {
        let here = match place {
            VantagePoint::Machine(machine) => {
                let guest = scenario.guests.get(guest);
                guest.is_some_and(|guest| guest.on == *machine)
            }
            VantagePoint::Guest(of) | VantagePoint::Container(of, _) => of == guest,
        };
        here && nic.as_ref() == name
    };
    let is_of = |guest: &MachineName| {
        let nics = scenario.guests.get(guest).into_iter();
        let mut nics = nics.flat_map(|guest| &guest.interfaces);
        nics.any(|nic| owner(guest, &nic.id))
    };
    let is_last = |step: &Step| Some(&step.id) == after;
    let done = match after.map(|_| scenario.steps.iter().position(is_last)) {
        Some(Some(last)) => last + 1,
        _ => 0,
    };
    let done = scenario.steps.iter().take(done);
    done.filter_map(|step| step.action.as_deref())
        .flat_map(Action::changes)
        .fold(false, |gone, change| match change {
            Change::Stops(guest) if is_of(guest) => true,
            Change::Starts(guest) if is_of(guest) => false,
            Change::Unplugs { guest, interface } if owner(guest, interface) => true,
            Change::DeletesLink { on, interface } if on == place && interface.as_ref() == name => {
                true
            }
            // Any of these may make it again.
            Change::MayMakeLinks { on }
            | Change::WritesUnit { on, .. }
            | Change::MayChangeAnything { on }
                if on == place =>
            {
                false
            }
            Change::MakesBridge { on, .. } if *place == VantagePoint::Machine(on.clone()) => false,
            Change::Plugs {
                guest, interface, ..
            } if owner(guest, interface) => false,
            _ => gone,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load_text;

    const TEXT: &str = r#"
version = 1
summary = "s"
base = "none"

[segments.lan]
kind = "switch"

[machines.host]
networkd = "host"
interfaces = [{ name = "eno1", segment = "lan" }]

[machines.plain]
interfaces = [{ name = "eth0", segment = "lan" }]
bridges.br7 = {}

[guests.g]
interfaces = [{ type = "tap", id = "vm-g", mac = "02:00:00:00:00:01" }]
start = "step"

[guests.g.containers]
web = { image = "busybox", network = "own" }

[[checks]]
id = "up"
from = "plain"
link = { interface = "eth0", mtu = 1500 }

[[steps]]
id = "start"
start = { guest = "g" }

[[steps]]
id = "vlan"
write_unit = { on = "host", name = "20-v.netdev", content = "[NetDev]\nName=vlan7\nKind=vlan\n[VLAN]\nId=7\n" }

[[steps]]
id = "stop"
stop = { guest = "g" }

[[steps]]
id = "again"
start = { guest = "g" }
"#;

    fn scenario() -> (tempfile::TempDir, Scenario) {
        scenario_with("")
    }

    fn scenario_with(more: &str) -> (tempfile::TempDir, Scenario) {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let units = folder.path().join("host");
        std::fs::create_dir(&units).expect("a folder");
        let bridge = "[NetDev]\nName=br0\nKind=bridge\n";
        std::fs::write(units.join("10-br.netdev"), bridge).expect("a unit");
        let network = "[Match]\nName=br1\n[Network]\nAddress=192.0.2.1/24\n";
        std::fs::write(units.join("20-br.network"), network).expect("a unit");
        let loaded = load_text(&folder.path().join("a.toml"), format!("{TEXT}{more}"))
            .expect("a valid scenario");
        let scenario = loaded.scenario(None).expect("its green form");
        (folder, scenario)
    }

    #[test]
    fn what_is_made_is_waited_for_and_nothing_else() {
        let (_folder, scenario) = scenario();
        let name = |text: &str| MachineName::try_from(text).expect("a name");
        let comes = |place: &VantagePoint, link| may_come(&scenario, place, link, None);
        let host = VantagePoint::Machine(name("host"));
        for link in ["lo", "eno1", "br0", "vlan7", "vm-g"] {
            assert!(comes(&host, link), "{link}");
        }
        // A `[Match]` makes nothing.
        for link in ["br1", "br7", "eth0", "docker0"] {
            assert!(!comes(&host, link), "{link}");
        }
        let plain = VantagePoint::Machine(name("plain"));
        assert!(comes(&plain, "br7") && !comes(&plain, "br0"));
        let guest = VantagePoint::Guest(name("g"));
        for link in ["vm-g", "eth0", "enp1s0", "docker0", "own", "veth12ab"] {
            assert!(comes(&guest, link), "{link}");
        }
        for link in ["eth1", "br0", "vm-h", "wlan0"] {
            assert!(!comes(&guest, link), "{link}");
        }
    }

    #[test]
    fn what_a_step_took_away_comes_with_the_step_that_brings_it_back() {
        let (_folder, scenario) = scenario();
        let host = VantagePoint::Machine("host".try_into().expect("a name"));
        let comes = |after: &str| {
            let after = StepId::try_from(after).expect("an id");
            may_come(&scenario, &host, "vm-g", Some(&after))
        };
        assert!(comes("start") && comes("vlan"));
        assert!(!comes("stop"));
        assert!(comes("again"));
    }

    #[test]
    fn what_a_step_deletes_nobody_makes_again_by_itself() {
        let deleted =
            "[[steps]]\nid = \"delete\"\ndelete_link = { on = \"plain\", interface = \"eth0\" }\n";
        let later = "[[steps]]\nid = \"later\"\nrun = { on = \"plain\", command = [\"true\"] }\n";
        let (_folder, scenario) = scenario_with(&format!("{deleted}{later}"));
        let plain = VantagePoint::Machine("plain".try_into().expect("a name"));
        let comes = |after: &str| {
            let after = StepId::try_from(after).expect("an id");
            may_come(&scenario, &plain, "eth0", Some(&after))
        };
        assert!(comes("again") && !comes("delete"));
        assert!(comes("later"), "the command may have made it");
    }

    #[test]
    fn docker_brings_modules_with_it() {
        let (_folder, scenario) = scenario();
        let guest = VantagePoint::Guest("g".try_into().expect("a name"));
        let host = VantagePoint::Machine("host".try_into().expect("a name"));
        let key = "net.bridge.bridge-nf-call-iptables";
        assert!(is_of_a_module_of_docker(&scenario, &guest, key));
        assert!(!is_of_a_module_of_docker(&scenario, &host, key));
        let other = "net.ipv4.ip_forwad";
        assert!(!is_of_a_module_of_docker(&scenario, &guest, other));
    }
}
