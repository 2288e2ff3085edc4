//! The parts of a machine that an administrator makes by `ip` and `bridge`: bridges, routes, and the host's end of
//! a guest's TAP.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::names::IfName;
use super::net::Mac;
use super::port_flag::PortFlag;

/// VLAN of untagged frames at a bridge that does not say (`br_vlan_init`).
pub const KERNEL_PVID: u16 = 1;

/// A bridge of a machine without networkd: `ip link add NAME type bridge ...`. What is `None` is left to the kernel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bridge {
    /// MAC address; of its own accord a bridge takes the lowest one of its ports (`br_stp_recalculate_bridge_id`).
    pub mac: Option<Mac>,
    /// MTU in bytes. Once set it stays; without it the bridge follows the smallest one of its ports.
    pub mtu: Option<u32>,
    /// Spanning tree protocol.
    pub stp: Option<bool>,
    /// Priority in the election of the root bridge.
    pub priority: Option<u16>,
    /// Time in each of the states listening and learning.
    pub forward_delay: Option<Duration>,
    /// Time between two hello packets of the root bridge.
    pub hello_time: Option<Duration>,
    /// Age at which what a root bridge said counts no more.
    pub max_age: Option<Duration>,
    /// How long a MAC address is remembered that nobody sends from.
    pub ageing_time: Option<Duration>,
    /// IGMP and MLD snooping; on in the kernel.
    pub multicast_snooping: Option<bool>,
    /// Whether the bridge asks for group memberships itself; off in the kernel.
    pub multicast_querier: Option<bool>,
    /// Whether VLAN tags count.
    pub vlan_filtering: Option<bool>,
    /// VLAN of untagged frames at ports that do not say; 0: none, and the kernel's is 1.
    pub default_pvid: Option<u16>,
    /// Bit N: frames to 01:80:c2:00:00:0N pass on, which a bridge otherwise keeps (IEEE 802.1D, 7.12.6).
    pub group_fwd_mask: Option<u16>,
    /// Addresses of the bridge's own interface.
    pub addresses: Vec<IpNet>,
    /// Options of ports that are not the kernel's default.
    pub ports: BTreeMap<IfName, BridgePort>,
}

/// Options of a bridge's port: `ip link set PORT type bridge_slave ...`. What is `None` is left to the kernel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BridgePort {
    /// Its switches.
    pub flags: BTreeMap<PortFlag, bool>,
    /// Path cost for the spanning tree.
    pub cost: Option<u32>,
    /// Priority for the spanning tree.
    pub priority: Option<u16>,
    /// VLAN of untagged frames.
    pub pvid: Option<u16>,
    /// VLANs whose tagged frames pass.
    pub vlans: Vec<u16>,
    /// VLANs whose frames pass and leave without a tag, and that untagged frames do not belong to.
    pub untagged: Vec<u16>,
    /// Bit N: frames to 01:80:c2:00:00:0N that come in by it pass on (`br_handle_frame`), STP's among them.
    pub group_fwd_mask: Option<u16>,
}

/// Who loads a ruleset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RulesetTool {
    /// `nft -f FILE`.
    Nftables,
    /// `iptables-restore FILE`.
    Iptables,
    /// `ip6tables-restore FILE`.
    Ip6tables,
}

impl RulesetTool {
    /// File name of the program.
    pub const fn program(self) -> &'static str {
        match self {
            Self::Nftables => "nft",
            Self::Iptables => "iptables-restore",
            Self::Ip6tables => "ip6tables-restore",
        }
    }

    /// The command that loads a file.
    pub fn command(self, file: &str) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Nftables => &["nft", "-f", file],
            Self::Iptables | Self::Ip6tables => &[self.program(), file],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }
}

/// A firewall's rules, from a file beside the scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruleset {
    /// Who loads it.
    pub tool: RulesetTool,
    /// File name, without the folder.
    pub name: String,
    /// Unmodified content.
    pub bytes: Arc<[u8]>,
}

/// A static route: `ip route add TO [via VIA] [dev DEV] [onlink] [metric METRIC]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Destination; `0.0.0.0/0` or `::/0` for a default route.
    pub to: IpNet,
    /// Next hop, of the same family; `None`: the destination is on the link.
    pub via: Option<IpAddr>,
    /// Interface; needed where there is no next hop, or one that no other route leads to.
    pub dev: Option<IfName>,
    /// The next hop is on the link although no address says so (networkd's `GatewayOnLink=`).
    pub onlink: bool,
    /// Of several routes the one with the lowest is taken.
    pub metric: Option<u32>,
}

impl Route {
    /// A route by a next hop that another route leads to.
    pub fn via(to: IpNet, via: IpAddr) -> Self {
        Self {
            to,
            via: Some(via),
            dev: None,
            onlink: false,
            metric: None,
        }
    }
}

/// As `ip route add` takes it.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to)?;
        if let Some(via) = self.via {
            write!(f, " via {via}")?;
        }
        if let Some(dev) = &self.dev {
            write!(f, " dev {dev}")?;
        }
        if self.onlink {
            write!(f, " onlink")?;
        }
        match self.metric {
            Some(metric) => write!(f, " metric {metric}"),
            None => Ok(()),
        }
    }
}

/// The host's end of a guest's NIC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostEnd {
    /// User that may open the TAP: `ip tuntap add ... user OWNER`; a name or a number.
    pub owner: Option<String>,
    /// `ip tuntap add ... multi_queue`.
    pub multi_queue: bool,
    /// `ip tuntap add ... vnet_hdr`, as microvm.nix's `tap-up` gives it.
    pub vnet_hdr: bool,
    /// Whether it is brought up.
    pub up: bool,
    /// Whether it is there before the machine's networkd starts.
    pub before_networkd: bool,
    /// Whether there is none until a step starts the guest, as with microvm.nix's `microvm-tap-interfaces@` of a MicroVM that
    /// has not been started yet.
    pub at_start: bool,
    /// MTU in bytes; the kernel's 1500 when absent.
    pub mtu: Option<u32>,
    /// Bridge that it is put on by rtnetlink.
    pub master: Option<IfName>,
    /// Addresses of the host's end.
    pub addresses: Vec<IpNet>,
    /// Routes by the host's end; their `dev` is this interface.
    pub routes: Vec<Route>,
}

impl Default for HostEnd {
    fn default() -> Self {
        Self {
            owner: None,
            multi_queue: false,
            vnet_hdr: true,
            up: true,
            before_networkd: false,
            at_start: false,
            mtu: None,
            master: None,
            addresses: Vec::new(),
            routes: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_shown_as_ip_takes_them() {
        let net = |text: &str| text.parse().expect("a prefix");
        let via = "192.168.1.1".parse().expect("an address");
        let route = Route::via(net("0.0.0.0/0"), via);
        assert_eq!(route.to_string(), "0.0.0.0/0 via 192.168.1.1");
        let route = Route {
            dev: Some("vm1".try_into().expect("a name")),
            onlink: true,
            metric: Some(7),
            ..route
        };
        assert_eq!(
            route.to_string(),
            "0.0.0.0/0 via 192.168.1.1 dev vm1 onlink metric 7"
        );
        let route = Route {
            via: None,
            onlink: false,
            metric: None,
            ..route
        };
        assert_eq!(route.to_string(), "0.0.0.0/0 dev vm1");
    }
}
