//! What a machine may or may not offer.
//!
//! A scenario names what it needs; [`doctor`](super::doctor) says what is here.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Environment variable that turns an unmet capability from a skip into a failure.
pub const STRICT_VARIABLE: &str = "BRIDGELAB_STRICT";

/// Whether an unmet capability is a failure instead of a skip, as CI wants it: [`STRICT_VARIABLE`] is `1`.
pub fn strict() -> bool {
    std::env::var_os(STRICT_VARIABLE).is_some_and(|value| value == "1")
}

/// Ends a test that this host cannot do: told with its reason, and failed where [`strict`] wants that.
#[cfg(test)]
pub(crate) fn skip_test(reason: &str) {
    assert!(!strict(), "skipped under {STRICT_VARIABLE}=1: {reason}");
    eprintln!("skipped: because {reason}");
}

/// Something that a machine may or may not offer. The kebab-case names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "`purpose` documents each one, for readers of the code and of the report"
)]
pub enum Capability {
    Namespaces,
    SubordinateIds,
    Bridge,
    Veth,
    Tap,
    Iproute2,
    Networkd,
    DbusDaemon,
    Dnsmasq,
    Qemu,
    Ping,
    SshKeygen,
    Mmdebstrap,
    DebianKeyring,
    MkfsExt4,
    QemuImg,
    DiskSpace,
    Memory,
    Kvm,
    Tcpdump,
    Nftables,
    Iptables,
    CloudHypervisor,
    Alioth,
    Firecracker,
    Crosvm,
    Kvmtool,
    Macvtap,
    DeviceNodes,
    Netem,
    VlanFiltering,
    BridgeNetfilter,
    VhostNet,
    VhostVsock,
    Vlan,
    Vxlan,
    Geneve,
    Wireguard,
    Vrf,
    Bond,
    Dummy,
    Ifb,
    Macvlan,
    Ipvlan,
    Ipvtap,
    Macsec,
    Gre,
    Gretap,
    Erspan,
    Ip6gre,
    Ip6gretap,
    Ipip,
    Sit,
    Ip6tnl,
    Vti,
    Vti6,
    Xfrm,
    Bareudp,
    Hsr,
    Batadv,
}

/// How much depends on a capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// No scenario runs without it.
    Run,
    /// Making the guest image and its template needs it, which the first run does.
    Image,
    /// Some scenarios ask for it and are skipped without it.
    SomeScenarios,
    /// Everything works without it, only slower.
    Speed,
}

impl Capability {
    /// All of them, in the order of the report: what every run needs comes first.
    pub const ALL: [Self; 60] = [
        Self::Namespaces,
        Self::SubordinateIds,
        Self::Bridge,
        Self::Veth,
        Self::Tap,
        Self::Iproute2,
        Self::Networkd,
        Self::DbusDaemon,
        Self::Dnsmasq,
        Self::Qemu,
        Self::Ping,
        Self::SshKeygen,
        Self::Mmdebstrap,
        Self::DebianKeyring,
        Self::MkfsExt4,
        Self::QemuImg,
        Self::DiskSpace,
        Self::Memory,
        Self::Kvm,
        Self::Tcpdump,
        Self::Nftables,
        Self::Iptables,
        Self::CloudHypervisor,
        Self::Alioth,
        Self::Firecracker,
        Self::Crosvm,
        Self::Kvmtool,
        Self::Macvtap,
        Self::DeviceNodes,
        Self::Netem,
        Self::VlanFiltering,
        Self::BridgeNetfilter,
        Self::VhostNet,
        Self::VhostVsock,
        Self::Vlan,
        Self::Vxlan,
        Self::Geneve,
        Self::Wireguard,
        Self::Vrf,
        Self::Bond,
        Self::Dummy,
        Self::Ifb,
        Self::Macvlan,
        Self::Ipvlan,
        Self::Ipvtap,
        Self::Macsec,
        Self::Gre,
        Self::Gretap,
        Self::Erspan,
        Self::Ip6gre,
        Self::Ip6gretap,
        Self::Ipip,
        Self::Sit,
        Self::Ip6tnl,
        Self::Vti,
        Self::Vti6,
        Self::Xfrm,
        Self::Bareudp,
        Self::Hsr,
        Self::Batadv,
    ];

    /// The stable name, as in scenario files and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::SubordinateIds => "subordinate-ids",
            Self::Bridge => "bridge",
            Self::Veth => "veth",
            Self::Tap => "tap",
            Self::Iproute2 => "iproute2",
            Self::Networkd => "networkd",
            Self::DbusDaemon => "dbus-daemon",
            Self::Dnsmasq => "dnsmasq",
            Self::Qemu => "qemu",
            Self::Ping => "ping",
            Self::SshKeygen => "ssh-keygen",
            Self::Mmdebstrap => "mmdebstrap",
            Self::DebianKeyring => "debian-keyring",
            Self::MkfsExt4 => "mkfs-ext4",
            Self::QemuImg => "qemu-img",
            Self::DiskSpace => "disk-space",
            Self::Memory => "memory",
            Self::Kvm => "kvm",
            Self::Tcpdump => "tcpdump",
            Self::Nftables => "nftables",
            Self::Iptables => "iptables",
            Self::CloudHypervisor => "cloud-hypervisor",
            Self::Alioth => "alioth",
            Self::Firecracker => "firecracker",
            Self::Crosvm => "crosvm",
            Self::Kvmtool => "kvmtool",
            Self::Macvtap => "macvtap",
            Self::DeviceNodes => "device-nodes",
            Self::Netem => "netem",
            Self::VlanFiltering => "vlan-filtering",
            Self::BridgeNetfilter => "bridge-netfilter",
            Self::VhostNet => "vhost-net",
            Self::VhostVsock => "vhost-vsock",
            Self::Vlan => "vlan",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::Wireguard => "wireguard",
            Self::Vrf => "vrf",
            Self::Bond => "bond",
            Self::Dummy => "dummy",
            Self::Ifb => "ifb",
            Self::Macvlan => "macvlan",
            Self::Ipvlan => "ipvlan",
            Self::Ipvtap => "ipvtap",
            Self::Macsec => "macsec",
            Self::Gre => "gre",
            Self::Gretap => "gretap",
            Self::Erspan => "erspan",
            Self::Ip6gre => "ip6gre",
            Self::Ip6gretap => "ip6gretap",
            Self::Ipip => "ipip",
            Self::Sit => "sit",
            Self::Ip6tnl => "ip6tnl",
            Self::Vti => "vti",
            Self::Vti6 => "vti6",
            Self::Xfrm => "xfrm",
            Self::Bareudp => "bareudp",
            Self::Hsr => "hsr",
            Self::Batadv => "batadv",
        }
    }

    /// The capability of that name; a scenario's `needs` are names.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|capability| capability.name() == name)
    }

    /// What it is for, in one line.
    pub const fn purpose(self) -> &'static str {
        match self {
            Self::Namespaces => "the lab lives in namespaces of its own",
            Self::SubordinateIds => {
                "networkd and image builds need more than one user id (not as root)"
            }
            Self::Bridge => "the bridge under test",
            Self::Veth => "the cables of the lab, eno1 among them",
            Self::Tap => "the guests' network cards",
            Self::Iproute2 => "ip, tc and bridge: evidence, netem, multicast tables",
            Self::Networkd => "the real systemd-networkd reads the host's units",
            Self::DbusDaemon => "networkctl talks to the lab's networkd over a private bus",
            Self::Dnsmasq => "DNS, DHCP and router advertisements of the lab's router",
            Self::Qemu => "runs the guests",
            Self::Ping => "ping checks from the lab's machines",
            Self::SshKeygen => "one key per run for the guests' SSH",
            Self::Mmdebstrap => "builds the Debian guest image",
            Self::DebianKeyring => "the keys that Debian's archive is signed with",
            Self::MkfsExt4 => "makes the guest's disk from a folder, without root",
            Self::QemuImg => "makes the disk of a template, from which guests start in a moment",
            Self::DiskSpace => "room for the image, templates and evidence",
            Self::Memory => "room for the guests",
            Self::Kvm => "guests at full speed instead of emulation",
            Self::Tcpdump => "checks of packets on the wire",
            Self::Nftables => "scenarios with a ruleset of nftables",
            Self::Iptables => "scenarios with a ruleset of iptables",
            Self::CloudHypervisor => "scenarios with hypervisor = \"cloud-hypervisor\"",
            Self::Alioth => "scenarios with hypervisor = \"alioth\"",
            Self::Firecracker => "scenarios with hypervisor = \"firecracker\"",
            Self::Crosvm => "scenarios with hypervisor = \"crosvm\"",
            Self::Kvmtool => "scenarios with hypervisor = \"kvmtool\"",
            Self::Macvtap => "scenarios with type = \"macvtap\"",
            Self::DeviceNodes => "macvtap: its device node has to be made by mknod",
            Self::Netem => "scenarios with loss, delay or reordering",
            Self::VlanFiltering => "scenarios with VLANs on the bridge",
            Self::BridgeNetfilter => "scenarios where the firewall sees bridged frames",
            Self::VhostNet => "scenarios with tap.vhost = true",
            Self::VhostVsock => "guests of crosvm and kvmtool are steered by it",
            // Kinds of links.
            _ => "scenarios whose unit files make a link of this kind",
        }
    }

    /// How much depends on it.
    pub const fn need(self) -> Need {
        match self {
            Self::Namespaces
            | Self::SubordinateIds
            | Self::Bridge
            | Self::Veth
            | Self::Tap
            | Self::Iproute2
            | Self::Networkd
            | Self::DbusDaemon
            | Self::Dnsmasq
            | Self::Qemu
            | Self::Ping
            | Self::SshKeygen
            | Self::DiskSpace
            | Self::Memory => Need::Run,
            Self::Mmdebstrap | Self::DebianKeyring | Self::MkfsExt4 | Self::QemuImg => Need::Image,
            Self::Kvm => Need::Speed,
            _ => Need::SomeScenarios,
        }
    }

    /// Whether setting up installs it although only some scenarios ask for it: it is a small package.
    pub const fn small(self) -> bool {
        matches!(self, Self::Tcpdump | Self::Nftables | Self::Iptables)
    }

    /// Whether a lab in a VM has it whatever this machine has: `run --lab vm` boots a full kernel, with KVM and with
    /// every program that a lab needs.
    pub const fn in_lab_vm(self) -> bool {
        match self {
            // What the VM itself is made with.
            Self::Namespaces
            | Self::SubordinateIds
            | Self::Qemu
            | Self::Mmdebstrap
            | Self::DebianKeyring
            | Self::MkfsExt4
            | Self::QemuImg
            | Self::DiskSpace
            | Self::Memory
            // Programs that come from this machine.
            | Self::CloudHypervisor
            | Self::Alioth
            | Self::Firecracker
            | Self::Crosvm
            | Self::Kvmtool => false,
            _ => true,
        }
    }

    /// Kernel module that brings it, of those that nothing loads by itself.
    pub const fn module(self) -> Option<&'static str> {
        match self {
            // With it, frames on every bridge pass the firewall's rules: never loaded unasked.
            Self::BridgeNetfilter => Some("br_netfilter"),
            // Its device node comes with it.
            Self::VhostVsock => Some("vhost_vsock"),
            _ => None,
        }
    }

    /// Whether the first `run` on a machine fails without it.
    pub const fn required(self) -> bool {
        matches!(self.need(), Need::Run | Need::Image)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serde_and_name_agree_and_all_is_complete() {
        for (at, capability) in Capability::ALL.into_iter().enumerate() {
            assert_eq!(serde_json::to_value(capability).unwrap(), capability.name());
            assert_eq!(capability as usize, at, "ALL lists every variant in order");
        }
        assert_eq!(Capability::ALL.len(), Capability::Batadv as usize + 1);
    }

    #[test]
    fn scenarios_may_ask_for_each_of_them() {
        assert_eq!(
            Capability::ALL.map(Capability::name).as_slice(),
            crate::scenario::needs::CAPABILITIES
        );
        assert_eq!(Capability::named("netem"), Some(Capability::Netem));
        assert_eq!(Capability::named("Netem"), None);
    }

    #[test]
    fn what_a_run_requires_comes_first() {
        let first_optional = Capability::ALL.iter().position(|c| !c.required()).unwrap();
        assert!(
            Capability::ALL[first_optional..]
                .iter()
                .all(|c| !c.required())
        );
    }
}
