//! What kind of a link one is: what `Type=`, `Kind=` and `Driver=` of `[Match]` are compared with.

use std::borrow::Cow;

/// What makes a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkKind {
    /// `lo`.
    Loopback,
    /// A guest's NIC; its driver is the VMM's matter.
    Nic,
    /// As `Kind=` of systemd.netdev(5) calls it.
    Made(Cow<'static, str>),
    /// A `.netdev` that does not say it.
    Unknown,
}

impl LinkKind {
    /// Of a kind that is known beforehand.
    pub const fn made(kind: &'static str) -> Self {
        Self::Made(Cow::Borrowed(kind))
    }

    /// What `Type=` can be: the TYPE of `networkctl list`, which is udev's DEVTYPE, where there is one, or else the hardware's
    /// type in small letters (`net_get_type_string` of systemd, `linux/if_arp.h`). `None`: nobody knows.
    pub fn types(&self) -> Option<Vec<&str>> {
        Some(match self {
            Self::Loopback => vec!["loopback"],
            Self::Nic => vec!["ether"],
            Self::Unknown => return None,
            Self::Made(kind) => match kind.as_ref() {
                "veth" | "tap" | "dummy" => vec!["ether"],
                "tun" => vec!["none"],
                kind @ ("wireguard" | "xfrm" | "bareudp") => vec!["none", kind],
                "ipip" | "vti" => vec!["tunnel"],
                "ip6tnl" | "vti6" => vec!["tunnel6"],
                "gre" => vec!["ipgre"],
                "ip6gre" => vec!["ip6gre"],
                "sit" => vec!["sit"],
                "vcan" | "vxcan" => vec!["can"],
                "nlmon" => vec!["netlink"],
                "ipoib" => vec!["infiniband"],
                "wlan" => vec!["wlan"],
                kind => vec!["ether", kind],
            },
        })
    }

    /// What `Kind=` is: `IFLA_INFO_KIND`, as `ip -details link` shows it. The outer `None`: nobody knows; the inner one:
    /// it has none.
    pub fn kind(&self) -> Option<Option<&str>> {
        Some(match self {
            Self::Loopback | Self::Nic => None,
            Self::Unknown => return None,
            Self::Made(kind) => match kind.as_ref() {
                "tap" => Some("tun"),
                "wlan" => None,
                kind => Some(kind),
            },
        })
    }

    /// What `Driver=` is: that of `ethtool -i`. The outer `None`: nobody knows; the inner one: it has none.
    pub fn driver(&self) -> Option<Option<&str>> {
        Some(match self {
            Self::Loopback => None,
            Self::Nic | Self::Unknown => return None,
            Self::Made(kind) => match kind.as_ref() {
                kind @ ("veth" | "bridge" | "dummy" | "macvlan") => Some(kind),
                "tap" | "tun" => Some("tun"),
                "macvtap" => Some("macvlan"),
                _ => return None,
            },
        })
    }
}
