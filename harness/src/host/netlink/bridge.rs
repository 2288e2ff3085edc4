//! Bridges and their ports.

use rtnetlink::packet_route::link::{BridgeStpState, BridgeVlanInfoFlags};
use rtnetlink::{LinkBridge, LinkBridgePort, LinkBridgeVlan, LinkMessageBuilder};

use super::{LinkError, Netlink};
use crate::plan::bridge::{VlanChange, bridge_words, hundredths, port_words, switch_words};
use crate::scenario::{Bridge, BridgePort, PortFlag, Switch};

impl Netlink {
    /// `ip link add NAME type bridge forward_delay 0 mcast_snooping 0`: a plain LAN switch, up.
    ///
    /// # Errors
    /// [`LinkError`] with the kernel's words.
    pub async fn add_switch(&self, name: &str, config: &Switch) -> Result<(), LinkError> {
        let mut message = LinkBridge::new(name)
            .forward_delay(0)
            .mcast_snooping(config.multicast_snooping);
        if let Some(mtu) = config.mtu {
            message = message.mtu(mtu);
        }
        if let Some(mask) = config.group_fwd_mask {
            message = message.group_fwd_mask(mask);
        }
        let command = || format!("ip link add {name} {}", switch_words(config));
        self.add_link(message.build(), command).await
    }

    /// `ip link add NAME type bridge ...`: a bridge, down, with the options that are given and the kernel's others.
    /// Its MTU, addresses and ports are not set.
    ///
    /// # Errors
    /// [`LinkError`] with the kernel's words; `EOPNOTSUPP` where this kernel cannot filter VLANs.
    pub async fn add_bridge(&self, name: &str, bridge: &Bridge) -> Result<(), LinkError> {
        let mut message = LinkMessageBuilder::<LinkBridge>::new(name);
        if let Some(mac) = bridge.mac {
            message = message.address(mac.octets().to_vec());
        }
        // The timers first: the kernel judges them by the spanning tree that runs, and none does yet.
        if let Some(time) = bridge.forward_delay {
            message = message.forward_delay(hundredths(time));
        }
        if let Some(time) = bridge.hello_time {
            message = message.hello_time(hundredths(time));
        }
        if let Some(time) = bridge.max_age {
            message = message.max_age(hundredths(time));
        }
        if let Some(time) = bridge.ageing_time {
            message = message.ageing_time(hundredths(time));
        }
        if let Some(stp) = bridge.stp {
            let state = if stp {
                BridgeStpState::KernelStp
            } else {
                BridgeStpState::Disabled
            };
            message = message.stp_state(state);
        }
        if let Some(priority) = bridge.priority {
            message = message.priority(priority);
        }
        if let Some(on) = bridge.multicast_snooping {
            message = message.mcast_snooping(on);
        }
        if let Some(on) = bridge.multicast_querier {
            message = message.mcast_querier(on);
        }
        if let Some(on) = bridge.vlan_filtering {
            message = message.vlan_filtering(on);
        }
        if let Some(pvid) = bridge.default_pvid {
            message = message.vlan_default_pvid(pvid);
        }
        if let Some(mask) = bridge.group_fwd_mask {
            message = message.group_fwd_mask(mask);
        }
        let command = || format!("ip link add {name} {}", bridge_words(bridge));
        self.add_link(message.build(), command).await
    }

    /// `ip link set PORT type bridge_slave ...`.
    ///
    /// # Errors
    /// [`LinkError`] with the kernel's words; `EINVAL` for a link that is no port of a bridge.
    pub async fn set_bridge_port(&self, port: &str, options: &BridgePort) -> Result<(), LinkError> {
        let mut message = LinkBridgePort::new(self.index(port).await?);
        for (flag, &on) in &options.flags {
            message = match flag {
                PortFlag::Isolated => message.isolated(on),
                PortFlag::Hairpin => message.hairpin(on),
                PortFlag::Learning => message.learning(on),
                PortFlag::Flood => message.flood(on),
                PortFlag::McastFlood => message.mcast_flood(on),
                PortFlag::BcastFlood => message.bcast_flood(on),
                PortFlag::NeighSuppress => message.neigh_suppress(on),
                PortFlag::ProxyArp => message.proxy_arp(on),
                PortFlag::Guard => message.guard(on),
                PortFlag::RootBlock => message.root_block(on),
            };
        }
        if let Some(mask) = options.group_fwd_mask {
            message = message.group_fwd_mask(mask);
        }
        if let Some(cost) = options.cost {
            message = message.cost(cost);
        }
        if let Some(priority) = options.priority {
            message = message.priority(priority);
        }
        let set = self.handle.link().set_port(message.build()).execute().await;
        let command = format!(
            "ip link set {port} type bridge_slave {}",
            port_words(options)
        );
        set.map_err(|e| self.error(command, &e))
    }

    /// `bridge vlan add dev PORT vid ID [[pvid] untagged]`, or `bridge vlan del dev PORT vid ID`.
    ///
    /// # Errors
    /// [`LinkError`] with the kernel's words; `EOPNOTSUPP` where this kernel cannot filter VLANs.
    pub async fn change_vlan(&self, port: &str, change: VlanChange) -> Result<(), LinkError> {
        let message = LinkBridgeVlan::new(self.index(port).await?);
        let links = self.handle.link();
        let done = match change {
            VlanChange::Delete(id) => {
                let message = message.vlan(id, BridgeVlanInfoFlags::empty());
                links.del_with_message(message.build()).execute().await
            }
            VlanChange::Pvid(id) => {
                let flags = BridgeVlanInfoFlags::Pvid | BridgeVlanInfoFlags::Untagged;
                links.set(message.vlan(id, flags).build()).execute().await
            }
            VlanChange::Untagged(id) => {
                let flags = BridgeVlanInfoFlags::Untagged;
                links.set(message.vlan(id, flags).build()).execute().await
            }
            VlanChange::Tagged(id) => {
                let message = message.vlan(id, BridgeVlanInfoFlags::empty());
                links.set(message.build()).execute().await
            }
        };
        done.map_err(|e| self.error(format!("bridge vlan {}", change.words(port)), &e))
    }
}
