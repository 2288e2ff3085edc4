//! The plan as text: every step with the command that does the same by hand.

use std::fmt::{self, Display, Formatter};

use super::{Operation, TopologyPlan, bridge, dnsmasq, shell};
use crate::scenario::net::Mac;
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

/// ` macaddr set MAC ...`, where there are any.
fn sources(f: &mut Formatter<'_>, sources: &[Mac]) -> fmt::Result {
    if !sources.is_empty() {
        write!(f, " macaddr set")?;
    }
    sources.iter().try_for_each(|mac| write!(f, " {mac}"))
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
            Self::Switch {
                machine,
                name,
                config,
            } => {
                let words = bridge::switch_words(config);
                write!(f, "ip -n {machine} link add {name} {words}")
            }
            Self::Bridge {
                machine,
                name,
                config,
            } => {
                let words = bridge::bridge_words(config);
                write!(f, "ip -n {machine} link add {name} {words}")
            }
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
            Self::Veth { here, there } => {
                write!(f, "ip -n {} link add {}", here.machine, here.name)?;
                if let Some(mac) = here.mac {
                    write!(f, " address {mac}")?;
                }
                if let Some(mtu) = here.mtu {
                    write!(f, " mtu {mtu}")?;
                }
                write!(f, " type veth peer name {}", there.name)?;
                if let Some(mac) = there.mac {
                    write!(f, " address {mac}")?;
                }
                if let Some(mtu) = there.mtu {
                    write!(f, " mtu {mtu}")?;
                }
                write!(f, " netns {}", there.machine)
            }
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
            Self::Tap {
                machine, id, end, ..
            } => {
                write!(f, "ip -n {machine} tuntap add name {id} mode tap")?;
                if let Some(owner) = &end.owner {
                    write!(f, " user {owner}")?;
                }
                if end.vnet_hdr {
                    write!(f, " vnet_hdr")?;
                }
                if end.multi_queue {
                    write!(f, " multi_queue")?;
                }
                Ok(())
            }
            Self::Macvtap {
                machine,
                id,
                mac,
                macvtap,
                ..
            } => {
                let link = &macvtap.link;
                write!(
                    f,
                    "ip -n {machine} link add link {link} name {id} address {mac} type macvtap mode {}",
                    macvtap.mode
                )?;
                sources(f, &macvtap.sources)
            }
            Self::Macvlan {
                machine,
                link,
                there,
                mode,
                sources: from,
            } => {
                let name = &there.name;
                write!(f, "ip -n {machine} link add link {link} name {name}")?;
                if let Some(mac) = there.mac {
                    write!(f, " address {mac}")?;
                }
                if let Some(mtu) = there.mtu {
                    write!(f, " mtu {mtu}")?;
                }
                if there.machine != *machine {
                    write!(f, " netns {}", there.machine)?;
                }
                write!(f, " type macvlan mode {mode}")?;
                sources(f, from)
            }
            Self::Allmulticast { machine, link } => {
                write!(f, "ip -n {machine} link set {link} allmulticast on")
            }
            Self::Guest { name, .. } => write!(f, "# start guest {name}"),
        }
    }
}
