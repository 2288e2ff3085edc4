//! Steps of a scenario as the commands that do the same by hand. Most of them are carried out by just these.

use super::bridge::{bridge_words, port_words};
use super::ghost::GuestKind;
use super::{TopologyPlan, shell};
use crate::scenario::names::MachineName;
use crate::scenario::step::{Action, Answer, Daemon, Frame, Netem, NewBridge, Offload, Step};
use crate::scenario::{Scenario, VantagePoint};

/// Unit files of a machine and of a ghost, which have a `/run` of their own.
const MACHINE_UNITS: &str = "/run/systemd/network";
/// Unit files of a guest.
const GUEST_UNITS: &str = "/etc/systemd/network";

/// Whether a place is a MicroVM, where commands run inside it, and not a namespace.
fn in_guest(on: &VantagePoint, guests: GuestKind) -> bool {
    guests == GuestKind::Vm && !matches!(on, VantagePoint::Machine(_))
}

/// The folder of a place that its networkd reads.
pub fn unit_folder(on: &VantagePoint, guests: GuestKind) -> &'static str {
    if in_guest(on, guests) {
        GUEST_UNITS
    } else {
        MACHINE_UNITS
    }
}

/// The systemd units of a guest's daemon; its sockets would start it again.
pub fn systemd_units(daemon: Daemon) -> &'static [&'static str] {
    match daemon {
        Daemon::Networkd => &["systemd-networkd.socket", "systemd-networkd.service"],
        Daemon::Resolved => &["systemd-resolved.service"],
        Daemon::Docker => &["docker.socket", "docker.service"],
        Daemon::Dnsmasq | Daemon::Http => &[],
    }
}

/// The place where a step is done, and the commands that carry it out there; `None` when it takes more than commands.
pub fn commands(action: &Action, guests: GuestKind) -> Option<(VantagePoint, Vec<Vec<String>>)> {
    let words = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
    let machine = |on: &MachineName| VantagePoint::Machine(on.clone());
    let (on, lines) = match action {
        Action::LinkUp { on, interface } => (
            on.clone(),
            vec![words(&format!("ip link set {interface} up"))],
        ),
        Action::LinkDown { on, interface } => (
            on.clone(),
            vec![words(&format!("ip link set {interface} down"))],
        ),
        Action::DeleteLink { on, interface } => (
            on.clone(),
            vec![words(&format!("ip link delete {interface}"))],
        ),
        Action::AddBridge { on, bridge } => (
            machine(on),
            bridge_lines(bridge)
                .iter()
                .map(|line| words(line))
                .collect(),
        ),
        Action::BridgePort {
            on,
            interface,
            options,
        } => {
            let options = port_words(options);
            let line = format!("ip link set {interface} type bridge_slave {options}");
            (on.clone(), vec![words(&line)])
        }
        Action::Reload {
            on,
            daemon: Daemon::Networkd,
            interface,
        } => {
            let line = match interface {
                Some(interface) => format!("networkctl reconfigure {interface}"),
                None => "networkctl reload".to_owned(),
            };
            (on.clone(), vec![words(&line)])
        }
        Action::StartDaemon { on, daemon } if in_guest(on, guests) => {
            let line = format!("systemctl start {}", systemd_units(*daemon).join(" "));
            (on.clone(), vec![words(&line)])
        }
        Action::StopDaemon { on, daemon } if in_guest(on, guests) => {
            let line = format!("systemctl stop {}", systemd_units(*daemon).join(" "));
            (on.clone(), vec![words(&line)])
        }
        Action::RemoveUnit { on, name } => {
            let line = format!("rm {}/{name}", unit_folder(on, guests));
            (on.clone(), vec![words(&line)])
        }
        Action::Impair {
            on,
            interface,
            netem,
        } => {
            let line = format!(
                "tc qdisc replace dev {interface} root netem{}",
                netem_words(netem)
            );
            (machine(on), vec![words(&line)])
        }
        Action::Unimpair { on, interface } => (
            machine(on),
            vec![words(&format!("tc qdisc delete dev {interface} root"))],
        ),
        Action::FlushNeighbours { on, interface } => {
            let line = match interface {
                Some(interface) => format!("ip neigh flush dev {interface}"),
                None => "ip neigh flush all".to_owned(),
            };
            (on.clone(), vec![words(&line)])
        }
        Action::FlushFdb { on, bridge } => (
            on.clone(),
            vec![words(&format!(
                "ip link set {bridge} type bridge fdb_flush"
            ))],
        ),
        Action::Run {
            on,
            command,
            background: false,
            ..
        } => (on.clone(), vec![command.clone()]),
        _ => return None,
    };
    Some((on, lines))
}

fn bridge_lines(bridge: &NewBridge) -> Vec<String> {
    let name = &bridge.name;
    let line = format!("ip link add {name} {}", bridge_words(&bridge.options));
    // Set, and not only made with: a bridge that was merely made with an MTU follows its ports all the same.
    let mtu = bridge.options.mtu;
    let mtu = mtu.map(|mtu| format!("ip link set {name} mtu {mtu}"));
    let ports = bridge.ports.iter();
    let ports = ports.map(|port| format!("ip link set {port} master {name}"));
    let addresses = bridge.options.addresses.iter();
    let addresses = addresses.map(|address| format!("ip addr add {address} dev {name}"));
    let up = format!("ip link set {name} up");
    std::iter::once(line)
        .chain(mtu)
        .chain(ports)
        .chain(addresses)
        .chain([up])
        .collect()
}

fn netem_words(netem: &Netem) -> String {
    let mut words = String::new();
    if let Some(delay) = netem.delay {
        words += &format!(" delay {}ms", delay.as_millis());
    }
    if let Some(loss) = netem.loss {
        words += &format!(" loss {loss}%");
    }
    if let Some(rate) = netem.rate {
        words += &format!(" rate {rate}kbit");
    }
    words
}

fn offload_words(offload: &Offload) -> String {
    let mut words = String::new();
    let mut say = |switches: &[&str], on: Option<bool>| {
        let Some(on) = on else { return };
        let on = if on { "on" } else { "off" };
        for switch in switches {
            words += &format!(" {switch} {on}");
        }
    };
    say(&["tx"], offload.checksum);
    say(&["tso", "gso"], offload.segmentation);
    words
}

/// What a step does, as its key in the scenario file.
pub fn name(action: &Action) -> &'static str {
    match action {
        Action::Start { .. } => "start",
        Action::Stop { .. } => "stop",
        Action::Restart { .. } => "restart",
        Action::StartDaemon { .. } => "start_daemon",
        Action::StopDaemon { .. } => "stop_daemon",
        Action::Reload { .. } => "reload",
        Action::LinkUp { .. } => "link_up",
        Action::LinkDown { .. } => "link_down",
        Action::DeleteLink { .. } => "delete_link",
        Action::AddBridge { .. } => "add_bridge",
        Action::BridgePort { .. } => "bridge_port",
        Action::Plug { .. } => "plug",
        Action::Unplug { .. } => "unplug",
        Action::WriteUnit { .. } => "write_unit",
        Action::RemoveUnit { .. } => "remove_unit",
        Action::Run { .. } => "run",
        Action::Kill { .. } => "kill",
        Action::Send { .. } => "send",
        Action::Impair { .. } => "impair",
        Action::Unimpair { .. } => "unimpair",
        Action::Offload { .. } => "offload",
        Action::FlushNeighbours { .. } | Action::FlushFdb { .. } => "flush",
        Action::Sysctl { .. } => "sysctl",
        Action::WaitFor { .. } => "wait_for",
    }
}

/// The command that does a step by hand, or a comment where there is none.
pub fn by_hand(scenario: &Scenario, action: &Action, guests: GuestKind) -> String {
    if let Some((on, lines)) = commands(action, guests) {
        let lines = lines.iter().map(|line| shell::join(line));
        let lines: Vec<_> = lines.map(|line| at(&on, guests, &line)).collect();
        return lines.join(" && ");
    }
    let host = |guest: &MachineName| {
        let guest = scenario.guests.get(guest);
        guest.map_or_else(String::new, |guest| guest.on.to_string())
    };
    match action {
        Action::Start { guest } => format!("systemctl start microvm@{guest}"),
        Action::Stop { guest } => format!("systemctl stop microvm@{guest}"),
        Action::Restart { guest } => format!("systemctl restart microvm@{guest}"),
        Action::StartDaemon { on, daemon } => {
            at(on, guests, &format!("systemctl start {}", daemon.name()))
        }
        Action::StopDaemon { on, daemon } => {
            at(on, guests, &format!("systemctl stop {}", daemon.name()))
        }
        Action::Reload { on, daemon, .. } => {
            at(on, guests, &format!("killall -HUP {}", daemon.name()))
        }
        Action::Plug {
            guest,
            interface,
            mac,
        } => {
            let steps = TopologyPlan::nic_steps(scenario, guest, interface, *mac);
            let made = steps.first().map(ToString::to_string).unwrap_or_default();
            format!(
                "{made}  # then device_add virtio-net-pci,mac={mac} in QEMU's monitor of {guest}"
            )
        }
        Action::Unplug { guest, interface } => format!(
            "# device_del and netdev_del of {interface} in QEMU's monitor of {guest}; its TAP on {} goes",
            host(guest)
        ),
        Action::WriteUnit { on, unit } => {
            let line = format!("cp {} {}/", unit.name, unit_folder(on, guests));
            at(on, guests, &line)
        }
        Action::Send {
            on,
            interface,
            frame,
            count,
        } => {
            let what = match frame {
                Frame::Bytes(bytes) => format!("{} bytes", bytes.len()),
                Frame::Announce { address, mac } => {
                    let mac = mac.map_or_else(|| "its own address".to_owned(), |m| m.to_string());
                    format!("an announcement of {address} at {mac}")
                }
            };
            let line = format!("arping -U -c {count} -I {interface}  # sends {what}");
            at(&VantagePoint::Machine(on.clone()), guests, &line)
        }
        Action::Offload {
            on,
            interface,
            offload,
        } => {
            let line = format!("ethtool -K {interface}{}", offload_words(offload));
            at(&VantagePoint::Machine(on.clone()), guests, &line)
        }
        Action::Sysctl { on, key, value } => at(on, guests, &format!("sysctl -w {key}={value}")),
        Action::Run { on, command, .. } => at(on, guests, &format!("{} &", shell::join(command))),
        Action::Kill { run } => format!("kill %{run}"),
        _ => format!("# {}", name(action)),
    }
}

/// A command at a place.
fn at(on: &VantagePoint, guests: GuestKind, line: &str) -> String {
    match on {
        VantagePoint::Guest(guest) if in_guest(on, guests) => {
            format!("{line}  # in guest {guest}")
        }
        VantagePoint::Machine(name) | VantagePoint::Guest(name) => match line.strip_prefix("ip ") {
            Some(rest) => format!("ip -n {name} {rest}"),
            None => format!("ip netns exec {name} {line}"),
        },
        VantagePoint::Container(guest, container) => {
            format!("docker exec {container} {line}  # in guest {guest}")
        }
    }
}

/// The steps as text, for the end of a plan; empty when there are none. `wait` tells a fact in words.
pub fn render(
    scenario: &Scenario,
    guests: GuestKind,
    wait: impl Fn(&Action) -> Option<String>,
) -> String {
    let mut text = String::new();
    for step in &scenario.steps {
        text += &line(scenario, step, guests, &wait);
    }
    if text.is_empty() {
        return text;
    }
    format!("# then {} steps\n{text}", scenario.steps.len())
}

fn line(
    scenario: &Scenario,
    step: &Step,
    guests: GuestKind,
    wait: impl Fn(&Action) -> Option<String>,
) -> String {
    let after: Vec<&str> = scenario
        .checks
        .iter()
        .filter(|check| check.after.as_ref() == Some(&step.id))
        .map(|check| check.id.as_str())
        .collect();
    let done = match &step.action {
        None => "# taken away".to_owned(),
        Some(action) => match wait(action) {
            Some(fact) => format!("# wait for {fact}"),
            None => by_hand(scenario, action, guests),
        },
    };
    let answer = match &step.answer {
        Answer::Done => String::new(),
        Answer::Either => ", may fail".to_owned(),
        Answer::Refused(words) => format!(", must be refused with \"{words}\""),
    };
    let mut text = format!("# step {}{answer}\n{done}\n", step.id);
    if !after.is_empty() {
        text += &format!("#   checks: {}\n", after.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Bridge;

    fn name(text: &str) -> MachineName {
        MachineName::try_from(text).expect("a name")
    }

    fn shown(action: &Action) -> String {
        let (on, lines) = commands(action, GuestKind::Vm).expect("commands");
        let lines: Vec<_> = lines
            .iter()
            .map(|line| at(&on, GuestKind::Vm, &shell::join(line)))
            .collect();
        lines.join("\n")
    }

    #[test]
    fn a_bridge_is_made_before_its_ports_and_up_at_last() {
        let bridge = NewBridge {
            name: "br0".try_into().expect("a name"),
            options: Bridge {
                stp: Some(true),
                forward_delay: Some(std::time::Duration::from_secs(4)),
                mac: Some("02:00:00:00:00:0b".parse().expect("a MAC address")),
                mtu: Some(1400),
                addresses: vec!["192.168.1.2/24".parse().expect("an address")],
                ..Bridge::default()
            },
            ports: vec!["eno1".try_into().expect("a name")],
        };
        let on = name("host");
        assert_eq!(
            shown(&Action::AddBridge { on, bridge }),
            "ip -n host link add br0 address 02:00:00:00:00:0b type bridge stp_state 1 forward_delay 400\n\
             ip -n host link set br0 mtu 1400\n\
             ip -n host link set eno1 master br0\n\
             ip -n host addr add 192.168.1.2/24 dev br0\n\
             ip -n host link set br0 up"
        );
    }

    #[test]
    fn only_what_is_said_of_a_link_suffers() {
        let impair = |netem| {
            shown(&Action::Impair {
                on: name("host"),
                interface: "eno1".try_into().expect("a name"),
                netem,
            })
        };
        let delay = Some(std::time::Duration::from_millis(100));
        let head = "ip netns exec host tc qdisc replace dev eno1 root netem";
        assert_eq!(
            impair(Netem {
                loss: Some(10),
                delay,
                rate: Some(256)
            }),
            format!("{head} delay 100ms loss 10% rate 256kbit")
        );
        assert_eq!(
            impair(Netem {
                loss: Some(100),
                ..Netem::default()
            }),
            format!("{head} loss 100%")
        );
    }

    #[test]
    fn offloads_are_said_as_ethtool_takes_them() {
        let both = Offload {
            checksum: Some(true),
            segmentation: Some(false),
        };
        assert_eq!(offload_words(&both), " tx on tso off gso off");
        assert_eq!(offload_words(&Offload::default()), "");
    }

    #[test]
    fn a_guest_s_daemon_is_stopped_with_its_socket() {
        let stop = Action::StopDaemon {
            on: VantagePoint::Guest(name("test1")),
            daemon: Daemon::Docker,
        };
        assert_eq!(
            shown(&stop),
            "systemctl stop docker.socket docker.service  # in guest test1"
        );
        assert!(
            commands(&stop, GuestKind::Ghost).is_none(),
            "a ghost has no systemd"
        );
    }
}
