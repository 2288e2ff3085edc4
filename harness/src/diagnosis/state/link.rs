//! Links with their addresses: `ip -j -d address show`.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;
use serde_json::Value;

/// A link.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in crate::diagnosis) struct Link {
    /// Its index.
    #[serde(rename = "ifindex")]
    pub(in crate::diagnosis) index: u32,
    /// Its name.
    #[serde(rename = "ifname")]
    pub(in crate::diagnosis) name: String,
    /// `ether`, `loopback`, ...
    pub(in crate::diagnosis) link_type: String,
    /// The link below it, or the other end of a veth pair, where it is in the same namespace.
    pub(in crate::diagnosis) link: Option<String>,
    /// Index of that link, where it is in another namespace.
    pub(in crate::diagnosis) link_index: Option<u32>,
    /// `UP`, `LOWER_UP`, `NO-CARRIER`, ...
    pub(in crate::diagnosis) flags: Vec<String>,
    /// In bytes; 0: not said.
    pub(in crate::diagnosis) mtu: u32,
    /// The bridge, bond or VRF that it is a port of.
    pub(in crate::diagnosis) master: Option<String>,
    /// `UP`, `DOWN`, `LOWERLAYERDOWN`, ...
    pub(in crate::diagnosis) operstate: String,
    /// MAC address.
    #[serde(rename = "address")]
    pub(in crate::diagnosis) mac: String,
    /// Its kind and what is special about it.
    pub(in crate::diagnosis) linkinfo: Info,
    /// Its addresses.
    #[serde(rename = "addr_info")]
    pub(in crate::diagnosis) addresses: Vec<Address>,
}

/// What is special about a link's kind.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in crate::diagnosis) struct Info {
    /// `bridge`, `veth`, `dummy`, ...; `None`: a NIC.
    #[serde(rename = "info_kind")]
    pub(in crate::diagnosis) kind: Option<String>,
    /// Of the kind.
    #[serde(rename = "info_data")]
    pub(in crate::diagnosis) data: Value,
    /// Of the port, where it is one.
    #[serde(rename = "info_slave_data")]
    pub(in crate::diagnosis) port: Value,
}

/// An address of a link.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(in crate::diagnosis) struct Address {
    /// The address.
    pub(in crate::diagnosis) local: Option<IpAddr>,
    /// Length of its prefix.
    pub(in crate::diagnosis) prefixlen: u8,
    /// `global`, `link`, `host`.
    pub(in crate::diagnosis) scope: String,
    /// Duplicate address detection is under way.
    pub(in crate::diagnosis) tentative: bool,
    /// Duplicate address detection has failed.
    pub(in crate::diagnosis) dadfailed: bool,
    /// Not for new connections.
    pub(in crate::diagnosis) deprecated: bool,
    /// One of privacy extensions.
    pub(in crate::diagnosis) temporary: bool,
    /// It has a lifetime: by an advertisement or a lease.
    pub(in crate::diagnosis) dynamic: bool,
}

impl Link {
    /// Whether it has the flag.
    pub(in crate::diagnosis) fn is(&self, flag: &str) -> bool {
        self.flags.iter().any(|one| one == flag)
    }

    /// Whether it is the machine's loopback.
    pub(in crate::diagnosis) fn is_loopback(&self) -> bool {
        self.link_type == "loopback"
    }

    /// Whether it is administratively up.
    pub(in crate::diagnosis) fn is_up(&self) -> bool {
        self.is("UP")
    }

    /// Whether it is a bridge.
    pub(in crate::diagnosis) fn is_bridge(&self) -> bool {
        self.kind() == "bridge"
    }

    /// Its kind; `nic` where there is none.
    pub(in crate::diagnosis) fn kind(&self) -> &str {
        self.linkinfo.kind.as_deref().unwrap_or("nic")
    }

    /// A switch of the bridge port; `None`: it is none, or iproute2 is older than the switch.
    pub(in crate::diagnosis) fn port_flag(&self, name: &str) -> Option<bool> {
        self.linkinfo.port[name].as_bool()
    }

    /// State of the bridge port: `forwarding`, `blocking`, ...
    pub(in crate::diagnosis) fn port_state(&self) -> Option<&str> {
        self.linkinfo.port["state"].as_str()
    }

    /// Whether a bridge looks at VLAN tags.
    pub(in crate::diagnosis) fn filters_vlans(&self) -> bool {
        self.linkinfo.data["vlan_filtering"] == 1
    }
}

impl Address {
    /// With its prefix.
    pub(in crate::diagnosis) fn net(&self) -> Option<IpNet> {
        IpNet::new(self.local?, self.prefixlen).ok()
    }

    /// Whether a packet can be sent from it and to it.
    pub(in crate::diagnosis) fn is_usable(&self) -> bool {
        !self.tentative && !self.dadfailed
    }
}
