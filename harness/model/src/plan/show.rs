//! The plan as text: every step with the command that does the same by hand.

use std::fmt::{self, Display, Formatter};

use super::{Operation, TopologyPlan, bridge, dnsmasq, shell};
use crate::scenario::{DnsFault, GuestStart};

impl TopologyPlan {
    /// The plan as text. `guest_command` gives the VMM's command line for a guest and a line for each thing that is put
    /// into it, which are not the plan's business.
    pub fn render(&self, guest_command: impl Fn(&str) -> (String, Vec<String>)) -> String {
        let mut text = format!("# {}: {} steps\n", self.title, self.steps.len());
        for step in &self.steps {
            let line = match step {
                Operation::Guest { name, start } => {
                    let (mark, when) = match start {
                        GuestStart::Boot => ("", ""),
                        GuestStart::Step => ("# ", ", by a step"),
                    };
                    let (command, inside) = guest_command(name);
                    let inside = inside.iter().map(|line| format!("# in {name}: {line}\n"));
                    let inside: String = inside.collect();
                    format!("{mark}{command} &  # guest {name}{when}\n{inside}")
                }
                step => format!("{step}\n"),
            };
            text.push_str(&line);
        }
        text
    }
}

impl Display for Operation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine {
                name,
                private_run,
                machine_id,
            } => {
                write!(f, "ip netns add {name} && ip -n {name} link set lo up")?;
                if *private_run {
                    write!(f, "  # with its own read-only /sys and empty /run")?;
                }
                if let Some(id) = machine_id {
                    write!(f, ", machine-id {id}")?;
                }
                Ok(())
            }
            Self::Sysctl {
                machine,
                key,
                value,
                optional,
            } => {
                let flag = if *optional { "-e " } else { "" };
                write!(f, "ip netns exec {machine} sysctl {flag}-w {key}={value}")
            }
            Self::Link(link) => f.write_str(&link.by_hand()),
            Self::Mtu { machine, link, mtu } => {
                write!(f, "ip -n {machine} link set {link} mtu {mtu}")
            }
            Self::BridgePort {
                machine,
                port,
                options,
            } => {
                let words = bridge::port_words(options);
                write!(
                    f,
                    "ip -n {machine} link set {port} type bridge_slave {words}"
                )
            }
            Self::Vlan {
                machine,
                port,
                change,
            } => write!(
                f,
                "bridge -n {machine} vlan {}",
                change.words(port.as_str())
            ),
            Self::Capture {
                machine,
                link,
                file,
            } => write!(
                f,
                "ip netns exec {machine} tcpdump -U -i {link} -w captures/{file}.pcapng &"
            ),
            Self::Master {
                machine,
                port,
                bridge,
            } => {
                write!(f, "ip -n {machine} link set {port} master {bridge}")
            }
            Self::Address {
                machine,
                interface,
                address,
            } => write!(f, "ip -n {machine} addr add {address} dev {interface}"),
            Self::Ruleset { machine, ruleset } => {
                let command = shell::join(&ruleset.tool.command(&ruleset.name));
                write!(f, "ip netns exec {machine} {command}")
            }
            Self::Up { machine, link } => write!(f, "ip -n {machine} link set {link} up"),
            Self::Route { machine, route } => write!(f, "ip -n {machine} route add {route}"),
            Self::Http { machine, config } => write!(
                f,
                "ip netns exec {machine} busybox httpd -p {}  # answers {:?}",
                config.port, config.body
            ),
            Self::DnsFaults { machine, responses } => {
                let port = dnsmasq::RESPONDER_PORT;
                write!(f, "# {machine} answers on 127.0.0.1 port {port}:")?;
                for (name, (fault, _)) in responses {
                    match fault {
                        DnsFault::Late(time) => {
                            write!(f, " {name} {} late", humantime::format_duration(*time))?;
                        }
                        DnsFault::NoAnswer => write!(f, " {name} never")?,
                        DnsFault::ServFail => write!(f, " {name} SERVFAIL")?,
                        DnsFault::NxDomain | DnsFault::Refused => {}
                    }
                }
                Ok(())
            }
            Self::Dnsmasq { machine, config } => {
                write!(
                    f,
                    "ip netns exec {machine} {} &",
                    shell::join(&dnsmasq::command(config))
                )
            }
            Self::Networkd { machine, units, .. } => {
                write!(
                    f,
                    "ip netns exec {machine} /usr/lib/systemd/systemd-networkd &  # with"
                )?;
                for unit in units {
                    write!(f, " {}", unit.name)?;
                }
                Ok(())
            }
            Self::Allmulticast { machine, link } => {
                write!(f, "ip -n {machine} link set {link} allmulticast on")
            }
            Self::Guest { name, .. } => write!(f, "# start guest {name}"),
        }
    }
}
