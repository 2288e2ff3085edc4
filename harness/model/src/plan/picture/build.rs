//! What of a scenario is drawn.

use std::collections::BTreeMap;

use super::links::{self, Configured, configured};
use super::parts::{End, Node, NodeKind, Picture, Port, Wire};
use crate::plan::ghost::nic_name;
use crate::scenario::names::MachineName;
use crate::scenario::provides::Provides;
use crate::scenario::{Scenario, Segment, VantagePoint};

impl Picture {
    /// Draws a scenario. Two calls give equal pictures.
    pub fn of(scenario: &Scenario) -> Self {
        let title = match scenario.form_if_any() {
            Some(form) => format!("{}/{form}", scenario.name),
            None => scenario.name.clone(),
        };
        let mut picture = Self {
            title,
            nodes: Vec::new(),
            wires: Vec::new(),
        };
        picture.add_switches(scenario);
        let by_networkd = configured(scenario);
        picture.add_machines(scenario, &by_networkd);
        picture.join_segments(scenario);
        picture.add_guests(scenario, &by_networkd);
        picture
    }

    /// The number of a box.
    fn node(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// One end of a wire, at the link of that name.
    fn end(&self, node: &str, link: &str) -> Option<End> {
        let node = self.node(node)?;
        let mut links = self.nodes[node].links.iter();
        let port = links.position(|port| port.name == link);
        Some(End { node, port })
    }

    fn add_switches(&mut self, scenario: &Scenario) {
        for (name, segment) in &scenario.segments {
            if let Segment::Switch(_) = segment {
                self.nodes.push(Node {
                    kind: NodeKind::Switch,
                    name: name.to_string(),
                    links: Vec::new(),
                });
            }
        }
    }

    fn add_machines(&mut self, scenario: &Scenario, by_networkd: &Configured) {
        for (name, machine) in &scenario.machines {
            let mut links = Vec::new();
            for (bridge, config) in &machine.bridges {
                links.push(Port {
                    name: bridge.to_string(),
                    kind: "bridge".to_owned(),
                    master: None,
                    addresses: words(&config.addresses),
                });
            }
            for interface in &machine.interfaces {
                links.push(Port {
                    name: interface.name.to_string(),
                    kind: "veth".to_owned(),
                    master: interface.master.as_ref().map(ToString::to_string),
                    addresses: words(&interface.addresses),
                });
            }
            for link in &machine.links {
                links.push(Port {
                    name: link.name().to_string(),
                    kind: link.kind().to_owned(),
                    master: None,
                    addresses: words(link.addresses()),
                });
            }
            for guest in scenario.guests.values().filter(|guest| guest.on == *name) {
                for nic in &guest.interfaces {
                    links.push(Port {
                        name: nic.id.to_string(),
                        kind: nic.kind.word().to_owned(),
                        master: nic.host.master.as_ref().map(ToString::to_string),
                        addresses: words(&nic.host.addresses),
                    });
                }
            }
            let place = VantagePoint::Machine(name.clone());
            if let Some(found) = by_networkd.get(&place) {
                links::lay_over(&mut links, found);
            }
            self.nodes.push(Node {
                kind: NodeKind::Machine,
                name: name.to_string(),
                links,
            });
        }
    }

    fn join_segments(&mut self, scenario: &Scenario) {
        let mut plugs: BTreeMap<&MachineName, Vec<End>> = BTreeMap::new();
        for (name, machine) in &scenario.machines {
            for interface in &machine.interfaces {
                let end = self.end(name.as_ref(), interface.name.as_str());
                plugs.entry(&interface.segment).or_default().extend(end);
            }
        }
        for (segment, ends) in plugs {
            let switch = self
                .node(segment.as_ref())
                .filter(|node| matches!(self.nodes[*node].kind, NodeKind::Switch));
            match (switch, ends.as_slice()) {
                (Some(node), ends) => {
                    let to = End { node, port: None };
                    self.wires.extend(ends.iter().map(|from| Wire {
                        from: from.clone(),
                        to: to.clone(),
                        label: String::new(),
                    }));
                }
                (None, [from, to]) => self.wires.push(Wire {
                    from: from.clone(),
                    to: to.clone(),
                    label: segment.to_string(),
                }),
                // Validation has made sure that a cable has two ends.
                (None, _) => {}
            }
        }
    }

    fn add_guests(&mut self, scenario: &Scenario, by_networkd: &Configured) {
        for (name, guest) in &scenario.guests {
            let mut links = Vec::new();
            for (index, nic) in guest.interfaces.iter().enumerate() {
                let mut addresses = words(&nic.addresses);
                // Where networkd runs its files say it.
                if nic.accept_ra && !Provides::of(&guest.image).networkd {
                    addresses.push("RA".to_owned());
                }
                links.push(Port {
                    name: nic_name(index).to_string(),
                    kind: "virtio".to_owned(),
                    master: None,
                    addresses,
                });
            }
            let place = VantagePoint::Guest(name.clone());
            if let Some(found) = by_networkd.get(&place) {
                links::lay_over(&mut links, found);
            }
            let node = self.nodes.len();
            self.nodes.push(Node {
                kind: NodeKind::Guest,
                name: name.to_string(),
                links,
            });
            for (index, nic) in guest.interfaces.iter().enumerate() {
                let to = self.end(name.as_ref(), nic_name(index).as_str());
                let ends = self.end(guest.on.as_ref(), nic.id.as_str()).zip(to);
                self.wires.extend(ends.map(|(from, to)| Wire {
                    from,
                    to,
                    label: String::new(),
                }));
            }
            for (container, config) in &guest.containers {
                let inside = self.nodes.len();
                self.nodes.push(Node {
                    kind: NodeKind::Container,
                    name: format!("{name}/{container}"),
                    links: Vec::new(),
                });
                let (bridge, label) = match config.network.as_deref() {
                    None | Some("bridge") => ("docker0", ""),
                    Some("none") => continue,
                    Some("host") => ("", "host"),
                    Some(network) => (network, ""),
                };
                let mut links = self.nodes[node].links.iter();
                let port = links.position(|port| port.name == bridge);
                self.wires.push(Wire {
                    from: End { node, port },
                    to: End {
                        node: inside,
                        port: None,
                    },
                    label: label.to_owned(),
                });
            }
        }
    }
}

fn words(addresses: &[impl ToString]) -> Vec<String> {
    addresses.iter().map(ToString::to_string).collect()
}
